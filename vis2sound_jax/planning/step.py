"""One training step on chips that are not there: compiled for virtual devices, then read.

Along `data` all devices do the same, so that a larger axis changes neither the program of a device nor what it sends,
only to how many. It is compiled for at most `MOST_DATA`, and the groups are widened to the axis that was asked for.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from vis2sound_jax.planning.chips import Chip, Topology
from vis2sound_jax.planning.collectives import Collective, axis_group, collectives, group_axes
from vis2sound_jax.planning.roofline import Prediction, predict
from vis2sound_jax.planning.work import Work, work
from vis2sound_jax.run.training import Training
from vis2sound_jax.training.loop import abstract_state, make_step
from vis2sound_jax.training.sharding import make_mesh
from vis2sound_jax.training.tables import BATCH
from vis2sound_jax.training.task import PyTree

MOST_DATA = 8
"""Devices along the axis `data` that a step is compiled for."""

_Batch = tuple[tuple[str, jax.ShapeDtypeStruct], ...]
_Frozen = tuple[tuple[jax.ShapeDtypeStruct, ...], Any]
"""Leaves and structure of the frozen weights, which, unlike the tree, can be a key of a cache."""

# What is compiled is not run, so machine code need not be good.
_COMPILER_OPTIONS = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class PlannedStep(NamedTuple):
    """What is known of a step. Bytes are those of one chip.

    Attributes:
      topology: the chips.
      axes: the mesh on them, axis → size.
      batch: examples of a step, on all chips.
      parameters: of the networks.
      work: of one chip.
      state_bytes: parameters, optimizer, statistics and frozen weights, as far as the chip holds them.
      input_bytes: its part of the batch.
      temporary_bytes: activations, gradients and whatever else lives during the step.
      collectives: what the chips send one another.
      prediction: the times.
    """

    topology: Topology
    axes: dict[str, int]
    batch: int
    parameters: int
    work: Work
    state_bytes: int
    input_bytes: int
    temporary_bytes: int
    collectives: list[Collective]
    prediction: Prediction

    @property
    def needed_bytes(self) -> int:
        """All that the chip must hold at once."""
        return self.state_bytes + self.input_bytes + self.temporary_bytes

    @property
    def fits(self) -> bool:
        """Whether the chip's memory holds it."""
        return self.needed_bytes <= self.topology.chip.hbm_bytes


class _Read(NamedTuple):
    """What a compiled program says of itself; see `PlannedStep`."""

    parameters: int
    state_bytes: int
    input_bytes: int
    temporary_bytes: int
    collectives: tuple[Collective, ...]


def compiled_axes(axes: Mapping[str, int]) -> dict[str, int]:
    """Says for which mesh a step is compiled that is planned for another."""
    return {**axes, "data": min(axes["data"], MOST_DATA)}


def plan_step(training: Training, topology: Topology, axes: Mapping[str, int], batch: int) -> PlannedStep:
    """Compiles a step and predicts how it would do.

    Args:
      training: what is trained.
      topology: where.
      axes: sizes of the mesh's axes, whose product is the number of chips.
      batch: examples of a step, a multiple of data × fsdp.

    Returns:
      What is known of it.

    Raises:
      UserError: if the task's sharding table does not fit the mesh, or there are too few virtual devices.
    """
    task: Any = training.task
    leaves, structure = jax.tree.flatten(training.frozen_shapes)
    frozen: _Frozen = (tuple(leaves), structure)
    own, small = batch // (axes["data"] * axes["fsdp"]), compiled_axes(axes)
    compiled = training.batch_shapes(own * small["data"] * small["fsdp"])
    read = _read(task, tuple(compiled.items()), frozen, tuple(small.items()))
    found = [dataclasses.replace(one, group=axis_group(group_axes(one.group, small), axes)) for one in read.collectives]
    done = _traced_work(task, tuple(training.batch_shapes(own).items()), frozen)
    # The axis `model` shares out the products, and the optimizer reads and writes the state that the chip holds.
    done = Work(*(value / axes["model"] for value in done)).plus(Work(bytes=2 * read.state_bytes))
    return PlannedStep(
        topology=topology,
        axes=dict(axes),
        batch=batch,
        parameters=read.parameters,
        work=done,
        state_bytes=read.state_bytes,
        input_bytes=read.input_bytes,
        temporary_bytes=read.temporary_bytes,
        collectives=found,
        prediction=predict(done, found, topology, axes),
    )


def time_alone(training: Training, chip: Chip, batch: int) -> Prediction:
    """Says how long `plan_step` predicts a step to take on a single chip, which sends nothing; compiles nothing.

    Args:
      training: what is trained.
      chip: where.
      batch: examples of a step.

    Returns:
      The times in seconds.
    """
    state = jax.eval_shape(training.task.init, jax.random.key(0), training.batch_shapes(batch))
    held = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves((state, training.frozen_shapes)))
    return predict(products(training, batch).plus(Work(bytes=2 * held)), [], Topology(chip.title, chip, 1), {})


def products(training: Training, batch: int) -> Work:
    """Counts the work of a step's products on a single chip, without that of the optimizer.

    Args:
      training: what is trained.
      batch: examples of a step.

    Returns:
      The work.
    """
    task: Any = training.task
    leaves, structure = jax.tree.flatten(training.frozen_shapes)
    return _traced_work(task, tuple(training.batch_shapes(batch).items()), (tuple(leaves), structure))


def held_bytes(training: Training, axes: Mapping[str, int], batch: int) -> int:
    """Bytes of the state on one chip of a mesh, without compiling anything.

    Args:
      training: as `plan_step`.
      axes: as `plan_step`.
      batch: as `plan_step`.
    """
    mesh = make_mesh(compiled_axes(axes))
    state = abstract_state(training.task, jax.random.key(0), training.batch_shapes(batch), mesh)
    return _held_bytes((state, _everywhere(training.frozen_shapes, mesh)))


@functools.lru_cache
def _read(task: Any, batch: _Batch, frozen: _Frozen, axes: tuple[tuple[str, int], ...]) -> _Read:
    mesh, key = make_mesh(dict(axes)), jax.random.key(0)
    shapes = {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=NamedSharding(mesh, BATCH)) for name, leaf in batch
    }
    state = abstract_state(task, key, shapes, mesh)
    step: Any = make_step(task, jax.tree.map(lambda leaf: leaf.sharding, state))
    weights = _everywhere(jax.tree.unflatten(frozen[1], frozen[0]), mesh)
    with jax.set_mesh(mesh):
        program = step.lower(state, shapes, weights, key).compile(compiler_options=_COMPILER_OPTIONS)
    memory = program.memory_analysis()
    # The new state lies where the old one did; what else comes out is counted as temporary.
    more = max(0, memory.output_size_in_bytes - memory.alias_size_in_bytes)
    return _Read(
        parameters=sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        state_bytes=_held_bytes((state, weights)),
        input_bytes=_held_bytes(shapes),
        temporary_bytes=memory.temp_size_in_bytes + more,
        collectives=tuple(collectives(program.as_text())),
    )


def _everywhere(tree: PyTree, mesh: Mesh) -> PyTree:
    """The shapes, on every device whole."""
    place = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), tree)


def _held_bytes(tree: PyTree) -> int:
    """Bytes of the parts that one device holds."""
    return sum(math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@functools.lru_cache
def _traced_work(task: Any, batch: _Batch, frozen: _Frozen) -> Work:
    key, shapes = jax.random.key(0), dict(batch)
    state = jax.eval_shape(task.init, key, shapes)
    return work(task.train_step, state, shapes, jax.tree.unflatten(frozen[1], frozen[0]), key)

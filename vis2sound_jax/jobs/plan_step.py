"""One training step on chips that are not there: compiled for as many virtual devices, then read."""

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
from jax.sharding import Mesh, NamedSharding

from vis2sound_jax.jobs.stage_tasks import StageTask
from vis2sound_jax.training.chips import Topology
from vis2sound_jax.training.collectives import Collective, collectives
from vis2sound_jax.training.loop import abstract_state, make_step
from vis2sound_jax.training.roofline import Prediction, predict
from vis2sound_jax.training.sharding import make_mesh
from vis2sound_jax.training.tables import BATCH
from vis2sound_jax.training.task import PyTree, TrainState
from vis2sound_jax.training.work import Work, work

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
      state_bytes: parameters, optimizer and statistics, as far as the chip holds them.
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


def plan_step(planned: StageTask, topology: Topology, axes: Mapping[str, int], batch: int) -> PlannedStep:
    """Compiles a step and predicts how it would do.

    Args:
      planned: what is trained.
      topology: where.
      axes: sizes of the mesh's axes, whose product is the number of chips.
      batch: examples of a step, a multiple of data × fsdp.

    Returns:
      What is known of it.

    Raises:
      UserError: if the task's sharding table does not fit the mesh.
    """
    mesh, key = make_mesh(axes), jax.random.key(0)
    shapes = {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=NamedSharding(mesh, BATCH))
        for name, leaf in planned.batch(batch).items()
    }
    state = abstract_state(planned.task, key, shapes, mesh)
    program = _compiled(planned, state, shapes, key, mesh)
    memory, found = program.memory_analysis(), collectives(program.as_text())
    state_bytes, input_bytes = _held_bytes(state), _held_bytes(shapes)
    # The new state lies where the old one did; what else comes out is counted as temporary.
    more = memory.output_size_in_bytes - memory.alias_size_in_bytes
    own = _own_work(planned, batch // (axes["data"] * axes["fsdp"]), axes["model"])
    own = own._replace(bytes=own.bytes + 2 * state_bytes)
    return PlannedStep(
        topology=topology,
        axes=dict(axes),
        batch=batch,
        parameters=sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        work=own,
        state_bytes=state_bytes,
        input_bytes=input_bytes,
        temporary_bytes=memory.temp_size_in_bytes + max(0, more),
        collectives=found,
        prediction=predict(own, found, topology, axes),
    )


def held_bytes(planned: StageTask, axes: Mapping[str, int], batch: int) -> int:
    """Bytes of the state on one chip of a mesh, without compiling anything; see `plan_step`."""
    return _held_bytes(abstract_state(planned.task, jax.random.key(0), planned.batch(batch), make_mesh(axes)))


def _compiled(planned: StageTask, state: TrainState, shapes: PyTree, key: jax.Array, mesh: Mesh) -> Any:
    step: Any = make_step(planned.task, jax.tree.map(lambda leaf: leaf.sharding, state))
    with jax.set_mesh(mesh):
        return step.lower(state, shapes, None, key).compile(compiler_options=_COMPILER_OPTIONS)


def _held_bytes(tree: PyTree) -> int:
    """Bytes of the parts that one device holds."""
    return sum(math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


@functools.lru_cache
def _traced_work(task: Any, batch: tuple[tuple[str, jax.ShapeDtypeStruct], ...]) -> Work:
    key, shapes = jax.random.key(0), dict(batch)
    state = jax.eval_shape(task.init, key, shapes)
    return work(lambda *inputs: task.train_step(inputs[0], inputs[1], None, inputs[2]), state, shapes, key)


def _own_work(planned: StageTask, batch: int, parts: int) -> Work:
    """The work of one chip: a step on its own examples, of which the axis `model` shares out the products."""
    whole = _traced_work(planned.task, tuple(planned.batch(batch).items()))
    return Work(*(value / parts for value in whole))

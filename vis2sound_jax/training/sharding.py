"""Where arrays live: the device mesh, and parameters laid on it by a table of path regexes."""

import re
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.optim import path_name
from vis2sound_jax.training.task import PyTree

Rules = Sequence[tuple[str, PartitionSpec]]


def make_mesh(axes: Mapping[str, int] | None = None) -> Mesh:
    """Arranges devices in named axes.

    Args:
      axes: axis name → number of devices, e.g. `{"data": 4, "model": 2}`; None puts all devices on `data`.

    Returns:
      A mesh over the first devices, as many as the axes ask for.

    Raises:
      UserError: if the axes ask for more devices than there are.
    """
    devices = jax.devices()
    axes = {"data": len(devices)} if axes is None else dict(axes)
    wanted = int(np.prod(list(axes.values())))
    if not 1 <= wanted <= len(devices):
        raise UserError(f"mesh {axes} asks for {wanted} devices, but there are {len(devices)}; make it smaller")
    # Auto, because the explicit axis types that are jax's default break embeddings in Flax.
    return jax.make_mesh(
        tuple(axes.values()),
        tuple(axes),
        axis_types=(AxisType.Auto,) * len(axes),
        devices=devices[:wanted],
    )


def _split(mesh: Mesh, names: str | Sequence[str] | None) -> int:
    names = () if names is None else (names,) if isinstance(names, str) else names
    return int(np.prod([mesh.shape[name] for name in names]))


def _leaf_sharding(path: str, shape: tuple[int, ...], rules: Rules, mesh: Mesh) -> NamedSharding:
    if not shape:
        return NamedSharding(mesh, PartitionSpec())
    for pattern, spec in rules:
        if not re.search(pattern, path):
            continue
        parts = [_split(mesh, names) for names in spec]
        if len(parts) > len(shape) or any(size % part for size, part in zip(shape, parts, strict=False)):
            raise ValueError(
                f"{path} of shape {shape} cannot be divided by rule {pattern!r} → {spec} on mesh {dict(mesh.shape)}"
            )
        return NamedSharding(mesh, spec)
    raise ValueError(f"{path} of shape {shape} matches none of the sharding rules {[rule for rule, _ in rules]}")


def shard_by_rules(tree: PyTree, rules: Rules, mesh: Mesh) -> PyTree:
    """Finds the sharding of every leaf.

    An optimizer's moments carry the path of their parameter as a suffix, so one table serves both.

    Args:
      tree: arrays or shape structs.
      rules: (regex, PartitionSpec) pairs; the regex is searched in paths such as
        `params/encoder/kernel`, and the first that is found decides. Scalars are always replicated.
      mesh: the devices.

    Returns:
      A tree of NamedSharding of the same structure.

    Raises:
      ValueError: if a leaf matches no rule or does not divide; names path, shape and rule.
    """
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: _leaf_sharding(path_name(path), leaf.shape, rules, mesh), tree
    )


def replicate(tree: PyTree, mesh: Mesh) -> PyTree:
    """Puts a copy of every array on every device of the mesh."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def shard_batch(batch: Mapping[str, np.ndarray], mesh: Mesh) -> dict[str, jax.Array]:
    """Puts a host's part of a batch on its devices, divided along the first axis over `data`.

    Args:
      batch: name → array [b, ...], the examples that this host loaded.
      mesh: the devices; an axis `data` divides the batch, all others see the same examples.

    Returns:
      name → global array [b · hosts, ...].

    Raises:
      UserError: if the batch does not divide by the devices on the `data` axis.
    """
    parts = mesh.shape["data"]
    placed = {}
    for name, array in batch.items():
        if array.shape[0] * jax.process_count() % parts:
            raise UserError(
                f"a batch of {array.shape[0]} ({name}) cannot be divided over {parts} devices; "
                f"set the batch size to a multiple of {parts}"
            )
        placed[name] = jax.make_array_from_process_local_data(NamedSharding(mesh, PartitionSpec("data")), array)
    return placed

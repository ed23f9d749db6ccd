"""Where arrays live: the device mesh, and parameters laid on it by a table of path regexes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Num

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.optim import path_name
from vis2sound_jax.training.tables import AXES, BATCH, Fsdp, Rule, Table
from vis2sound_jax.training.task import PyTree


def resolve_axes(axes: Mapping[str, int], devices: int) -> dict[str, int]:
    """Says how many devices each axis gets.

    Args:
      axes: axis → number of devices; -1, at most once, stands for all that are left; absent ones are 1.
      devices: how many there are.

    Returns:
      Axis → number, for all of `AXES`.

    Raises:
      UserError: if an axis is unknown, or they do not fit the devices.
    """
    asked = f"mesh {dict(axes)} for {devices} devices"
    unknown = sorted(set(axes) - set(AXES))
    if unknown:
        raise UserError(f"{asked}: there is no axis {unknown[0]!r}; the axes are {', '.join(AXES)}")
    sizes = {name: int(axes.get(name, 1)) for name in AXES}
    rest = [name for name, size in sizes.items() if size == -1]
    if len(rest) > 1 or any(size < 1 and size != -1 for size in sizes.values()):
        raise UserError(f"{asked}: sizes are at least 1, and one of them may be -1, which takes what is left")
    taken = int(np.prod([size for size in sizes.values() if size != -1]))
    if rest and devices % taken:
        raise UserError(f"{asked}: {taken} do not divide {devices}; choose sizes whose product does")
    sizes |= {name: devices // taken for name in rest}
    if taken > devices:
        raise UserError(f"{asked}: it asks for {taken} devices; make it smaller")
    return sizes


def make_mesh(axes: Mapping[str, int] | None = None) -> Mesh:
    """Arranges devices in the axes `data`, `fsdp` and `model`.

    Args:
      axes: as in `resolve_axes`; None puts all devices on `data`.

    Returns:
      A mesh over the first devices, as many as the axes ask for.

    Raises:
      UserError: if the axes do not fit the devices, or leave out devices of another process.
    """
    devices = jax.devices()
    sizes = resolve_axes({"data": -1} if axes is None else axes, len(devices))
    wanted = int(np.prod(list(sizes.values())))
    if wanted < len(devices) and jax.process_count() > 1:
        raise UserError(
            f"mesh {sizes} leaves out some of the {len(devices)} devices of {jax.process_count()} processes; "
            "set one of its axes to -1, which takes what is left"
        )
    # Auto, because the explicit axis types that are jax's default break embeddings in Flax.
    return jax.make_mesh(tuple(sizes.values()), AXES, axis_types=(AxisType.Auto,) * len(AXES), devices=devices[:wanted])


def _split(mesh: Mesh, names: str | Sequence[str] | None) -> int:
    names = () if names is None else (names,) if isinstance(names, str) else names
    return int(np.prod([mesh.shape[name] for name in names]))


def _placed(rule: Rule, shape: tuple[int, ...], mesh: Mesh) -> PartitionSpec | None:
    """What a rule makes of an array, None if it cannot be divided so."""
    if isinstance(rule, Fsdp):
        size = mesh.shape["fsdp"]
        if size == 1 or np.prod(shape) < rule.least:
            return PartitionSpec()
        longest_first = sorted(range(len(shape)), key=lambda axis: -shape[axis])
        chosen = next((axis for axis in longest_first if not shape[axis] % size), None)
        return None if chosen is None else PartitionSpec(*[None] * chosen, "fsdp")
    parts = [_split(mesh, names) for names in rule]
    if len(parts) > len(shape) or any(size % part for size, part in zip(shape, parts, strict=False)):
        return None
    return rule


def _leaf_sharding(path: str, shape: tuple[int, ...], rules: Table, mesh: Mesh) -> NamedSharding:
    if not shape:
        return NamedSharding(mesh, PartitionSpec())
    for pattern, rule in rules:
        if not re.search(pattern, path):
            continue
        spec = _placed(rule, shape, mesh)
        if spec is None:
            raise UserError(
                f"{path} of shape {shape} cannot be divided by rule {pattern!r} → {rule} on mesh {dict(mesh.shape)}; "
                "give the axis of the mesh (config.mesh) another size, or the network another width"
            )
        return NamedSharding(mesh, spec)
    raise UserError(f"{path} of shape {shape} matches none of the sharding rules {[rule for rule, _ in rules]}")


def shard_by_rules(tree: PyTree, rules: Table, mesh: Mesh) -> PyTree:
    """Finds the sharding of every leaf.

    An optimizer's moments carry the path of their parameter as a suffix, so one table serves both.

    Args:
      tree: arrays or shape structs.
      rules: the table; scalars are always replicated.
      mesh: the devices.

    Returns:
      A tree of NamedSharding of the same structure.

    Raises:
      UserError: if a leaf matches no rule or does not divide; names path, shape and rule.
    """
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: _leaf_sharding(path_name(path), leaf.shape, rules, mesh), tree
    )


def place(tree: PyTree, shardings: PyTree) -> PyTree:
    """Puts arrays where they belong.

    Args:
      tree: arrays; every process gives the same values.
      shardings: a tree of shardings like it.

    Returns:
      The tree of global arrays.
    """

    def put(leaf: Any, sharding: NamedSharding) -> jax.Array:
        if jax.process_count() > 1 and getattr(leaf, "is_fully_addressable", True):
            # An array that lies on this process's devices alone cannot be sent to others', its values can.
            leaf = np.asarray(leaf)
        return jax.device_put(leaf, sharding)

    return jax.tree.map(put, tree, shardings)


def replicate(tree: PyTree, mesh: Mesh) -> PyTree:
    """Puts a copy of every array on every device of the mesh.

    Args:
      tree: arrays; every process gives the same values.
      mesh: the devices.

    Returns:
      The tree of global arrays.
    """
    return place(tree, jax.tree.map(lambda _: NamedSharding(mesh, PartitionSpec()), tree))


def fetch(tree: PyTree) -> PyTree:
    """Copies whole arrays to the host, wherever their parts lie.

    Args:
      tree: arrays; if any lies on devices of several processes, all processes must call this.

    Returns:
      The same tree of NumPy arrays.
    """

    def whole(leaf: Any) -> Any:
        if not isinstance(leaf, jax.Array) or leaf.is_fully_addressable or leaf.is_fully_replicated:
            return leaf
        assert isinstance(leaf.sharding, NamedSharding)  # only meshes span processes here
        everywhere = NamedSharding(leaf.sharding.mesh, PartitionSpec())
        return jax.jit(lambda x: x, out_shardings=everywhere)(leaf)

    return jax.device_get(jax.tree.map(whole, tree))


def batch_rows(mesh: Mesh, size: int) -> range:
    """Says which examples of a batch this process must load: those that lie on its devices.

    Args:
      mesh: the devices of all processes.
      size: examples of the whole batch.

    Returns:
      Their places in the batch; processes that share examples (`model` spans them) get the same.

    Raises:
      UserError: if the batch does not divide by the devices that share it out.
    """
    parts = _split(mesh, BATCH[0])
    if size % parts:
        raise UserError(
            f"a batch of {size} cannot be divided over {parts} devices (data × fsdp of config.mesh); "
            f"set the batch size to a multiple of {parts}"
        )
    places = NamedSharding(mesh, BATCH).addressable_devices_indices_map((size,)).values()
    rows = sorted({row for place in places if place for row in range(size)[place[0]]})
    if rows != list(range(rows[0], rows[-1] + 1)):
        raise UserError(f"mesh {dict(mesh.shape)} scatters a batch over processes; put `model` on fewer devices")
    return range(rows[0], rows[-1] + 1)


def shard_batch(batch: Mapping[str, Num[np.ndarray, "b ..."]], mesh: Mesh) -> dict[str, Num[Array, "b ..."]]:
    """Puts a process's part of a batch on its devices, divided along the first axis over `data` and `fsdp`.

    Args:
      batch: name → array, the examples at `batch_rows` of the whole batch.
      mesh: the devices.

    Returns:
      name → global array.
    """
    return {
        name: jax.make_array_from_process_local_data(NamedSharding(mesh, BATCH), array) for name, array in batch.items()
    }

"""Checkpoints on disk: the only module that imports orbax.

A folder holds one numbered folder per saved step; each has the items `params`, `variables`, `opt_state`
(arrays; absent where empty), `meta` (JSON: what the run wants to remember) and `data` (JSON: the position
of the input stream). The items lie apart so that inference reads only the parameters.

A folder may lie in a bucket (`gs://…`). Then a file `checkpoints.at` stands in its place in the run and names it, and
`checkpoints.owner` beside it says whose it is. In a
packed run a file `checkpoints.safetensors` stands in its place; see `packed`.
"""

import base64
import hashlib
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.training.optim import path_name
from vis2sound_jax.training.packed import packed_file, read_packed, read_packed_meta
from vis2sound_jax.training.sharding import fetch
from vis2sound_jax.training.task import PyTree, TrainState
from vis2sound_jax.whole import write_whole

_TREES = ("params", "variables", "opt_state")
_DIFFERENCES_SHOWN = 3
_SIGN, _OWNER = ".at", ".owner"


class Restored(NamedTuple):
    """What a checkpoint gives back."""

    state: TrainState
    data_state: Any  # As `Stream.get_state` returned it.
    meta: dict[str, Any]


def keep_elsewhere(directory: str | os.PathLike[str], elsewhere: str) -> None:
    """Lets the checkpoints of a folder lie somewhere else, in a place that belongs to this folder alone from then on.

    The sign in the folder and a file beside the place hold the same name, drawn once.

    Args:
      directory: where the run looks for them; nothing may be there yet.
      elsewhere: a folder, or an address such as `gs://bucket/run/stage/checkpoints`.

    Raises:
      UserError: if there are checkpoints already, here or in another place; or if the place is another run's.
    """
    sign = Path(directory).with_suffix(_SIGN)
    known, name = _read_sign(sign)
    if known == elsewhere and name:
        _take_place(elsewhere, name, begun=True)
        return
    if known and known != elsewhere or not known and Path(directory).is_dir():
        raise file_error(
            directory,
            f"its checkpoints are {f'in {known}' if known else 'here'} already and not in {elsewhere}",
            "set config.training.checkpoints as it was, or choose another --workdir",
        )
    name = uuid.uuid4().hex
    # A sign without a name was written before there were any; what lies there is this folder's.
    _take_place(elsewhere, name, begun=bool(known))
    sign.parent.mkdir(parents=True, exist_ok=True)
    write_whole(sign, f"{elsewhere}\n{name}\n")


def _read_sign(sign: Path) -> tuple[str, str]:
    """The place that a sign names, and the name by which the place knows this folder; empty where there is none."""
    lines = sign.read_text(encoding="utf-8").splitlines() if sign.is_file() else []
    place, name = [*lines, "", ""][:2]
    return place.strip(), name.strip()


def _take_place(elsewhere: str, name: str, *, begun: bool) -> None:
    """Notes beside a place whose it is; refuses one that is another's, or where an unknown run has saved."""
    place, owner = epath.Path(elsewhere), epath.Path(elsewhere + _OWNER)
    if not owner.exists() and (begun or not place.exists() or not any(place.iterdir())):
        owner.parent.mkdir(parents=True, exist_ok=True)
        owner.write_text(name)
    # Read again, since of two runs that begin at once one was the last to write.
    if not owner.exists() or owner.read_text().strip() != name:
        raise file_error(
            elsewhere,
            "another run keeps its checkpoints there",
            "set config.training.checkpoints to a place of this run's own",
        )


def _place(directory: str | os.PathLike[str]) -> epath.Path:
    """Where the checkpoints of a folder are."""
    if "://" not in os.fspath(directory):
        directory = _read_sign(Path(directory).with_suffix(_SIGN))[0] or directory
    path = epath.Path(directory)
    return path if "://" in os.fspath(directory) else path.absolute()


def is_kept(directory: str | os.PathLike[str]) -> bool:
    """Tells whether a folder of checkpoints is there, packed, or in the place that it names."""
    return _place(directory).is_dir() or packed_file(directory) is not None


def _manager(
    directory: epath.Path, *, keep: int | None, read_only: bool = False, alone: bool = False
) -> ocp.CheckpointManager:
    options = ocp.CheckpointManagerOptions(max_to_keep=keep, cleanup_tmp_directories=not read_only, read_only=read_only)
    if alone and jax.process_count() > 1:
        me = jax.process_index()
        directory.mkdir(parents=True, exist_ok=True)
        options.create = False
        options.multiprocessing_options = ocp.options.MultiprocessingOptions(
            primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"process{me}"
        )
    handlers: dict[str, Any] = {name: ocp.StandardCheckpointHandler() for name in _TREES}
    handlers |= {name: ocp.JsonCheckpointHandler() for name in ("meta", "data")}
    return ocp.CheckpointManager(directory, options=options, item_handlers=handlers)


def _is_disk_full(error: BaseException) -> bool:
    return any(words in str(error) for words in ("No space left on device", "Disk quota exceeded", "File too large"))


def _encode_position(position: Any) -> Any:
    if isinstance(position, bytes):
        return {"bytes": base64.b64encode(position).decode("ascii")}
    return {"json": position}


def _decode_position(saved: Mapping[str, Any]) -> Any:
    return base64.b64decode(saved["bytes"]) if "bytes" in saved else saved["json"]


def _shapes(tree: PyTree) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {path_name(path): tuple(leaf.shape) for path, leaf in leaves}


def _check_fit(place: epath.Path, name: str, saved: PyTree, expected: PyTree) -> None:
    """Compares shapes leaf by leaf, because orbax stops at the first and names none of ours."""
    have, want = _shapes(saved), _shapes(expected)
    differing = [path for path in sorted(have | want) if have.get(path) != want.get(path)]
    if not differing:
        return
    listed = ", ".join(
        f"{name}/{path} is {have.get(path, 'absent')} there and {want.get(path, 'absent')} by the config"
        for path in differing[:_DIFFERENCES_SHOWN]
    )
    if len(differing) > _DIFFERENCES_SHOWN:
        listed += f" and {len(differing) - _DIFFERENCES_SHOWN} more"
    raise file_error(
        place,
        f"this checkpoint does not fit the config: {listed}",
        "use the config it was trained with, or another --workdir",
    )


def _saved_trees(manager: ocp.CheckpointManager, step: int) -> dict[str, PyTree]:
    """Reads the structure and shapes of a checkpoint's trees, without the arrays."""
    metadata = manager.item_metadata(step)
    return {name: metadata[name].tree for name in _TREES if name in metadata.keys() and metadata[name] is not None}


def _abstract(leaf: Any) -> jax.ShapeDtypeStruct:
    """Asks for the leaf on this process's first device, wherever it was saved."""
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here)


class Checkpointer:
    """Saves train states in the background and restores the newest; a context manager.

    A checkpoint counts once it is whole: a process killed while saving leaves the one before. `wait`
    returns when the last save is durable.
    """

    def __init__(self, directory: str | os.PathLike[str], *, keep: int = 2, alone: bool = False) -> None:
        """Opens the folder, makes it if needed and removes what a killed save left.

        Args:
          directory: where the numbered checkpoints lie.
          keep: how many of the newest checkpoints to keep, ≥ 1.
          alone: whether, of several processes, this one alone saves and restores.
        """
        self._directory, self._alone = _place(directory), alone
        self._manager = _manager(self._directory, keep=keep, alone=alone)

    def save(
        self, state: TrainState, data_state: Any, meta: Mapping[str, Any] | None = None, *, replace: bool = False
    ) -> None:
        """Starts to save; the arrays are copied first, so the state may be donated afterwards.

        Args:
          state: saved under the number `state.step`.
          data_state: position of the input stream: bytes or a JSON value.
          meta: a JSON object to keep beside the arrays.
          replace: delete what is there of this step and of later ones first.

        Raises:
          UserError: if the disk is full, now or during the save before; or if there is a checkpoint of this step or of
            a later one, which would hide this one.
        """
        step = int(state.step)
        trees = {name: getattr(state, name) for name in _TREES}
        if self._alone:
            # Of several processes none may save an array that lies on its own devices alone.
            trees = jax.device_get(trees)
        items: dict[str, Any] = {
            name: ocp.args.StandardSave(tree) for name, tree in trees.items() if jax.tree.leaves(tree)
        }
        items["meta"] = ocp.args.JsonSave(dict(meta or {}))
        items["data"] = ocp.args.JsonSave(_encode_position(data_state))
        self.wait()
        self._make_room(step, replace)
        try:
            saved = self._manager.save(step, args=ocp.args.Composite(**items))
        except (OSError, ValueError, RuntimeError) as error:
            self._give_up(error)
        if not saved:
            raise RuntimeError(f"{self._directory}: orbax did not save step {step}")

    def _make_room(self, step: int, replace: bool) -> None:
        """Sees to it that the step to save is the newest; orbax passes over any other without a word."""
        newer = [kept for kept in self._manager.all_steps() if kept >= step]
        if newer and not replace:
            raise file_error(
                self._directory,
                f"there is a checkpoint of step {max(newer)} already, and step {step} was to be saved",
                "choose another --workdir or --output, or delete this folder",
            )
        for kept in newer:
            self._manager.delete(kept)

    def wait(self) -> None:
        """Blocks until the last save is durable.

        Raises:
          UserError: if the disk is full; the checkpoint before is untouched.
        """
        try:
            self._manager.wait_until_finished()
        except (OSError, ValueError, RuntimeError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if not _is_disk_full(error):
            raise error
        # What was written of it is removed when the folder is opened again.
        raise file_error(
            self._directory,
            "the disk is full and the checkpoint could not be saved (the one before is kept)",
            "free some space and run the same command again",
        ) from error

    def restore_latest(self, abstract: TrainState) -> Restored | None:
        """Restores the newest checkpoint.

        Args:
          abstract: shape structs with shardings, as `jax.eval_shape` makes; the arrays are
            restored onto these shardings whatever devices they were saved from.

        Returns:
          The state, the stream's position and the meta data, or None if nothing was saved.

        Raises:
          UserError: if the checkpoint has other parameters than `abstract`.
        """
        step = self._manager.latest_step()
        if step is None:
            return None
        saved = _saved_trees(self._manager, step)
        wanted = {name: getattr(abstract, name) for name in _TREES}
        for name, tree in wanted.items():
            _check_fit(self._directory / str(step), name, saved.get(name, {}), tree)
        items: dict[str, Any] = {name: ocp.args.StandardRestore(wanted[name]) for name in saved}
        items |= {name: ocp.args.JsonRestore() for name in ("meta", "data")}
        found = self._manager.restore(step, args=ocp.args.Composite(**items))
        trees = {name: found[name] if name in saved else tree for name, tree in wanted.items()}
        counter = jax.device_put(np.int32(step), abstract.step.sharding)
        return Restored(TrainState(step=counter, **trees), _decode_position(found["data"]), dict(found["meta"]))

    def close(self) -> None:
        """Waits for the last save and frees the threads."""
        try:
            self.wait()
        finally:
            self._manager.close()

    def __enter__(self) -> "Checkpointer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An error on its way out is the one to report, not a second one from closing.
        try:
            self.close()
        except UserError:
            if error is None:
                raise


def _open_newest(directory: str | os.PathLike[str]) -> tuple[ocp.CheckpointManager, int]:
    step, place = None, _place(directory)
    if place.is_dir():
        manager = _manager(place, keep=None, read_only=True, alone=True)
        step = manager.latest_step()
    if step is None:
        raise file_error(place, "there is no checkpoint", "train first, or name another --workdir")
    return manager, step


def load_params(directory: str | os.PathLike[str], *, item: str = "params", expected: PyTree | None = None) -> PyTree:
    """Loads the newest parameters without knowing their tree.

    Args:
      directory: the folder that `Checkpointer` wrote; the file that was packed of it is found too.
      item: `params` or `variables`.
      expected: a tree of arrays or shape structs that the parameters must fit; None takes any.

    Returns:
      A tree of arrays on the first device; `{}` if the item is absent because it was empty.

    Raises:
      UserError: if there is no checkpoint, or it does not fit `expected`.
    """
    packed = packed_file(directory)
    if packed is not None:
        found = read_packed(packed, item)
        if expected is not None:
            _check_fit(epath.Path(packed), item, found, expected)
        return found
    manager, step = _open_newest(directory)
    saved = _saved_trees(manager, step).get(item, {})
    if expected is not None:
        _check_fit(_place(directory) / str(step), item, saved, expected)
    if not saved:
        return {}
    target = jax.tree.map(_abstract, saved)
    return manager.restore(step, args=ocp.args.Composite(**{item: ocp.args.StandardRestore(target)}))[item]


def load_meta(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """Loads what the run noted beside its newest parameters, with its `step`.

    Args:
      directory: the folder that `Checkpointer` wrote; the file that was packed of it is found too.

    Returns:
      The JSON object given to `Checkpointer.save`, and `step`, the number of updates made.

    Raises:
      UserError: if there is no checkpoint.
    """
    packed = packed_file(directory)
    if packed is not None:
        return read_packed_meta(packed)
    manager, step = _open_newest(directory)
    found = manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore()))
    return {**found["meta"], "step": step}


def digest(tree: PyTree) -> str:
    """Hashes every path, type, shape and bit of a tree of arrays, to tell whether two runs ended alike.

    Args:
      tree: arrays of any kind.

    Returns:
      The SHA-256 in hexadecimal.
    """
    sha = hashlib.sha256()
    named = {path_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
    for name, leaf in sorted(named.items()):
        array = np.asarray(fetch(leaf))
        sha.update(f"{name} {array.dtype} {array.shape}\n".encode())
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()

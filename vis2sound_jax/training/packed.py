"""Weights in one file: what is left of a folder of checkpoints once a run is packed to be handed on.

Where a training keeps `checkpoints/`, a packed run has `checkpoints.safetensors`. It holds what a network needs to be
used: no optimizer, and of a training that averages its weights the averages alone. `checkpoint.load_params` and
`load_meta` read both.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vis2sound_jax.errors import file_error
from vis2sound_jax.whole import write_whole

PyTree = Any
AVERAGED = "ema"
"""What `variables` calls averaged weights."""

_NOTES = "vis2sound_jax"
_REMEDY = "install vis2sound_jax again, or pack the run again with --job=pack"


def packed_file(directory: str | os.PathLike[str]) -> Path | None:
    """Finds the file that stands in the place of a folder of checkpoints.

    Args:
      directory: the folder, as `checkpoint.load_params` is given it.

    Returns:
      The file; None where there is none.
    """
    if "://" in os.fspath(directory):
        return None
    path = Path(directory).with_suffix(".safetensors")
    return path if path.is_file() else None


def write_packed(path: Path, params: PyTree, variables: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Writes the weights of a training into one file.

    Numbers are stored in half precision where they fit into it.

    Args:
      path: the file; its folder must exist.
      params: of the newest checkpoint.
      variables: of the same; if they hold averages, these are written and `params` are not.
      meta: a JSON object to keep beside the arrays, with `step`.

    Raises:
      UserError: if the file cannot be written.
    """
    trees = {"variables": dict(variables)} if AVERAGED in variables else {"params": params, "variables": variables}
    arrays = {name: _stored(array) for name, array in flatten_dict(trees, sep="/").items()}
    write_whole(path, save(arrays, {_NOTES: json.dumps(dict(meta))}))


def read_packed(path: Path, item: str) -> PyTree:
    """Reads one item.

    Args:
      path: a file of `write_packed`.
      item: "params" or "variables"; averages stand in for parameters that were left out.

    Returns:
      A tree of arrays on the first device, float32 where they were stored in half precision; `{}` if there are none.

    Raises:
      UserError: if the file is broken or something else.
    """
    with _Opened(path) as file:
        names = list(file.keys())
        prefix = f"{item}/"
        if item == "params" and not any(name.startswith(prefix) for name in names):
            prefix = f"variables/{AVERAGED}/"
        found = {name.removeprefix(prefix): file.get_tensor(name) for name in names if name.startswith(prefix)}
    return unflatten_dict({name: _used(array) for name, array in found.items()}, sep="/")


def read_packed_meta(path: Path) -> dict[str, Any]:
    """Reads what was noted beside the weights, with `step`.

    Args:
      path: a file of `write_packed`.

    Raises:
      UserError: if the file is broken or something else.
    """
    with _Opened(path) as file:
        return json.loads(file.metadata()[_NOTES])


class _Opened:
    """A file of ours, open; whatever is wrong with it is told as the user needs it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        try:
            self._file = safe_open(self._path, framework="numpy")
        except (SafetensorError, OSError) as error:
            raise file_error(self._path, f"is damaged ({error})", _REMEDY) from None
        if _NOTES not in (self._file.metadata() or {}):
            raise file_error(self._path, "holds weights of another program", _REMEDY)
        return self._file.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._file.__exit__(*error)


def _stored(array: Any) -> np.ndarray:
    """An array in half precision, or as it is where that would not hold its numbers."""
    whole = np.asarray(array, order="C")
    if whole.dtype.kind == "V":  # bfloat16, which NumPy's safetensors do not know
        return whole.astype(np.float32)
    if whole.dtype != np.float32:
        return whole
    with np.errstate(over="ignore"):
        half = whole.astype(np.float16)
    return half if np.isfinite(half).all() == np.isfinite(whole).all() else whole


def _used(array: np.ndarray) -> Any:
    return jnp.asarray(array, jnp.float32 if array.dtype == np.float16 else None)

"""Reads files of released weights as plain arrays."""

import os
import zipfile
from pathlib import Path

import numpy as np
import safetensors.numpy

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.weights.rules import Weight
from vis2sound_jax.weights.torch_files import read_torch

_SMALL_BYTES = 1 << 26
_MOST_PACKED = 20  # times; weights cannot be packed to half
_TORCH = (".ckpt", ".pth", ".pt")
_SUFFIXES = (".npz", ".safetensors", *_TORCH)


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Weight]:
    """Reads a file of weights.

    Args:
      path: `.npz`, `.safetensors`, or torch's `.ckpt`, `.pth` or `.pt`, of which only
        the tensors are read and nothing is run; see `torch_files`.

    Returns:
      Array by name, as the file calls it.

    Raises:
      UserError: if the file is missing or broken, or of another kind.
    """
    path = Path(path).expanduser()
    if path.suffix not in _SUFFIXES:
        raise file_error(path, "is no file of weights", f"name one that ends in {', '.join(_SUFFIXES)}")
    if not path.is_file():
        raise file_error(path, "there is no such file", "download it and name where it lies")
    try:
        if path.suffix in _TORCH:
            return read_torch(path)
        if path.suffix == ".npz":
            _check_sizes(path)
            with np.load(path) as arrays:
                return {name: arrays[name] for name in arrays.files}
        return dict(safetensors.numpy.load_file(path))
    except UserError:
        raise
    except Exception as error:  # each reader has errors of its own
        raise file_error(path, f"cannot be read ({type(error).__name__})", "download it again") from error


def _check_sizes(path: Path) -> None:
    """Refuses an archive that unpacks to much more than it is, before anything is unpacked."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > _SMALL_BYTES + _MOST_PACKED * path.stat().st_size:
        problem = f"unpacks from {path.stat().st_size} to {unpacked} bytes, as no weights do"
        raise file_error(path, f"is refused: it {problem}", "get the file from its authors again")

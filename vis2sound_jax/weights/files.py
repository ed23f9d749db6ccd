"""Reads files of released weights as plain arrays."""

import os
from pathlib import Path

import numpy as np
import safetensors.numpy

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.weights.rules import Weight
from vis2sound_jax.weights.torch_files import read_torch

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
            with np.load(path) as arrays:
                return {name: arrays[name] for name in arrays.files}
        return dict(safetensors.numpy.load_file(path))
    except UserError:
        raise
    except Exception as error:  # each reader has errors of its own
        raise file_error(path, f"cannot be read ({type(error).__name__})", "download it again") from error

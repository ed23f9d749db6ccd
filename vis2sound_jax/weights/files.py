"""Reads files of released weights as plain arrays."""

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.errors import UserError, file_error

_SUFFIXES = (".npz", ".safetensors", ".pth", ".pt")


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads a file of weights.

    Args:
      path: `.npz`, `.safetensors`, or torch's `.pth` or `.pt`; the last two need the extra `convert`. Of a torch
        file only tensors are read, and nothing in it is run.

    Returns:
      Array by name, as the file calls it.

    Raises:
      UserError: if the file is missing or broken, of another kind, or a package is missing.
    """
    path = Path(path).expanduser()
    if path.suffix not in _SUFFIXES:
        raise file_error(path, "is no file of weights", f"name one that ends in {', '.join(_SUFFIXES)}")
    if not path.is_file():
        raise file_error(path, "there is no such file", "download it and name where it lies")
    try:
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                return {name: arrays[name] for name in arrays.files}
        if path.suffix == ".safetensors":
            return dict(_package("safetensors.numpy").load_file(path))
        tensors = _package("torch").load(path, map_location="cpu", weights_only=True)
        tensors = tensors.get("state_dict", tensors.get("model", tensors))
        return {name: tensor.numpy() for name, tensor in tensors.items() if hasattr(tensor, "numpy")}
    except UserError:
        raise
    except Exception as error:  # each reader has errors of its own
        raise file_error(path, f"cannot be read ({type(error).__name__})", "download it again") from error


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(
            f"reading this file needs {name.split('.')[0]}; install the extra: pip install 'vis2sound_jax[convert]'"
        ) from None

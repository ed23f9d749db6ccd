"""Writes classifiers, arrays and reports whole or not at all."""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.errors import file_error


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file under a temporary name beside it and then renames it.

    Args:
      path: where to; its folder must exist.
      data: the file's bytes.

    Raises:
      UserError: where it cannot be written; an older file is still whole then.
    """
    temporary = Path(f"{os.fspath(path)}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        remedy = "free some space or choose a writable folder"
        raise file_error(path, f"cannot be written ({error.strerror})", remedy) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Writes named arrays as an npz file; see `write_whole`."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(path, buffer.getvalue())

"""Large arrays: in memory, or beyond a size in a temporary file that is mapped, so that an hour of sound needs little.

Pages of a mapped array count as memory of the process while they are in use. What goes through a long array goes in
pieces, and lets go of them: `let_go` costs next to nothing, and for arrays in memory nothing.
"""

import mmap
import os
import tempfile
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.errors import UserError

MAPPED_BYTES = 128 << 20
"""Size from which an array lies in a file: about three minutes of two channels at 48 kHz."""

_PIECE = 1 << 21
_ZEROS = bytes(1 << 20)


def zeros(shape: tuple[int, ...]) -> Float32[np.ndarray, "..."]:
    """Makes an array of zeros, like `numpy.zeros`.

    Args:
      shape: of the array.

    Returns:
      The array, float32. From `MAPPED_BYTES` on it lies in a file that has no name and goes with the array, in the
      folder for temporary files, which TMPDIR names.

    Raises:
      UserError: if there is no room for the file.
    """
    size = 4 * int(np.prod(shape, dtype=np.int64))
    if size < MAPPED_BYTES:
        return np.zeros(shape, np.float32)
    folder = tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file.fileno(), size)
            return np.memmap(file, np.float32, "r+", shape=shape)
    except OSError as error:
        problem = f"there is no room for {size / 1e9:.1f} GB of sound ({(error.strerror or str(error)).lower()})"
        raise UserError(f"{folder}: {problem}; free some, or set TMPDIR to a folder that has it") from error


def let_go(array: np.ndarray) -> None:
    """Takes the pages of a mapped array out of the process's memory; what is in them stays in the file.

    Args:
      array: made by `zeros`, or a view of one; of any other array nothing is done.
    """
    while isinstance(array, np.ndarray):
        held = getattr(array, "_mmap", None)
        if held is not None:
            # Read-only and private mappings are not ours.
            if getattr(array, "mode", "") == "r+" and hasattr(held, "madvise"):
                held.madvise(mmap.MADV_DONTNEED)
            return
        array = array.base  # type: ignore[assignment]


def pieces(length: int, *arrays: np.ndarray, size: int | None = None) -> Iterator[slice]:
    """Cuts a length into pieces, and lets go of arrays after each of them.

    Args:
      length: to be cut.
      arrays: what is read or written piece by piece.
      size: of a piece, by default two million; the last one may be shorter.

    Yields:
      One slice after another.
    """
    step = size or _PIECE
    for first in range(0, length, step):
        yield slice(first, min(first + step, length))
        for array in arrays:
            let_go(array)


def copy(array: Float32[np.ndarray, "n ..."], gain: float = 1.0) -> Float32[np.ndarray, "n ..."]:
    """Copies an array, perhaps a large one, piece by piece.

    Args:
      array: to be copied.
      gain: factor for all of it.

    Returns:
      What `gain * array` is, made by `zeros`.

    Raises:
      UserError: as `zeros`.
    """
    made, factor = zeros(array.shape), np.float32(gain)
    for place in pieces(len(array), array, made):
        np.multiply(array[place], factor, out=made[place])
    return made


def _reserve(file: int, size: int) -> None:
    """Takes the room at once: a mapped file that finds the disk full later ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
        return
    for first in range(0, size, len(_ZEROS)):
        os.write(file, _ZEROS[: size - first])

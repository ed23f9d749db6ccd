"""Files written whole or not at all: under another name beside their place, and renamed when everything is there."""

import contextlib
import errno
import glob
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import file_error

PathLike = str | os.PathLike[str]
_STALE_S = 3600.0


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Lets a block write a file under a temporary name and puts it in place only when the block succeeds.

    Args:
      path: the file to write or replace.

    Yields:
      The temporary name, hidden, in the same folder. If the block raises, the temporary file goes and an older
      file under `path` stays as it was.

    Raises:
      UserError: if the folder is missing or not writable, `path` is a folder, or the disk is full.
    """
    target = Path(path).absolute()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if not target.parent.is_dir():
            raise file_error(path, f"its folder {Path(path).parent} does not exist", "create the folder first")
        if target.is_dir():
            raise file_error(path, "is a folder, not a file", "name the file to write")
        _clean(target)
        temporary.touch()
        yield temporary
        move(temporary, target)
    except OSError as error:
        problem = f"cannot be written ({(error.strerror or str(error)).lower()})"
        raise file_error(path, problem, _remedy(error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def move(written: Path, target: Path) -> None:
    """Puts a file in its place once all of it is on the disk, so that a power cut cannot leave an empty one there.

    Args:
      written: the file, on the same disk.
      target: its place; what is there is replaced.
    """
    with written.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(written, target)


def _clean(target: Path) -> None:
    """Removes what processes that were killed left under temporary names of this file."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        number = left.name.removesuffix(".part").rpartition(".")[2]
        with contextlib.suppress(OSError):
            # Another machine may be writing here, whose processes are not seen; what it writes is young.
            if number.isdecimal() and not _lives(int(number)) and time.time() - left.stat().st_mtime > _STALE_S:
                left.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _remedy(error: OSError) -> str:
    if error.errno == errno.ENAMETOOLONG:
        return "choose a shorter name"
    return "free some space or choose another folder"


def write_whole(path: PathLike, data: bytes | str) -> None:
    """Writes bytes, or text as UTF-8; bytes of a file's name that are no text become backslashes and digits.

    Args:
      path: where to; its folder must exist.
      data: all that the file is to hold.

    Raises:
      UserError: as `replacing`.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode(errors="backslashreplace") if isinstance(data, str) else data)


def write_json(path: PathLike, value: Any) -> None:
    """Writes a JSON value, for people to read too.

    Args:
      path: where to; its folder must exist.
      value: a JSON value; tuples become lists.

    Raises:
      UserError: as `replacing`.
    """
    write_whole(path, json.dumps(value, indent=2) + "\n")


def write_arrays(path: PathLike, arrays: Mapping[str, Any]) -> None:
    """Writes named arrays as an npz file.

    Args:
      path: where to; its folder must exist.
      arrays: name → array, or what numpy makes one of.

    Raises:
      UserError: as `replacing`.
    """
    import numpy as np  # a run that has nothing to do must not wait for it

    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)

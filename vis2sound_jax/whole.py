"""Files written whole or not at all: under another name beside their place, and renamed when everything is there."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import file_error

PathLike = str | os.PathLike[str]


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
        temporary.touch()
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        problem = f"cannot be written ({(error.strerror or str(error)).lower()})"
        raise file_error(path, problem, _remedy(error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _remedy(error: OSError) -> str:
    if error.errno == errno.ENAMETOOLONG:
        return "choose a shorter name"
    return "free some space or choose another folder"


def write_whole(path: PathLike, data: bytes | str) -> None:
    """Writes bytes, or text as UTF-8.

    Args:
      path: where to; its folder must exist.
      data: all that the file is to hold.

    Raises:
      UserError: as `replacing`.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


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

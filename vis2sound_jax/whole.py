"""Files written whole or not at all: under another name beside their place, and renamed when everything is there."""

import contextlib
import errno
import functools
import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError, file_error

PathLike = str | os.PathLike[str]
BEGUN = "replaced"
"""A folder inside a temporary folder that says: some of its files are in their places already."""

_STALE_S = 24 * 3600.0
_LONGEST, _DIGITS = 255, 16
_LEFT = re.compile(r"\.(?:(?P<place>[0-9a-f]{8})-)?(?P<process>[0-9]+)\.part\Z", re.ASCII)


@contextlib.contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Lets a block write a file under a temporary name and puts it in place only when the block succeeds.

    Args:
      path: the file to write or replace.

    Yields:
      The temporary name, hidden, in the same folder. If the block raises, the temporary file goes and an older
      file under `path` stays as it was.

    Raises:
      UserError: if the folder is missing or not writable, `path` is a folder, its name is too long, or the disk is
        full.
    """
    target = Path(path).absolute()
    temporary = temporary_of(target)
    try:
        if not target.parent.is_dir():
            raise file_error(path, f"its folder {Path(path).parent} does not exist", "create the folder first")
        check_name(path)
        if target.is_dir():
            raise file_error(path, "is a folder, not a file", "name the file to write")
        clean(target)
        temporary.touch()
        yield temporary
        move(temporary, target)
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(folder: PathLike) -> Iterator[Path]:
    """Lets a block fill a folder under a temporary name and puts it in place only when the block succeeds.

    Args:
      folder: to write or replace; the folder around it must exist.

    Yields:
      An empty folder. If the block raises, it goes, and an older one under `folder` stays as it was.

    Raises:
      OSError: if it cannot be made or moved.
    """
    target = Path(folder).absolute()
    scratch = temporary_of(target)
    clean(target)
    made = scratch / "made"
    try:
        made.mkdir(parents=True)
        yield made
        if target.exists():
            os.replace(target, scratch / "replaced")
        os.replace(made, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def move(written: Path, target: Path) -> None:
    """Puts a file in its place once all of it is on the disk, so that a power cut cannot leave an empty one there.

    Args:
      written: the file, on the same disk.
      target: its place; what is there is replaced.
    """
    settle(written)
    os.replace(written, target)


def settle(path: Path) -> None:
    """Waits until a file, or what a folder lists, is on the disk; file systems that cannot sync folders are let be.

    Args:
      path: the file or folder.

    Raises:
      OSError: if a file cannot be read or the disk does not take it.
    """
    if path.is_dir():
        with contextlib.suppress(OSError):
            folder = os.open(path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())


def check_name(path: PathLike) -> None:
    """Refuses a name that the file system does not take, before anything is written.

    Args:
      path: the file to write.

    Raises:
      UserError: if the name, or the whole path, is too long.
    """
    target = Path(path).absolute()
    try:
        for name in (target, temporary_of(target)):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                name.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise _not_written(path, error) from error


def hidden(name: str, ending: str) -> str:
    """Names a hidden file beside another: `.NAME` and the ending, cut so that any legal NAME has a legal one.

    Args:
      name: of the other file.
      ending: such as ".part", in ASCII.

    Returns:
      The name; where NAME had to be cut, its digest keeps it apart from others with the same beginning.
    """
    written = os.fsencode(name)
    room = _LONGEST - 1 - len(ending)
    if len(written) > room:
        # Half a letter at the cut would be no name on some systems.
        kept = written[: room - _DIGITS - 1].decode(errors="ignore")
        name = f"{kept}~{hashlib.sha256(written).hexdigest()[:_DIGITS]}"
    return f".{name}{ending}"


def temporary_of(target: Path) -> Path:
    """Names what is written in place of a file until it is whole.

    Args:
      target: the file.

    Returns:
      A hidden name beside it that tells machine and process, which `clean` knows again.
    """
    return target.with_name(hidden(target.name, f".{_place()}-{os.getpid()}.part"))


def clean(target: Path) -> None:
    """Removes what processes that were killed left in the folder of a file that is written now.

    A folder of which some files are in their places already stays, since it says which these are.

    Args:
      target: the file.
    """
    for left, parts in _left(target.parent):
        # Names without a machine are of older versions, and of no other file than theirs.
        if parts["place"] or left.name == hidden(target.name, parts[0]):
            with contextlib.suppress(OSError):
                if not left.is_dir():
                    left.unlink()
                elif not (left / BEGUN).exists():
                    shutil.rmtree(left)


def left_of(target: Path) -> list[Path]:
    """Lists what processes that were killed left of writing one file.

    Args:
      target: the file.

    Returns:
      Their temporary files and folders.
    """
    return [left for left, parts in _left(target.parent) if left.name == hidden(target.name, parts[0])]


def _left(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """What processes left that are no more, if of this machine; what another one writes counts when it is a day old."""
    for path in folder.glob(".*.part"):
        parts = _LEFT.search(path.name)
        if parts and _is_left(path, parts["place"], int(parts["process"])):
            yield path, parts


def _is_left(path: Path, place: str | None, process: int) -> bool:
    if place == _place():
        return not _lives(process)
    try:
        old = time.time() - path.lstat().st_mtime > _STALE_S
    except OSError:
        return False
    return old and (place is not None or not _lives(process))


@functools.lru_cache(maxsize=1)
def _place() -> str:
    """Tells apart machines, their starts and the containers on them: where a number names one process."""
    seen = [platform.node()]
    with contextlib.suppress(OSError):
        seen.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8"))
        seen.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(seen).encode(errors="surrogateescape")).hexdigest()[:8]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _not_written(path: PathLike, error: OSError) -> UserError:
    remedy = "free some space or choose another folder"
    if error.errno == errno.ENAMETOOLONG:
        remedy = "choose a shorter name"
    return file_error(path, f"cannot be written ({(error.strerror or str(error)).lower()})", remedy)


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

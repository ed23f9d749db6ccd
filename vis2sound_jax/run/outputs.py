"""Where results of a request go: checked before the work, written whole."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from vis2sound_jax.errors import file_error

_BLOCK = 1 << 20


def check_output(path: Path, suffixes: Sequence[str]) -> None:
    """Refuses an output that could not be written, before hours of work.

    Args:
      path: the output that was asked for.
      suffixes: that it may have, in lower case.

    Raises:
      UserError: for a folder that is missing or locked, a folder in the file's place, or a wrong ending.
    """
    if path.suffix.lower() not in suffixes:
        raise file_error(
            path,
            f"has the ending {path.suffix or '(none)'}",
            f"name a file that ends in {' or '.join(suffixes)}",
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise file_error(folder, "there is no such folder", "make it or name another --output")
    if path.is_dir():
        raise file_error(path, "is a folder", "name a file as --output")
    if not os.access(folder, os.W_OK):
        raise file_error(folder, "cannot be written to", "name another --output")


def check_apart(output: Path, inputs: Sequence[Path], *, takes: int) -> None:
    """Refuses an output that would replace what it is made from.

    Args:
      output: the film of the first take.
      inputs: what it is made from.
      takes: films that are written.

    Raises:
      UserError: if an input is one of the files to be written.
    """
    places = {path.resolve() for path in (*files_of(output, takes), output.with_suffix(".json"))}
    for path in inputs:
        # Where capitals make no difference, one file has several names.
        if path.resolve() in places or any(_is_same(path, one) for one in places):
            raise file_error(path, "would be replaced by what is made from it", "name another --output")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def files_of(output: Path, takes: int) -> list[Path]:
    """Names the films and sounds of a request; the manifest comes beside them.

    Args:
      output: the film of the first take.
      takes: films that are written.

    Returns:
      A film and a WAV file for each take.
    """
    films = [film_of(output, place) for place in range(takes)]
    return [*films, *(film.with_suffix(".wav") for film in films)]


def film_of(output: Path, place: int) -> Path:
    """Names the film of a take: the output itself for the first, `<stem>_take2` and so on for the others.

    Args:
      output: film of the first take.
      place: of the take in the order, from 0.

    Returns:
      The film's path.
    """
    return output if place == 0 else output.with_name(f"{output.stem}_take{place + 1}{output.suffix}")


def sha256(path: Path) -> str:
    """Hashes a file, to tell later what a result was made from."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()

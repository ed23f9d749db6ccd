"""Text as other programs write it, whatever their encoding."""

import codecs
import re
from pathlib import Path

from vis2sound_jax.errors import file_error
from vis2sound_jax.whole import PathLike

MOST_BYTES = 64 << 20
"""A file of events that is larger is refused."""
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_DEEPEST = 200
_BY_MARK = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_bytes(path: PathLike) -> bytes:
    """Reads a file of events.

    Args:
      path: the file.

    Returns:
      All of it.

    Raises:
      UserError: if it is missing, a folder, empty or larger than 64 MB.
    """
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise file_error(path, "is larger than 64 MB", "give a file of events")
        data = Path(path).read_bytes()
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
        raise file_error(path, reason, "check the path") from error
    if not data.strip():
        raise file_error(path, "is empty", "give a file of events")
    return data


def read_text(path: PathLike, *, old: str = "cp1252") -> str:
    """Reads a text by its byte order mark, as UTF-8, or as programs wrote it before.

    Args:
      path: the file.
      old: the encoding of a file that is not UTF-8.

    Returns:
      The text, with the ends of its lines as they are and without the mark.

    Raises:
      UserError: as `read_bytes`, or if it is no text.
    """
    data = read_bytes(path)
    for mark, encoding in _BY_MARK:
        if data.startswith(mark):
            return _decoded(path, data, encoding)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = _decoded(path, data, old)
    if "\0" in text:
        raise file_error(path, "is no text", "give a file of events")
    return text


def is_deep(text: str) -> bool:
    """Tells whether JSON is nested deeper than any list of events, which readers in C do not survive.

    Args:
      text: JSON.

    Returns:
      True from 200 brackets within each other on.
    """
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth >= _DEEPEST:
            return True
    return False


def _decoded(path: PathLike, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise file_error(path, "is no text", "give a file of events") from error

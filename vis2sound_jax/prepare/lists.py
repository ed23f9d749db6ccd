"""Ids of recordings: read from lists, confined to their folder, and each there once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from vis2sound_jax.errors import UserError, file_error


def is_id(name: str) -> bool:
    """Tells whether a name can be that of a recording: a part of file names within one folder, and text.

    Args:
      name: as a list has it.
    """
    return name not in ("", ".", "..") and not set(name) & {"/", "\\"} and name.isprintable()


def read_ids(path: Path) -> list[str]:
    """Reads a list of recordings.

    Args:
      path: a text file with one id a line; empty lines are passed by.

    Returns:
      The ids in their order.

    Raises:
      UserError: if it cannot be read, a line would name a file elsewhere or is no text, or an id stands twice.
    """
    try:
        # Bytes that are no text become characters that no id has.
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        problem = f"cannot be read ({(error.strerror or str(error)).lower()})"
        raise file_error(path, problem, "write one id a line") from error
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        name = line.strip()
        if not name:
            continue
        if not is_id(name):
            remedy = "write the name of a recording of this folder"
            raise file_error(path, f"line {number}: {name!r} is no id", remedy)
        if name in lines:
            raise file_error(path, f"lists {name} twice, in lines {lines[name]} and {number}", "keep each id once")
        lines[name] = number
    return list(lines)


def check_splits(folder: Path, splits: Mapping[str, Sequence[str]], parts: int = 1) -> None:
    """Refuses what no builder may list, whatever it makes its lists of.

    Args:
      folder: of the recordings.
      splits: ids by split.
      parts: names of which an id may be made, with / between them.

    Raises:
      UserError: if an id would name a file elsewhere, or stands twice.
    """
    seen: dict[str, str] = {}
    for split, ids in splits.items():
        for name in ids:
            if not all(map(is_id, name.split("/", parts - 1))):
                raise UserError(f"{folder}: {name!r} in {split} is no id; ids are names without / and \\", folder)
            if name in seen:
                raise UserError(f"{folder}: {name} is in {seen[name]} and again in {split}; list each once", folder)
            seen[name] = split

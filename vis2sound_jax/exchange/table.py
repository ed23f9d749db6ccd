"""EVENTS.csv: a list of events for a spreadsheet, written plainly and read as any spreadsheet saves it."""

import csv
import io
from collections.abc import Iterator

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.columns import COLUMNS, FLAG, NUMBER, shown
from vis2sound_jax.exchange.events import TIMECODE, Event, EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike, write_whole

# What was there first stays first, so that programs which read older lists by place go on doing so.
_OLD = ("time_s", "confidence", "kind", "force_db", "x", "y", "id")
NAMES = (*_OLD, TIMECODE, *(name for name in COLUMNS if name not in _OLD))
"""Columns in the order in which they are written."""
_DELIMITERS = ",;\t"
_FORMULA = tuple("=+-@\t\r'")


def write_table(path: PathLike, events: EventList) -> None:
    """Writes events as a table.

    Args:
      path: a .csv file.
      events: what to write.

    Raises:
      UserError: if it cannot be written.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(NAMES)
    for event in events.events:
        writer.writerow([cell(event, name, events.clock) for name in NAMES])
    write_whole(path, out.getvalue())


def read_table(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads a table of events with commas, semicolons or tabs, and numbers with points or commas.

    Args:
      path: the file.
      clock: the film.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it is no table of events, or for the first row that is wrong.
    """
    return EventList(events_of(path, _rows(path, read_text(path)), clock), clock, seed)


def is_table(text: str) -> bool:
    """Tells whether a text is such a table, by the names of its columns.

    Args:
      text: a file.

    Returns:
      True if one of them is the time and all are separated alike.
    """
    lines = text.lstrip("\ufeff").splitlines()
    head = lines[1] if len(lines) > 1 and lines[0].lower().startswith("sep=") else lines[0] if lines else ""
    names = {name.strip().strip('"').lower() for name in head.replace(";", ",").replace("\t", ",").split(",")}
    return bool(names & {"time_s", TIMECODE})


def cell(event: Event, name: str, clock: FilmClock) -> str:
    """Writes a value for a spreadsheet.

    Args:
      event: of it.
      name: of the column.
      clock: the film, for the timecode.

    Returns:
      The value, exactly; nothing for a default. A text that a spreadsheet would take for a formula gets an apostrophe.
    """
    if name == TIMECODE:
        return clock.name_at(event.time_s)
    value = getattr(event, name)
    if name != "time_s" and value == COLUMNS[name].default:
        return ""
    if COLUMNS[name].form == FLAG:
        return "yes"
    if COLUMNS[name].form == NUMBER:
        return repr(value).removesuffix(".0")
    return guarded(value) if isinstance(value, str) else str(value)


def guarded(text: str) -> str:
    """Puts an apostrophe before a text that a spreadsheet would compute.

    Args:
      text: any.

    Returns:
      The text as a cell.
    """
    formula = text.startswith(_FORMULA[:-1]) or text.startswith("'") and text[1:].startswith(_FORMULA)
    return "'" + text if formula else text


def unguarded(text: str) -> str:
    """Takes the apostrophe of `guarded` away again.

    Args:
      text: a cell.

    Returns:
      The text.
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def read_cells(path: PathLike, text: str, delimiters: str = _DELIMITERS) -> Iterator[tuple[str, list[str]]]:
    """Reads the rows of a table whose delimiter is found in its first line.

    Args:
      path: the file, for errors.
      text: what is in it.
      delimiters: those that may be.

    Yields:
      The place, such as "row 2", and the cells of each row that is not empty.

    Raises:
      UserError: if quotes do not match.
    """
    text = text.lstrip("\ufeff")
    if text[:4].lower() == "sep=":
        text = text.partition("\n")[2]
    head = text.partition("\n")[0]
    delimiter = max(delimiters, key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(rows, 1):
            if any(value.strip() for value in cells):
                yield f"row {number}", cells
    except csv.Error as error:
        raise file_error(path, f"row {number + 1} cannot be read ({error})", "save it as CSV again") from None


def _rows(path: PathLike, text: str) -> Iterator[Row]:
    cells = read_cells(path, text)
    names = _head(path, next(cells, ("row 1", []))[1])
    for place, values in cells:
        if any(value.strip() for value in values[len(names) :]):
            extra = next(value for value in values[len(names) :] if value.strip())
            problem = f"{place}, column {len(names) + 1}, {shown(extra)}: there is no such column"
            raise file_error(path, problem, "put a text with commas into quotes")
        yield Row(place, {name: unguarded(value) for name, value in zip(names, values, strict=False)})


def _head(path: PathLike, cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    for number, name in enumerate(names, 1):
        if name not in NAMES:
            problem = f"row 1, column {number}, {shown(name)}: there is no such column"
            raise file_error(path, problem, f"take it out, or use {', '.join(NAMES)}")
        if names.index(name) != number - 1:
            raise file_error(path, f"row 1, column {number}, {shown(name)}: stands there twice", "take one out")
    if not {"time_s", TIMECODE} & set(names):
        raise UserError(f"{path}: has no column time_s; the first row names the columns {', '.join(NAMES)}", path)
    return names

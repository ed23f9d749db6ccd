"""Markers and regions of Reaper's Region/Marker Manager: a CSV whose times are as its ruler shows them."""

import csv
import functools
import io
import re

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.columns import shown
from vis2sound_jax.exchange.events import EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, label_of, values_of
from vis2sound_jax.exchange.table import read_cells
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike, write_whole

STEP_S = 1e-6
"""Times are written to so much; Reaper shows milliseconds and keeps what it reads."""
_NAMES = ["#", "Name", "Start", "End", "Length"]
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_SHOWN_S = 5.1e-4  # what Reaper exports is rounded to a millisecond


def write_reaper(path: PathLike, events: EventList) -> None:
    """Writes a marker for every event, at minutes and seconds.

    Args:
      path: a .csv file.
      events: what to write.

    Raises:
      UserError: if it cannot be written.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_NAMES)
    for number, event in enumerate(events.events, 1):
        minutes, rest = divmod(round(event.time_s / STEP_S), 60_000_000)
        writer.writerow([f"M{number}", label_of(event), f"{minutes}:{rest * STEP_S:09.6f}", "", ""])
    write_whole(path, out.getvalue())


def read_reaper(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads markers, and regions by their beginnings.

    Args:
      path: the file, exported with a ruler of minutes and seconds, seconds, or hours, minutes, seconds and frames.
      clock: the film.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: for the first row that is wrong, such as times in bars and beats.
    """
    cells = read_cells(path, read_text(path))
    names = [name.strip().lower() for name in next(cells, ("", []))[1]]
    if not {"#", "name", "start"} <= set(names):
        raise file_error(path, "has no columns #, Name and Start", "export it from the Region/Marker Manager")
    rows = []
    for place, found in cells:
        row = dict(zip(names, found, strict=False))
        try:
            time_s, step_s = _seconds(row.get("start", ""), clock)
        except UserError as error:
            raise UserError(f"{path}: {place}, {error}", path) from None
        same = functools.partial(_near, time_s, step_s)
        rows.append(Row(place, at_or(values_of(row.get("name", "")), time_s, same)))
    return EventList(events_of(path, rows, clock), clock, seed)


def is_reaper(text: str) -> bool:
    """Tells whether a text is such a table, by its first line.

    Args:
      text: a file.

    Returns:
      True if it begins as Reaper's.
    """
    head = text.lstrip("\ufeff").partition("\n")[0].replace('"', "").replace(";", ",").lower()
    return head.startswith("#,name,start")


def _near(time_s: float, step_s: float, at: float) -> bool:
    return abs(at - time_s) <= step_s


def _seconds(text: str, clock: FilmClock) -> tuple[float, float]:
    """The time of a marker, and how far it may be rounded."""
    text = text.strip()
    if text.count(":") == 3 or text.count(":") == 2 and ";" in text:
        frame = clock.frame_named(text)
        return clock.time_of(frame), 1.0 / float(clock.timed(text).fps)
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = found.groups(default="0")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds), _step(text)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text), _step(text)
    raise UserError(f"column Start, {shown(text)}: is not in seconds; export it with a ruler of minutes and seconds")


def _step(text: str) -> float:
    return STEP_S if len(text.partition(".")[2]) >= 6 else _SHOWN_S

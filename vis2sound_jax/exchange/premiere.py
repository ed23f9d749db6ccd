"""Markers as Premiere exports them under File, Export, Markers: a table with tabs, times as timecode."""

import csv
import io

from vis2sound_jax.errors import file_error
from vis2sound_jax.exchange.events import EventList, FilmClock
from vis2sound_jax.exchange.labels import detail_of, name_of
from vis2sound_jax.exchange.marker_rows import marks_of
from vis2sound_jax.exchange.table import read_cells
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike, write_whole

_NAMES = ("Marker Name", "Description", "In", "Out", "Duration", "Marker Type")


def write_premiere(path: PathLike, events: EventList) -> None:
    """Writes a comment marker for every event, in UTF-16 as Premiere does.

    Args:
      path: a .csv file.
      events: what to write; their times are those of the nearest frames.

    Raises:
      UserError: if the film has no timecode, or the file cannot be written.
    """
    clock = events.clock
    rate = clock.timed(str(path))
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\r\n")
    writer.writerow(_NAMES)
    for event in events.events:
        at = _shown(clock.name_at(event.time_s))
        writer.writerow([name_of(event), detail_of(event), at, at, _shown(rate.name(0)), "Comment"])
    write_whole(path, out.getvalue().encode("utf-16"))


def read_premiere(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads markers by their beginnings.

    Args:
      path: the file.
      clock: the film, whose first frame has the sequence's first timecode.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if the film has no timecode, or for the first marker that is wrong.
    """
    cells = read_cells(path, read_text(path), "\t,;")
    names = [name.strip() for name in next(cells, ("", []))[1]]
    if "Marker Name" not in names or "In" not in names:
        raise file_error(path, "has no columns Marker Name and In", "export the markers as CSV, in English")
    rows = ((place, dict(zip(names, values, strict=False))) for place, values in cells)
    marks = ((place, row.get("In", ""), row.get("Marker Name", ""), row.get("Description", "")) for place, row in rows)
    return marks_of(path, marks, "In", clock, seed)


def is_premiere(text: str) -> bool:
    """Tells whether a text is such a table, by its first line.

    Args:
      text: a file.

    Returns:
      True if it begins as Premiere's.
    """
    return text.lstrip("\ufeff").lstrip('"').startswith("Marker Name")


def _shown(name: str) -> str:
    """Premiere writes semicolons everywhere where names of frames are dropped."""
    return name.replace(":", ";") if ";" in name else name

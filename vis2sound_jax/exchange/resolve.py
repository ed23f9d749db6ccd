"""Markers as DaVinci Resolve lists them in its Edit Index (File, Export, Edit Index): a CSV with timecode.

Resolve reads markers from edit lists alone; `edl.py` writes these.
"""

import csv
import io

from vis2sound_jax.errors import file_error
from vis2sound_jax.exchange.events import EventList, FilmClock
from vis2sound_jax.exchange.labels import detail_of, name_of
from vis2sound_jax.exchange.marker_rows import marks_of
from vis2sound_jax.exchange.table import read_cells
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike, write_whole

_NAMES = (
    *("#", "Reel", "Match", "V", "C", "Dur", "Source In", "Source Out", "Record In", "Record Out"),
    *("Name", "Comments", "Color", "Notes"),
)


def write_resolve(path: PathLike, events: EventList) -> None:
    """Writes a row of one frame for every event.

    Args:
      path: a .csv file.
      events: what to write; their times are those of the nearest frames.

    Raises:
      UserError: if the film has no timecode, or the file cannot be written.
    """
    clock = events.clock
    rate = clock.timed(str(path))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_NAMES)
    for number, event in enumerate(events.events, 1):
        frame = clock.start + clock.frame_at(event.time_s)
        record = (rate.name(frame), rate.name(frame + 1))
        color = "Cream" if event.muted else "Blue"
        about = (name_of(event), "", color, detail_of(event))
        writer.writerow([number, "", "", "M", "C", rate.name(1), *record, *record, *about])
    write_whole(path, out.getvalue())


def read_resolve(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads markers by their record times.

    Args:
      path: the file.
      clock: the film, whose first frame has the timeline's first timecode.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if the film has no timecode, or for the first marker that is wrong.
    """
    cells = read_cells(path, read_text(path))
    names = [name.strip() for name in next(cells, ("", []))[1]]
    if "Record In" not in names:
        raise file_error(path, "has no column Record In", "export the Edit Index as CSV")
    rows = ((place, dict(zip(names, values, strict=False))) for place, values in cells)
    marks = (
        (place, row.get("Record In", ""), row.get("Name", ""), row.get("Notes", "") or row.get("Comments", ""))
        for place, row in rows
    )
    return marks_of(path, marks, "Record In", clock, seed)


def is_resolve(text: str) -> bool:
    """Tells whether a text is such a table, by its first line.

    Args:
      text: a file.

    Returns:
      True if it has a number and record times.
    """
    head = text.lstrip("\ufeff").partition("\n")[0].replace('"', "")
    return head.startswith("#,") and "Record In" in head

"""Final Cut Pro's XML 1.10: a gap as long as the film, with a marker for every event."""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.columns import shown
from vis2sound_jax.exchange.events import EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, detail_of, name_of, values_of
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.exchange.timecode import rate_of
from vis2sound_jax.whole import PathLike, write_whole

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'
_TIME = re.compile(r"(-?\d{1,18})(?:/(\d{1,12}))?s")
_MARKERS = ("marker", "chapter-marker")


def write_fcpxml(path: PathLike, events: EventList) -> None:
    """Writes a project with markers.

    Args:
      path: an .fcpxml file.
      events: what to write; their times are those of the nearest frames.

    Raises:
      UserError: if the film has no timecode, or the file cannot be written.
    """
    clock = events.clock
    rate, name = clock.timed(str(path)), clock.film or "events"
    frames = [clock.frame_at(event.time_s) for event in events.events]
    if clock.duration_s is None:
        length = max(frames, default=0) + 1
    else:
        length = max(math.ceil(Fraction(clock.duration_s) * rate.fps), 1)
    root = ET.Element("fcpxml", version="1.10")
    frame = _time(1, rate.fps)
    ET.SubElement(ET.SubElement(root, "resources"), "format", id="r1", name="film", frameDuration=frame)
    project = ET.SubElement(ET.SubElement(ET.SubElement(root, "library"), "event", name=name), "project", name=name)
    start, whole = _time(clock.start, rate.fps), _time(length, rate.fps)
    tc = "DF" if rate.drop else "NDF"
    sequence = ET.SubElement(project, "sequence", format="r1", tcStart=start, tcFormat=tc, duration=whole)
    spine = ET.SubElement(sequence, "spine")
    gap = ET.SubElement(spine, "gap", name=name, offset=start, start="0s", duration=whole)
    for at, event in zip(frames, events.events, strict=True):
        about = {"start": _time(at, rate.fps), "duration": frame, "value": name_of(event), "note": detail_of(event)}
        ET.SubElement(gap, "marker", about)
    ET.indent(root)
    write_whole(path, _HEAD + ET.tostring(root, encoding="unicode") + "\n")


def read_fcpxml(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads the markers of the first sequence, wherever they hang.

    Args:
      path: the file, or the `Info.fcpxml` of a bundle.
      clock: the film.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it is no such file, or for the first marker that is wrong.
    """
    root = _root(path)
    sequence = root.find(".//sequence")
    if sequence is None:
        raise file_error(path, "holds no sequence", "export a project as XML")
    try:
        fps = _frames(root, sequence)
        start = _seconds(sequence.get("tcStart", "0s"))
        own = None if fps is None else rate_of(fps, drop=sequence.get("tcFormat") == "DF")
        spine = sequence.find("spine")
        marks = [] if spine is None else list(_marks(spine, start, start))
    except (UserError, RecursionError) as error:
        problem = str(error) if isinstance(error, UserError) else "is nested too deep"
        raise file_error(path, problem, "export the project as XML again") from None
    if clock.rate is None and own is not None:
        clock = FilmClock(clock.film, own, own.frame_at(start), clock.duration_s)
    rows = []
    for number, (time, marker) in enumerate(marks, 1):
        values = values_of(marker.get("value", ""), marker.get("note", ""))
        rows.append(Row(f"marker {number}", _settled(values, time - start, own.fps if own else None)))
    return EventList(events_of(path, rows, clock), clock, seed)


def _settled(values: dict[str, Any], time: Fraction, fps: Fraction | None) -> dict[str, Any]:
    """A marker's values with its time; exact where it is still on the frame on which it was written."""
    # The last frame holds times up to its end; elsewhere a marker is at most half a frame away.
    near = float(1 / fps) if fps else 1e-6
    return at_or(values, float(time), lambda at: abs(at - float(time)) < near)


def _root(path: PathLike) -> ET.Element:
    text = read_text(path)
    if "<!ENTITY" in text:
        raise file_error(path, "defines entities, which no editor does", "export the project as XML again")
    try:
        root = ET.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except (ET.ParseError, RecursionError) as error:
        raise file_error(path, f"is not XML ({error})", "export the project as XML again") from None
    if root.tag != "fcpxml":
        raise file_error(path, f"is XML of another kind ({shown(root.tag)})", "export a Final Cut Pro XML")
    return root


def _marks(parent: ET.Element, shown_from: Fraction, own_from: Fraction) -> Iterator[tuple[Fraction, ET.Element]]:
    """Markers with their times in the sequence; each clip has a clock of its own, which begins at its `start`."""
    for element in parent:
        if element.tag in _MARKERS:
            yield shown_from + _seconds(element.get("start", "0s")) - own_from, element
        elif element.tag == "spine" or "offset" in element.attrib:
            offset = element.get("offset")
            begins = shown_from if offset is None else shown_from + _seconds(offset) - own_from
            inner = _seconds(element.get("start", "0s")) if element.tag != "spine" else Fraction(0)
            yield from _marks(element, begins, inner)


def _frames(root: ET.Element, sequence: ET.Element) -> Fraction | None:
    for found in root.iter("format"):
        if found.get("id") == sequence.get("format") and found.get("frameDuration"):
            frame = _seconds(found.get("frameDuration", ""))
            return 1 / frame if frame > 0 else None
    return None


def _seconds(text: str) -> Fraction:
    found = _TIME.fullmatch(text.strip())
    if not found or found[2] and not int(found[2]):
        raise UserError(f"{shown(text)} is no time")
    return Fraction(int(found[1]), int(found[2] or 1))


def _time(frames: int, fps: Fraction) -> str:
    """A time in the unit of a frame, as editors write it."""
    return f"{frames * fps.denominator}/{fps.numerator}s" if frames else "0s"

"""OpenTimelineIO: a gap as long as the film, with a marker for every event, by its own library."""

import math
from fractions import Fraction
from typing import Any

import opentimelineio

from vis2sound_jax.errors import file_error
from vis2sound_jax.exchange.events import EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, detail_of, name_of, values_of
from vis2sound_jax.exchange.text_file import is_deep, read_text
from vis2sound_jax.exchange.timecode import Rate, rate_of
from vis2sound_jax.whole import PathLike, write_whole

_OURS = "vis2sound"


def write_otio(path: PathLike, events: EventList) -> None:
    """Writes a timeline with markers.

    Args:
      path: an .otio file.
      events: what to write; their times are those of the nearest frames.

    Raises:
      UserError: if the film has no timecode, or the file cannot be written.
    """
    clock = events.clock
    rate, name = clock.timed(str(path)), clock.film or "events"
    frames = [clock.frame_at(event.time_s) for event in events.events]
    length = max(frames, default=0) + 1
    if clock.duration_s is not None:
        length = max(math.ceil(Fraction(clock.duration_s) * rate.fps), 1)
    schema, fps = opentimelineio.schema, float(rate.fps)
    gap = schema.Gap(duration=opentimelineio.opentime.RationalTime(length, fps))
    for frame, event in zip(frames, events.events, strict=True):
        color = schema.MarkerColor.BLACK if event.muted else schema.MarkerColor.BLUE
        marker = schema.Marker(name=name_of(event), marked_range=_range(frame, fps), color=color)
        marker.comment = detail_of(event)
        gap.markers.append(marker)
    track = schema.Track(name="events", kind=schema.TrackKind.Audio)
    track.append(gap)
    start = opentimelineio.opentime.RationalTime(clock.start, fps)
    timeline = schema.Timeline(name=name, global_start_time=start, metadata={_OURS: {"drop": rate.drop}})
    timeline.tracks.append(track)
    write_whole(path, opentimelineio.adapters.write_to_string(timeline, "otio_json"))


def read_otio(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads all markers of a timeline, wherever they hang.

    Args:
      path: the file.
      clock: the film; where it has no rate, the file's is taken.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it is no timeline, or for the first marker that is wrong.
    """
    try:
        text = read_text(path)
        if is_deep(text):
            raise ValueError("too deep")
        timeline = opentimelineio.adapters.read_from_string(text, "otio_json")
        if not isinstance(timeline, opentimelineio.schema.Timeline):
            raise ValueError("no timeline")
        marks = _marks(timeline)
    except (opentimelineio.exceptions.OTIOError, ValueError, TypeError, RuntimeError) as error:
        raise file_error(path, "is no timeline of OpenTimelineIO", "export one as .otio") from error
    clock = _clock(timeline, clock)
    rows = []
    for number, (time_s, near_s, marker) in enumerate(marks, 1):
        values = values_of(marker.name or "", marker.comment or "")
        rows.append(Row(f"marker {number}", at_or(values, time_s, _nearness(time_s, near_s))))
    return EventList(events_of(path, rows, clock), clock, seed)


def _marks(timeline: Any) -> list[tuple[float, float, Any]]:
    """Markers with their times from the beginning of the timeline, and how long their frames are."""
    found = []
    items = [timeline.tracks, *timeline.tracks.find_children()]
    for item in items:
        for marker in getattr(item, "markers", ()):
            begin = marker.marked_range.start_time
            if item is not timeline.tracks:
                begin = item.transformed_time(begin, timeline.tracks)
            rate = begin.rate
            exact = rate_of(rate)
            frame = Fraction(begin.value) / (exact.fps if exact else Fraction(rate))
            found.append((float(frame), 1 / rate, marker))
    return found


def _clock(timeline: Any, clock: FilmClock) -> FilmClock:
    """The film at hand, or what the timeline says of it."""
    start = timeline.global_start_time
    if clock.rate is not None or start is None or rate_of(start.rate) is None:
        return clock
    rate = rate_of(start.rate, drop=bool(timeline.metadata.get(_OURS, {}).get("drop")))
    assert isinstance(rate, Rate)
    return FilmClock(clock.film or timeline.name, rate, round(start.value), clock.duration_s)


def _range(frame: int, fps: float) -> Any:
    time = opentimelineio.opentime.RationalTime
    return opentimelineio.opentime.TimeRange(time(frame, fps), time(1, fps))


def _nearness(time_s: float, near_s: float) -> Any:
    return lambda at: abs(at - time_s) < near_s

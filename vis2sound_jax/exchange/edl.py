"""Edit lists in CMX 3600: an audio event of one frame for every sound, with the marker forms of Avid and Resolve."""

import re
from collections.abc import Iterator
from typing import Any

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.columns import shown
from vis2sound_jax.exchange.events import Event, EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, detail_of, name_of, values_of
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.exchange.timecode import Rate
from vis2sound_jax.whole import PathLike, write_whole

_TC = r"\d{1,2}[:;.]\d{2}[:;.]\d{2}[:;.,]\d{2,3}"
_EVENT_WORDS = 8  # number, reel, track, cut and four timecodes
_LOCATOR = re.compile(rf"\*\s*LOC:\s*({_TC})\s+(\w+)\s*(.*)")
_RESOLVE = re.compile(r"([^|]*)\|C:(\w+) *\|M:([^|]*)\|D:(\d+)")
_END = "999999 end"
_CLIP = re.compile(r"\*\s*FROM CLIP NAME:\s*(.*)")
_COMMENT = re.compile(r"\*\s*COMMENT:\s*(.*)")


def write_edl(path: PathLike, events: EventList) -> None:
    """Writes an edit list.

    Args:
      path: an .edl file.
      events: what to write; their times are those of the nearest frames.

    Raises:
      UserError: if the film has no timecode, or the file cannot be written.
    """
    clock = events.clock
    rate = clock.timed(str(path))
    title = " ".join(clock.film.split()) or "events"
    lines = [f"TITLE: {title}", f"FCM: {'' if rate.drop else 'NON-'}DROP FRAME", ""]
    for number, event in enumerate(events.events, 1):
        lines += _written(number, event, clock.start + clock.frame_at(event.time_s), rate)
    write_whole(path, "\n".join(lines) + "\n")


def read_edl(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads the record times of the events of an edit list, or of its markers where it has any.

    Args:
      path: the file.
      clock: the film, with its rate: an edit list says only whether names of frames are dropped.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it holds no event, the film has no timecode, or for the first event that is wrong.
    """
    rate, text = clock.timed(str(path)), read_text(path)
    mode = re.search(r"^FCM:\s*(NON[- ])?DROP", text, re.MULTILINE | re.IGNORECASE)
    if mode and not mode[1] and not rate.may_drop:
        remedy = "export it at the film's rate"
        raise file_error(path, f"counts drop-frame, and the film has {rate} frames a second", remedy)
    if mode:
        own = Rate(rate.fps, drop=not mode[1])
        start = clock.start if own == rate else own.number(clock.start_name)
        read_clock = FilmClock(clock.film, own, start, clock.duration_s)
    else:
        read_clock = clock
    rows = list(_rows(path, text, read_clock))
    if not rows:
        raise file_error(path, "holds no event", "export an edit list in CMX 3600")
    return EventList(events_of(path, rows, clock), clock, seed)


def _written(number: int, event: Event, frame: int, rate: Rate) -> list[str]:
    """The lines of an event; its source counts from zero, its record time is the film's."""
    source, record = (f"{rate.name(first)} {rate.name(first + 1)}" for first in (0, frame))
    name = name_of(event)
    return [
        f"{number:03d}  AX       A     C        {source} {record}",
        f"* FROM CLIP NAME: {name}",
        f"* COMMENT: {detail_of(event)}",
        f"* LOC: {rate.name(frame)} {'BLACK' if event.muted else 'RED':7} {name}",
        f" |C:ResolveColor{'Cream' if event.muted else 'Blue'} |M:{name} |D:1",
        "",
    ]


def _rows(path: PathLike, text: str, clock: FilmClock) -> Iterator[Row]:
    """What stands under each event, read when all of it is there."""
    under: dict[str, Any] = {}
    for number, line in enumerate([*text.splitlines(), _END], 1):
        line = line.strip()
        if re.match(r"\d{3,}\s+\S", line) and "|C:" not in line:
            if under:
                yield from _marks(path, under, clock)
            if line == _END:
                return
            under = {"place": f"line {number}", "record": _record(path, number, line), "locators": []}
        elif not under:
            continue
        elif found := _LOCATOR.fullmatch(line):
            under["locators"].append((f"line {number}", found[1], found[3]))
        elif found := _RESOLVE.fullmatch(line):
            under["marker"] = (found[3].strip(), found[1].strip())
        elif found := _CLIP.fullmatch(line):
            under["name"] = found[1]
        elif found := _COMMENT.fullmatch(line):
            under["comment"] = found[1]


def _record(path: PathLike, number: int, line: str) -> str:
    """The record time of an event."""
    words = line.split()
    if len(words) < _EVENT_WORDS or not all(re.fullmatch(_TC, word) for word in words[-4:]):
        problem = f"line {number}, {shown(line)}: is no event of an edit list"
        raise file_error(path, problem, "give its number, reel, track, cut and four timecodes")
    return words[-2]


def _marks(path: PathLike, under: dict[str, Any], clock: FilmClock) -> Iterator[Row]:
    """One mark for an event of ours; of other edit lists every locator, or the event itself."""
    comment, locators = under.get("comment", ""), under["locators"]
    name, note = under.get("marker", (under.get("name", ""), ""))
    if len(locators) > 1 or locators and "[at=" not in comment:
        for place, tc, text in locators:
            yield _row(path, place, tc, clock, values_of(text, comment if len(locators) == 1 else ""))
    else:
        yield _row(path, under["place"], under["record"], clock, values_of(name, comment or note))


def _row(path: PathLike, place: str, tc: str, clock: FilmClock, values: dict[str, Any]) -> Row:
    try:
        frame = clock.frame_named(tc)
    except UserError as error:
        raise file_error(path, f"{place}, {str(error).rpartition('; ')[0]}", str(error).rpartition("; ")[2]) from None
    return Row(place, at_or(values, clock.time_of(frame), lambda at: clock.frame_at(at) == frame))

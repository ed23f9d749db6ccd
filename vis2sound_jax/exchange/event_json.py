"""EVENTS.json: a list of events for programs, with the film that they are in."""

import json
import re
from fractions import Fraction
from typing import Any

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.columns import COLUMNS, shown
from vis2sound_jax.exchange.events import TIMECODE, EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.exchange.timecode import Rate
from vis2sound_jax.whole import PathLike, write_json

FORM = "vis2sound events 1"
"""What such a file says of itself under `form`."""
_FPS = re.compile(r"\d{1,6}(/\d{1,6})?")
_LONGEST_S = 1e6
_KEYS = ("form", "film", "fps", "drop", "start", "duration_s", "seed", "events")


def write_event_json(path: PathLike, events: EventList) -> None:
    """Writes events, with the film, its exact rate and its first timecode.

    Args:
      path: a .json file.
      events: what to write.

    Raises:
      UserError: if it cannot be written.
    """
    clock = events.clock
    about = {
        "form": FORM,
        "film": clock.film,
        "fps": None if clock.rate is None else str(clock.rate.fps),
        "drop": clock.rate is not None and clock.rate.drop,
        "start": clock.start_name or None,
        "duration_s": clock.duration_s,
        "seed": events.seed,
    }
    rows = [{"time_s": event.time_s, TIMECODE: clock.name_at(event.time_s) or None} for event in events.events]
    listed = [{**row, **event.changes()} for row, event in zip(rows, events.events, strict=True)]
    write_json(path, {**about, "events": listed})


def read_event_json(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads what `write_event_json` wrote, or a part of it: of all keys only `events` must be there.

    Args:
      path: the file.
      clock: the film at hand; what it does not say is taken from the file.
      seed: where the file has none.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it is no such file, or for the first event that is wrong.
    """
    found = _parsed(path)
    if not isinstance(found, dict) or not isinstance(found.get("events"), list):
        raise file_error(path, "holds no list under events", "give a file as --job=onsets writes it")
    _check_keys(path, "the file", found, _KEYS)
    own = _clock(path, found)
    clock = FilmClock(
        clock.film or own.film,
        own.rate or clock.rate,
        own.start if own.rate else clock.start,
        own.duration_s if clock.duration_s is None else clock.duration_s,
    )
    rows = []
    for number, values in enumerate(found["events"], 1):
        if not isinstance(values, dict):
            raise file_error(path, f"event {number}, {shown(values)}: is no object", 'write it as {"time_s": 1.25}')
        _check_keys(path, f"event {number}", values, (TIMECODE, *COLUMNS))
        rows.append(Row(f"event {number}", values))
    seed = found["seed"] if type(found.get("seed")) is int else seed
    return EventList(events_of(path, rows, clock), clock, seed)


def _parsed(path: PathLike) -> Any:
    def refuse(text: str) -> None:
        raise UserError(f"{path}: {text} is not a finite number; give one", path)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise file_error(path, f"the key {shown(twice)} stands twice in one object", "take one out")
        return made

    try:
        return json.loads(read_text(path), parse_constant=refuse, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise file_error(path, f"line {error.lineno} is not JSON ({error.msg})", "write it again") from None
    except (RecursionError, ValueError) as error:
        raise file_error(path, "is not a list of events", "give a file as --job=onsets writes it") from error


def _check_keys(path: PathLike, place: str, found: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise file_error(path, f"{place}, {shown(key)}: there is no such key", f"use {', '.join(known)}")


def _clock(path: PathLike, found: dict[str, Any]) -> FilmClock:
    """The film as the file says it."""
    fps, start, duration_s = found.get("fps"), found.get("start"), found.get("duration_s")
    try:
        if fps is not None and not _FPS.fullmatch(str(fps)):
            raise ValueError(f"{shown(fps)} is no rate")
        rate = None if fps is None else Rate(Fraction(str(fps)), bool(found.get("drop")))
        first = 0 if rate is None or start is None else rate.number(str(start))
        if duration_s is not None and not (type(duration_s) in (int, float) and 0 < duration_s < _LONGEST_S):
            raise ValueError(f"{shown(duration_s)} is no length")
    except (UserError, ValueError, ZeroDivisionError) as error:
        raise file_error(path, f"fps, start or duration_s is wrong ({error})", "take it out or correct it") from None
    return FilmClock(str(found.get("film") or ""), rate, first, duration_s)

"""Events that are seen as a list for an artist, and a list that came back as events to be sounded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.event_clips import HIT, SCRATCH
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.formats import write_events
from vis2sound_jax.exchange.timecode import as_written, rate_of
from vis2sound_jax.run.owned import MADE_BY, hidden_manifest
from vis2sound_jax.run.staging import together
from vis2sound_jax.run.steps import Events, Result
from vis2sound_jax.systems.condfoley.engines import EXEMPLAR
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.start import start_timecode

_SEEN = ("kind", "scratch", "force_db", "x", "y")
_CHANGED = ("gain_db", "pitch_cents", "pan", "example", "piece", "take", "note")


def clock_of(film: Film, timecode: str = "") -> FilmClock:
    """Says how the frames of a film are named.

    Args:
      film: an open film.
      timecode: of its first picture; empty takes what the film says itself, and 00:00:00:00 where it says nothing.
        With a semicolon before the frames names are dropped.

    Returns:
      The clock; one without a rate for a film whose rate has no timecode.

    Raises:
      UserError: if the timecode does not fit the film's rate.
    """
    rate = rate_of(film.fps)
    name = timecode or start_timecode(film)
    if rate is None and timecode:
        raise UserError(f"--timecode={timecode}: the film has {film.fps:g} frames a second, which have no timecode")
    if rate is None or not name:
        return FilmClock(film.name, rate, 0, film.duration_s)
    rate = as_written(rate, name)
    try:
        return FilmClock(film.name, rate, rate.number(name), film.duration_s)
    except UserError as error:
        if timecode:
            raise UserError(f"--timecode: {error}") from None
        place = film.name if film.path is None else film.path
        raise file_error(place, f"its own timecode {name!r} does not fit its rate", "give --timecode") from None


def write_list(path: str, events: EventList, form: str = "", *, overwrite: bool = False) -> None:
    """Writes a list for an artist; a hidden manifest beside it tells later whether somebody edited it.

    Args:
      path: the file.
      events: what to write.
      form: its name; empty chooses it by the file's ending.
      overwrite: whether a file that this program did not write, or that was edited, may be replaced.

    Raises:
      UserError: as `exchange.formats.write_events`, or if the file must not be replaced.
    """
    place = Path(path)
    with together(hidden_manifest(place), {"made_by": MADE_BY}, overwrite=overwrite) as new:
        write_events(new / place.name, events, form)


def list_of(events: Events, clock: FilmClock, rule: EventRule, seed: int = 0) -> EventList:
    """Makes a list for an artist.

    Args:
      events: all that are seen.
      clock: the film.
      rule: what is sure enough to be heard; all else is listed as muted.
      seed: of its sound.

    Returns:
      The list. Sounded as it is, it gives what the events themselves give, to the bit.
    """
    notes = events.notes or ({},) * len(events)
    listed = []
    for number, (time_s, confidence, note) in enumerate(zip(events.times_s, events.confidence, notes, strict=True)):
        known = {name: note[name] for name in (*_SEEN, *_CHANGED) if note.get(name) is not None}
        muted = note.get("muted", bool(confidence < rule.least))
        about = {"id": note.get("id", number), "confidence": float(confidence), "muted": muted}
        listed.append(Event(float(time_s), **about, **known))
    return EventList(tuple(listed), clock, seed)


def list_of_result(result: Result, clock: FilmClock, rule: EventRule) -> EventList:
    """Makes a list of a result: every event with the take, the example and the piece that its best take gave it.

    Args:
      result: with takes of pieces.
      clock: the film.
      rule: what is sure enough to be heard.

    Returns:
      The list. Sounded as it is, with the same examples and seed, it gives the best take of pieces again, to the bit.
    """
    everything = list_of(result.composed.watched.events, clock, rule, result.seed)
    found: dict[int, Mapping[str, Any]] = {}
    take = next((int(k) for k in result.order if result.take_notes[k].get("engine") == EXEMPLAR), None)
    if take is not None:
        found = {piece["event"]: piece for piece in result.take_notes[take]["pieces"]}
    pinned = []
    for event in everything.events:
        piece = found.get(-1 if event.id is None else event.id)
        own = {} if piece is None else {"example": piece["example"], "piece": piece["piece"], "take": piece["take"]}
        pinned.append(Event(**{**vars(event), **own}))
    return EventList(tuple(pinned), clock, result.seed)


def events_of_list(listed: EventList) -> Events:
    """Makes events of a list, with what an artist changed in their notes.

    Args:
      listed: the list.

    Returns:
      The events in order of time and id. One that was added is as sure as can be; a kind that was changed is sure.
    """
    events = listed.numbered().events
    times_s = np.array([event.time_s for event in events], np.float64)
    confidence = np.array([1.0 if event.confidence is None else event.confidence for event in events], np.float64)
    return Events(times_s, confidence, tuple(_note(event) for event in events))


def is_pinned(listed: EventList) -> bool:
    """Tells whether every event that is heard has its take and its piece, so that all takes would be the same.

    Args:
      listed: the list.

    Returns:
      True if nothing is left to chance.
    """
    heard = [event for event in listed.events if not event.muted]
    return bool(heard) and all(event.take is not None and event.piece is not None for event in heard)


def _note(event: Event) -> dict[str, Any]:
    said: dict[str, Any] = {"id": event.id, "muted": event.muted}
    changed = event.changes()
    said |= {name: changed[name] for name in (*_SEEN, *_CHANGED) if name in changed}
    said.pop("scratch", None)
    if event.kind in (HIT, SCRATCH):
        sure = float(event.kind == SCRATCH)
        agrees = event.scratch is not None and (event.scratch >= 0.5) == (event.kind == SCRATCH)
        said["scratch"] = event.scratch if agrees else sure
    return said

"""A list of events: what sounds when in a film, and what an artist changed about it."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.columns import COLUMNS, read_value, shown
from vis2sound_jax.exchange.timecode import Rate

_FIRST_ADDED = 1_000_000
TIMECODE = "timecode"
"""A column that repeats the time as an editor counts it."""


@dataclasses.dataclass(frozen=True)
class Event:
    """One event. Values may be given as text, and are checked and turned into what stands here.

    Attributes:
      time_s: seconds from the film's first picture.
      id: number that stays the event's own; None for one that was added by hand and has none yet.
      kind: such as "hit" or "scratch"; empty where nobody knows.
      confidence: probability that it sounds, in [0, 1]; None for one that was added by hand.
      gain_db: change of its level.
      pitch_cents: change of its pitch, in hundredths of a semitone.
      pan: from -1, left, to 1, right; 0 leaves its sound where it is.
      example: name of the example that it is to be taken from; empty for any.
      piece: number of the piece of that example, from 1; None lets the seed choose.
      take: number of the take whose sound it has, from 1; None for that of each take.
      muted: whether it is not to be heard.
      note: for people.
      force_db: how much louder it looks than the film's mean event.
      scratch: probability that it is a scratch.
      x: place from the left, in [0, 1].
      y: place from the top, in [0, 1].
    """

    time_s: float
    id: int | None = None
    kind: str = ""
    confidence: float | None = None
    gain_db: float = 0.0
    pitch_cents: float = 0.0
    pan: float = 0.0
    example: str = ""
    piece: int | None = None
    take: int | None = None
    muted: bool = False
    note: str = ""
    force_db: float | None = None
    scratch: float | None = None
    x: float | None = None
    y: float | None = None

    def __post_init__(self) -> None:
        """Reads and checks every value.

        Raises:
          UserError: for a value that its column does not hold.
        """
        for name in COLUMNS:
            object.__setattr__(self, name, read_value(name, getattr(self, name)))
        if self.time_s is None:
            raise UserError(f"column time_s, {shown('')}: is empty; give {COLUMNS['time_s'].what}")

    def changes(self) -> dict[str, Any]:
        """Every value but the time that is not its column's default, by column."""
        values = {name: getattr(self, name) for name in COLUMNS if name != "time_s"}
        return {name: value for name, value in values.items() if value != COLUMNS[name].default}


@dataclasses.dataclass(frozen=True)
class FilmClock:
    """The film that events are in, and how its frames are named.

    Attributes:
      film: its name; empty where it is not known.
      rate: its frames; None where they have no timecode, as in a film of a changing rate.
      start: number of its first frame: 0 for 00:00:00:00.
      duration_s: its length; None where it is not known.
    """

    film: str = ""
    rate: Rate | None = None
    start: int = 0
    duration_s: float | None = None

    @property
    def start_name(self) -> str:
        """Timecode of the first frame; empty where there is none."""
        return "" if self.rate is None else self.rate.name(self.start)

    def timed(self, what: str) -> Rate:
        """The rate, for a form that writes timecode.

        Args:
          what: the file or form, for the error.

        Raises:
          UserError: if the film has none.
        """
        if self.rate is None:
            raise UserError(
                f"{what}: needs timecode, and the film has a rate that timecode does not count; use .csv, .json, .mid "
                "or Audacity labels, or make the film's rate constant"
            )
        return self.rate

    def frame_at(self, time_s: float) -> int:
        """Finds the frame of the film nearest to a time, never one after its end.

        Args:
          time_s: seconds from the first picture.

        Returns:
          Its number within the film, from 0.
        """
        rate = self.timed(self.film or "the film")
        frame = rate.frame_at(time_s)
        if self.duration_s is None:
            return frame
        return min(frame, max(math.ceil(Fraction(self.duration_s) * rate.fps) - 1, 0))

    def name_at(self, time_s: float) -> str:
        """Says which timecode the frame nearest to a time has.

        Args:
          time_s: seconds from the first picture.

        Returns:
          The timecode; empty where the film has none.
        """
        return "" if self.rate is None else self.rate.name(self.start + self.frame_at(time_s))

    def frame_named(self, name: str) -> int:
        """Finds the frame of a timecode.

        Args:
          name: the timecode.

        Returns:
          Its number within the film; beyond its end where the name comes before that of the first frame.

        Raises:
          UserError: if there is no such frame.
        """
        rate = self.timed(self.film or "the film")
        return (rate.number(name) - self.start) % rate.day

    def time_of(self, frame: int) -> float:
        """Says when a frame of the film begins, in seconds from its first picture."""
        return float(self.timed(self.film or "the film").time_of(frame))


@dataclasses.dataclass(frozen=True)
class EventList:
    """All events of a film.

    Attributes:
      events: in order of time.
      clock: the film.
      seed: of the chance with which they were sounded.
    """

    events: tuple[Event, ...]
    clock: FilmClock = FilmClock()
    seed: int = 0

    def numbered(self) -> "EventList":
        """Gives each event without an id one that depends on its time alone, so that no other event has a say in it.

        Returns:
          The same events with ids, in order of time and id. Added at 3.25 s, an event has the id 1003250, or the next
          one that is free.
        """
        taken = {event.id for event in self.events if event.id is not None}
        found = []
        for event in self.events:
            if event.id is None:
                number = _FIRST_ADDED + round(1000 * event.time_s)
                while number in taken:
                    number += 1
                taken.add(number)
                event = dataclasses.replace(event, id=number)
            found.append(event)
        return dataclasses.replace(self, events=tuple(sorted(found, key=lambda event: (event.time_s, event.id))))


class Row(NamedTuple):
    """An event as it stands in a file.

    Attributes:
      place: where, for an error: "row 5".
      values: column → text or value; a column that is not there has its default.
    """

    place: str
    values: Mapping[str, Any]


def events_of(path: Any, rows: Iterable[Row], clock: FilmClock) -> tuple[Event, ...]:
    """Makes events of rows, all or none.

    Args:
      path: the file, for errors.
      rows: what stands in it.
      clock: the film; a time after its end is refused.

    Returns:
      The events in order of time.

    Raises:
      UserError: for the first row that cannot be used: row, column, value and remedy on one line.
    """
    found, places = [], dict[int, str]()
    for row in rows:
        try:
            event = _event(row, clock)
        except UserError as error:
            raise UserError(f"{path}: {row.place}, {error}", path) from None
        if event.id is not None:
            if event.id in places:
                raise UserError(
                    f"{path}: {row.place}, column id, {event.id}: is the id of {places[event.id]} too; leave it empty "
                    "for an event that is new",
                    path,
                )
            places[event.id] = row.place
        found.append(event)
    return tuple(sorted(found, key=lambda event: event.time_s))


def _event(row: Row, clock: FilmClock) -> Event:
    values = dict(row.values)
    for name, value in values.items():
        if name != TIMECODE and name not in COLUMNS:
            raise UserError(f"column {name}, {shown(value)}: there is no such column; use {', '.join(COLUMNS)}")
    name = str(values.pop(TIMECODE, None) or "").strip()
    time_s = read_value("time_s", values.get("time_s"))
    if name and clock.rate is not None:
        try:
            frame = clock.frame_named(name)
        except UserError as error:
            raise UserError(f"column timecode, {error}") from None
        if time_s is None:
            values["time_s"] = clock.time_of(frame)
        elif frame not in (clock.frame_at(time_s), clock.rate.frame_at(time_s)):
            raise UserError(
                f"column timecode, {name!r}: is not the frame of time_s, which is {clock.name_at(time_s)}; empty the "
                "one of both that is old"
            )
    elif name and time_s is None:
        raise UserError(f"column timecode, {name!r}: the film has no timecode; give time_s")
    event = Event(**{"time_s": None, **values})
    if clock.duration_s is not None and event.time_s >= clock.duration_s:
        what = TIMECODE if name and time_s is None else "time_s"
        value = repr(name) if what == TIMECODE else f"{event.time_s:g}"
        end = f"{clock.duration_s:g} s"
        raise UserError(f"column {what}, {value}: is not in the film; give a time before its end at {end}")
    return event

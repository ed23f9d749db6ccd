"""Markers of tables that give times as timecode."""

from collections.abc import Callable, Iterable

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.events import EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, values_of
from vis2sound_jax.whole import PathLike


def marks_of(
    path: PathLike, marks: Iterable[tuple[str, str, str, str]], column: str, clock: FilmClock, seed: int
) -> EventList:
    """Makes events of markers.

    Args:
      path: the file, for errors.
      marks: place, timecode, name and comment of each.
      column: the name of the timecode's column.
      clock: the film.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if the film has no timecode, or for the first marker that is wrong.
    """
    clock.timed(str(path))
    rows = []
    for place, name, text, comment in marks:
        try:
            frame = clock.frame_named(name)
        except UserError as error:
            raise UserError(f"{path}: {place}, column {column}, {error}", path) from None
        rows.append(Row(place, at_or(values_of(text, comment), clock.time_of(frame), _on(clock, frame))))
    return EventList(events_of(path, rows, clock), clock, seed)


def _on(clock: FilmClock, frame: int) -> Callable[[float], bool]:
    def on(at: float) -> bool:
        return clock.frame_at(at) == frame

    return on

"""Audacity's label tracks: a line of start, end and text with tabs between them, in seconds."""

from vis2sound_jax.errors import file_error
from vis2sound_jax.exchange.columns import read_value
from vis2sound_jax.exchange.events import EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, label_of, values_of
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike, write_whole

STEP_S = 1e-6
"""Times are written to so much; Audacity itself writes six digits."""


def write_audacity(path: PathLike, events: EventList) -> None:
    """Writes a label for every event.

    Args:
      path: a .txt file.
      events: what to write.

    Raises:
      UserError: if it cannot be written.
    """
    lines = [f"{event.time_s:.6f}\t{event.time_s:.6f}\t{label_of(event)}\n" for event in events.events]
    write_whole(path, "".join(lines))


def read_audacity(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads labels; of a label with a length its beginning counts, and its frequencies are left aside.

    Args:
      path: the file.
      clock: the film.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: for the first line that is no label.
    """
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip() or line.startswith("\\\t"):
            continue
        begin, tab, rest = line.partition("\t")
        _, _, text = rest.partition("\t")
        if not tab:
            raise file_error(path, f"line {number} is no label", "separate start, end and text by tabs")
        rows.append(Row(f"line {number}", _values(begin, text)))
    return EventList(events_of(path, rows, clock), clock, seed)


def is_audacity(text: str) -> bool:
    """Tells whether a text holds labels, by its first line.

    Args:
      text: a file.

    Returns:
      True if it begins with two numbers and tabs.
    """
    words = next((line for line in text.splitlines() if line.strip()), "").split("\t")
    return len(words) >= 2 and all(_is_number(word) for word in words[:2])


def _values(begin: str, text: str) -> dict[str, object]:
    time_s = read_value("time_s", begin)
    return at_or(values_of(text), time_s, lambda at: time_s is not None and abs(at - time_s) <= STEP_S)


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
    except ValueError:
        return False
    return True

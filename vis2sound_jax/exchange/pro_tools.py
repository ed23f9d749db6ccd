"""Markers as Pro Tools lists them under File, Export, Session Info as Text."""

import functools

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.columns import shown
from vis2sound_jax.exchange.events import EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, detail_of, name_of, values_of
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike, write_whole

RATE_HZ = 48_000
"""Times are written in samples of this rate."""
_TITLE = "M A R K E R S  L I S T I N G"
_NAMES = ("#", "LOCATION", "TIME REFERENCE", "UNITS", "NAME", "COMMENTS")
_WIDTHS = (4, 13, 18, 9, 33, 0)


def write_pro_tools(path: PathLike, events: EventList) -> None:
    """Writes the head of a session and its markers.

    Args:
      path: a .txt file.
      events: what to write, to the sample at 48 kHz.

    Raises:
      UserError: if the film has no timecode, or the file cannot be written.
    """
    clock = events.clock
    rate = clock.timed(str(path))
    counted = f"{str(rate).removesuffix(' DF')} {'Drop ' if rate.drop else ''}Frame"
    lines = [
        f"SESSION NAME:\t{' '.join(clock.film.split()) or 'events'}",
        f"SAMPLE RATE:\t{RATE_HZ:.6f}",
        "BIT DEPTH:\t24-bit",
        f"SESSION START TIMECODE:\t{clock.start_name}",
        f"TIMECODE FORMAT:\t{counted}",
        "# OF AUDIO TRACKS:\t0",
        "# OF AUDIO CLIPS:\t0",
        "# OF AUDIO FILES:\t0",
        *("", "", _TITLE, _line(_NAMES)),
    ]
    for number, event in enumerate(events.events, 1):
        samples = str(round(event.time_s * RATE_HZ))
        place = clock.name_at(event.time_s)
        lines.append(_line((str(number), place, samples, "Samples", name_of(event), detail_of(event))))
    write_whole(path, "\n".join(lines) + "\n")


def read_pro_tools(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads the markers of a session, by their samples where it lists them, else by their timecode.

    Args:
      path: the file.
      clock: the film, which begins where the session does.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it lists no markers, or for the first one that is wrong.
    """
    lines = read_text(path, old="mac_roman").splitlines()
    titles = [number for number, line in enumerate(lines) if line.strip() == _TITLE]
    if not titles or titles[0] + 1 >= len(lines):
        raise file_error(path, "lists no markers", "export the session info with its markers")
    heads = (line.split("\t") for line in lines[: titles[0]] if ":" in line)
    said = {words[0].strip().rstrip(":"): words[1].strip() for words in heads if len(words) > 1}
    names = [name.strip() for name in lines[titles[0] + 1].split("\t")]
    rows = []
    for number, line in enumerate(lines[titles[0] + 2 :], titles[0] + 3):
        if not line.strip():
            break
        row = dict(zip(names, (word.strip() for word in line.split("\t")), strict=False))
        try:
            time_s, step_s = _seconds(row, said, clock)
        except UserError as error:
            raise UserError(f"{path}: line {number}, {error}", path) from None
        values = values_of(row.get("NAME", ""), row.get("COMMENTS", ""))
        rows.append(Row(f"line {number}", at_or(values, time_s, functools.partial(_near, time_s, step_s))))
    return EventList(events_of(path, rows, clock), clock, seed)


def is_pro_tools(text: str) -> bool:
    """Tells whether a text is the information of a session.

    Args:
      text: a file.

    Returns:
      True if it begins with the name of a session or lists markers.
    """
    return text.lstrip("\ufeff").startswith("SESSION NAME:") or _TITLE in text


def _line(words: tuple[str, ...]) -> str:
    return "\t".join(word.ljust(width) for word, width in zip(words, _WIDTHS, strict=True))


def _near(time_s: float, step_s: float, at: float) -> bool:
    return abs(at - time_s) <= step_s


def _seconds(row: dict[str, str], said: dict[str, str], clock: FilmClock) -> tuple[float, float]:
    """The time of a marker from the beginning of the session, and how far it may be rounded."""
    counted, rate_hz = row.get("TIME REFERENCE", ""), said.get("SAMPLE RATE", "")
    if row.get("UNITS", "Samples") == "Samples" and counted.isdecimal() and len(counted) < 18:
        try:
            hertz = float(rate_hz)
        except ValueError:
            hertz = 0.0
        if not 1_000 <= hertz <= 1e6:
            raise UserError(f"column SAMPLE RATE, {shown(rate_hz)}: is no rate; export the session info again")
        return int(counted) / hertz, 1.0 / hertz
    name = row.get("LOCATION", "")
    try:
        start = clock.timed(name).number(said.get("SESSION START TIMECODE") or clock.start_name)
        frame = (clock.timed(name).number(name) - start) % clock.timed(name).day
    except UserError as error:
        raise UserError(f"column LOCATION, {error}") from None
    return clock.time_of(frame), 1.0 / float(clock.timed(name).fps)

"""The forms in which lists of events are exchanged: one registry of names, endings, readers and writers."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.events import EventList, FilmClock
from vis2sound_jax.exchange.text_file import read_text
from vis2sound_jax.whole import PathLike

SAMPLE, MICROSECOND, TICK, FRAME, EXACT = "sample", "microsecond", "MIDI tick", "frame", "exact"
_HERE = "vis2sound_jax.exchange"


class Form(NamedTuple):
    """A form of file.

    Attributes:
      name: as `--format` says it.
      suffixes: endings of its files; the first form with an ending is the one that is written to it.
      what: for people.
      grid: what the times of events are rounded to. What nobody moved comes back exactly from each.
      writes: whether it is written, and not only read.
      timed: whether it needs timecode.
    """

    name: str
    suffixes: tuple[str, ...]
    what: str
    grid: str
    writes: bool = True
    timed: bool = False


FORMS = {
    form.name: form
    for form in (
        Form("table", (".csv",), "a table of events for a spreadsheet", EXACT),
        Form("event_json", (".json",), "events for programs, with the film", EXACT),
        Form("midi", (".mid", ".midi"), "a standard MIDI file", TICK),
        Form("edl", (".edl",), "an edit list in CMX 3600, with markers for Avid and Resolve", FRAME, timed=True),
        Form("fcpxml", (".fcpxml",), "markers for Final Cut Pro", FRAME, timed=True),
        Form("otio", (".otio",), "a timeline of OpenTimelineIO", FRAME, timed=True),
        Form("audacity", (".txt",), "labels for Audacity", MICROSECOND),
        Form("pro_tools", (".txt",), "the information of a Pro Tools session", SAMPLE, timed=True),
        Form("reaper", (".csv",), "markers for Reaper", MICROSECOND),
        Form("premiere", (".csv",), "markers as Premiere exports them", FRAME, timed=True),
        Form("resolve", (".csv",), "markers as Resolve lists them", FRAME, timed=True),
        Form("bwf", (".wav",), "the markers of a sound file", SAMPLE, writes=False),
    )
}
"""Name → form."""

SUFFIXES = tuple(dict.fromkeys(suffix for form in FORMS.values() if form.writes for suffix in form.suffixes))
"""Endings of files that can be written."""


def write_events(path: PathLike, events: EventList, name: str = "") -> None:
    """Writes events.

    Args:
      path: the file.
      events: what to write.
      name: of the form; empty chooses it by the file's ending.

    Raises:
      UserError: if there is no such form, the film lacks the timecode that it needs, or the file cannot be written.
    """
    form = form_to_write(path, name)
    if form.timed:
        events.clock.timed(str(path))
    cast(Callable[[PathLike, EventList], None], _of(form, "write"))(path, events)


def read_events(path: PathLike, clock: FilmClock | None = None, seed: int = 0) -> EventList:
    """Reads events in the form that the file's ending and its first line tell.

    Args:
      path: the file.
      clock: the film at hand, for times that are given as timecode and to refuse those after its end.
      seed: of its sound, where the file says none.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it is none of the forms, or for the first event that is wrong.
    """
    form = form_of(path)
    read = cast(Callable[[PathLike, FilmClock, int], EventList], _of(form, "read"))
    return read(path, clock or FilmClock(), seed)


def form_to_write(path: PathLike, name: str = "") -> Form:
    """Says in which form a file is written.

    Args:
      path: the file.
      name: of the form; empty chooses it by the ending.

    Returns:
      The form.

    Raises:
      UserError: if there is no such form, or its files end otherwise.
    """
    written = {form.name: form for form in FORMS.values() if form.writes}
    suffix = Path(path).suffix.lower()
    if name:
        if name not in written:
            raise UserError(f"--format={name} is not known; it must be one of {', '.join(written)}")
        if suffix not in written[name].suffixes:
            ends = " or ".join(written[name].suffixes)
            raise file_error(path, f"has the ending {suffix or '(none)'}", f"name a file that ends in {ends}")
        return written[name]
    for form in written.values():
        if suffix in form.suffixes:
            return form
    raise file_error(path, f"has the ending {suffix or '(none)'}", f"name a file that ends in {' or '.join(SUFFIXES)}")


def form_of(path: PathLike) -> Form:
    """Tells in which form a file is.

    Args:
      path: the file.

    Returns:
      The form, by the ending, and by the first line where several share one.

    Raises:
      UserError: if it is none of them, or cannot be read.
    """
    suffix = Path(path).suffix.lower()
    fitting = [form for form in FORMS.values() if suffix in form.suffixes]
    if not fitting:
        known = dict.fromkeys(suffix for form in FORMS.values() for suffix in form.suffixes)
        problem = f"has the ending {suffix or '(none)'}, which no list of events has"
        raise file_error(path, problem, f"give a file that ends in {' or '.join(known)}")
    if len(fitting) == 1:
        return fitting[0]
    text = read_text(path)
    for form in fitting:
        if cast(Callable[[str], bool], _of(form, "is"))(text):
            return form
    listed = ", ".join(form.what for form in fitting)
    problem = "its first line is that of no list of events"
    raise file_error(path, problem, f"give {listed}; a table of events begins with the names of its columns")


def _of(form: Form, what: str) -> object:
    """A function of a form's module, which is imported when it is needed."""
    return getattr(importlib.import_module(f"{_HERE}.{form.name}"), f"{what}_{form.name}")

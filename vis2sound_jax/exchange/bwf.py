"""Broadcast WAV (EBU Tech 3285): where a sound lies in the day, and its events as markers of a WAV file."""

import functools
import struct
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from vis2sound_jax.errors import file_error
from vis2sound_jax.exchange.events import EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, detail_of, name_of, values_of
from vis2sound_jax.exchange.riff import LARGEST, Chunk, chunks_of, contents, rewrite
from vis2sound_jax.whole import PathLike

_BEXT = struct.Struct("<256s32s32s10s8sQH64s10x180x")
_OURS = ("bext", "cue ")
_CUE = struct.Struct("<II4sIII")


def mark_wave(
    source: PathLike, target: PathLike, events: EventList, *, when: datetime | None = None, largest: int = LARGEST
) -> None:
    """Copies a WAV file with its time of day and its events as markers; no sample is changed.

    Args:
      source: a WAV file whose first sample is the film's beginning, PCM or float.
      target: the new file; it may be the same.
      events: become `cue ` and `LIST adtl`, each at its sample, with all of it as label and note.
      when: the date of origination; without it none is said, so that the same sound gives the same file.
      largest: size above which RF64 is written.

    Raises:
      UserError: if the source is no WAV file, or the target cannot be written.
    """
    form, rate_hz = _format(source)
    chunks = chunks_of(source)
    old = [chunk for chunk in chunks if chunk.name in _OURS or _is_labels(source, chunk)]
    cues, labels = _markers(events, rate_hz)
    after = [("cue ", cues), ("LIST", labels)] if events.events else []
    rewrite(source, target, [("bext", _bext(events.clock, form, rate_hz, when))], after, old, largest)


def read_bwf(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads the markers of a WAV file.

    Args:
      path: the file, whose first sample is the film's beginning.
      clock: the film.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it is no WAV file or has no markers, or for the first one that is wrong.
    """
    _, rate_hz = _format(path)
    places: dict[int, int] = {}
    texts: dict[int, str] = {}
    notes: dict[int, str] = {}
    for chunk in chunks_of(path):
        if chunk.name == "cue ":
            places |= dict(_cues(contents(path, chunk)))
        elif _is_labels(path, chunk):
            for name, number, text in _texts(contents(path, chunk)):
                (texts if name == b"labl" else notes).setdefault(number, text)
    if not places:
        raise file_error(path, "has no markers", "save it with its cue points")
    rows = []
    for number, sample in places.items():
        time_s = sample / rate_hz
        values = values_of(texts.get(number, ""), notes.get(number, ""))
        rows.append(Row(f"marker {number}", at_or(values, time_s, functools.partial(_on, sample, rate_hz))))
    return EventList(events_of(path, rows, clock), clock, seed)


def time_reference(clock: FilmClock, rate_hz: int) -> int:
    """Says how many samples after midnight the film begins.

    Args:
      clock: the film.
      rate_hz: of the samples.

    Returns:
      Their number, by the true length of a frame: an hour of timecode at 29.97 without dropped names is 3603.6 s.
    """
    return 0 if clock.rate is None else round(clock.rate.time_of(clock.start) * Fraction(rate_hz))


def _format(path: PathLike) -> tuple[str, int]:
    """How a file's samples are coded, in the words of a coding history, and their rate."""
    for chunk in chunks_of(path):
        if chunk.name == "fmt " and chunk.size >= 16:
            tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", contents(path, chunk, 16))
            if rate_hz < 1:
                break
            mode = {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")
            return f"A={'FLOAT' if tag == 3 else 'PCM'},F={rate_hz},W={bits},M={mode},T=vis2sound_jax", rate_hz
    raise file_error(path, "says nothing of its samples", "give a sound as .wav")


def _bext(clock: FilmClock, form: str, rate_hz: int, when: datetime | None) -> bytes:
    """The chunk in version 1: a description, who made it, when, where in the day, and how it is coded."""
    described = " ".join(f"{clock.film} {clock.start_name}".split())
    date, time = ("", "") if when is None else (f"{when:%Y-%m-%d}", f"{when:%H:%M:%S}")
    words = (word.encode("ascii", "replace") for word in (described[:256], "vis2sound_jax", "", date, time))
    # An even number of bytes: libsndfile overlooks the odd one in RF64.
    history = f"{form}{' ' * (len(form) % 2)}\r\n".encode("ascii")
    return _BEXT.pack(*words, time_reference(clock, rate_hz), 1, b"") + history


def _markers(events: EventList, rate_hz: int) -> tuple[bytes, bytes]:
    points, texts = [], [b"adtl"]
    for number, event in enumerate(events.events, 1):
        sample = round(event.time_s * rate_hz)
        points.append(_CUE.pack(number, sample, b"data", 0, 0, sample))
        for name, text in ((b"labl", name_of(event)), (b"note", detail_of(event))):
            held = struct.pack("<I", number) + text.encode() + b"\0"
            texts.append(name + struct.pack("<I", len(held)) + held + b"\0" * (len(held) % 2))
    return struct.pack("<I", len(points)) + b"".join(points), b"".join(texts)


def _is_labels(path: PathLike, chunk: Chunk) -> bool:
    return chunk.name == "LIST" and contents(path, chunk, 4) == b"adtl"


def _cues(held: bytes) -> Iterator[tuple[int, int]]:
    """Numbers of cue points with their samples."""
    for place in range(4, len(held) - _CUE.size + 1, _CUE.size):
        number, _, _, _, _, sample = _CUE.unpack_from(held, place)
        yield number, sample


def _texts(held: bytes) -> Iterator[tuple[bytes, int, str]]:
    """Labels and notes with the numbers of their cue points."""
    place = 4
    while place + 12 <= len(held):
        name, size, number = struct.unpack_from("<4sII", held, place)
        text = held[place + 12 : place + 8 + size].split(b"\0")[0]
        if name in (b"labl", b"note"):
            yield name, number, _decoded(text)
        place += 8 + size + size % 2


def _on(sample: int, rate_hz: int, at: float) -> bool:
    return round(at * rate_hz) == sample


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")

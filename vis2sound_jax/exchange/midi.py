"""Standard MIDI files at 120 beats a minute and 960 ticks a beat: a note and a marker for every event."""

import io
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import mido

from vis2sound_jax.errors import file_error
from vis2sound_jax.exchange.events import Event, EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.labels import at_or, label_of, values_of
from vis2sound_jax.exchange.text_file import read_bytes
from vis2sound_jax.whole import PathLike, replacing

TICKS_A_BEAT = 960
TICK_S = Fraction(1, 2 * TICKS_A_BEAT)
"""Length of a tick at 120 beats a minute: 0.52 ms."""
_TEMPO = 500_000  # microseconds of a beat
_NOTES = {"hit": 36, "scratch": 38}  # kick and snare of General MIDI
_OTHER, _FIRST_PIECE, _LAST = 40, 60, 127
_LEVEL, _STEEP = 100, 40.0  # velocity of an unchanged event; force goes with its square
_LENGTH = 96  # ticks of a note
_NEAR_S = 0.0011  # programs that count 480 ticks a beat round by so much
_TEXTS = ("marker", "text", "cue_marker", "lyrics")


def write_midi(path: PathLike, events: EventList) -> None:
    """Writes two tracks: tempo and markers with all of each event, and notes.

    Args:
      path: a .mid file.
      events: what to write; muted events have a marker and no note.

    Raises:
      UserError: if it cannot be written.
    """
    texts: list[tuple[int, int, Any]] = []
    notes: list[tuple[int, int, Any]] = []
    for event in events.events:
        tick, note = tick_of(event.time_s), note_of(event)
        texts.append((tick, 0, mido.MetaMessage("marker", text=label_of(event))))
        if not event.muted:
            on = mido.Message("note_on", note=note, velocity=velocity_of(event.gain_db))
            notes += [(tick, 1, on), (tick + _LENGTH, 0, mido.Message("note_off", note=note))]
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_A_BEAT, charset="utf-8")
    file.tracks += [_track([(0, -1, mido.MetaMessage("set_tempo", tempo=_TEMPO)), *texts]), _track(notes)]
    with replacing(path) as temporary:
        file.save(temporary)


def read_midi(path: PathLike, clock: FilmClock, seed: int) -> EventList:
    """Reads notes, with the markers that stand at their ticks; a marker of ours without a note is a muted event.

    Args:
      path: the file; other tempos and resolutions are read as they are.
      clock: the film.
      seed: of its sound.

    Returns:
      The events in order of time.

    Raises:
      UserError: if it is no MIDI file, or for the first event that is wrong.
    """
    rows: list[Row] = []
    texts: dict[int, list[str]] = {}
    notes: list[tuple[int, float, int, int]] = []
    for tick, time_s, message in _messages(path):
        if message.is_meta and message.type in _TEXTS and "[at=" in message.text:
            texts.setdefault(tick, []).append(message.text)
        elif message.type == "note_on" and message.velocity:
            notes.append((tick, time_s, message.note, message.velocity))
    # Notes of one tick may come in any order: each takes the marker that wrote it, where there is one.
    for tick, time_s, note, velocity in notes:
        waiting = texts.get(tick, [])
        fitting = [text for text in waiting if _wrote(values_of(text), note)] or waiting
        values = values_of(fitting[0]) if fitting else {}
        if fitting:
            waiting.remove(fitting[0])
        rows.append(Row(f"note {len(rows) + 1}", _values(values, time_s, note, velocity)))
    for left in (text for tick in sorted(texts) for text in texts[tick]):
        values = values_of(left)
        if values.get("muted") == "yes":
            rows.append(Row(f"marker {len(rows) + 1}", at_or(values, 0.0, lambda at: True)))
    return EventList(events_of(path, rows, clock), clock, seed)


def tick_of(time_s: float) -> int:
    """Finds the tick nearest to a time.

    Args:
      time_s: seconds.

    Returns:
      Its number.
    """
    return math.floor(Fraction(time_s) / TICK_S + Fraction(1, 2))


def note_of(event: Event) -> int:
    """Says which note an event has.

    Args:
      event: of a list.

    Returns:
      From 60 on that of its piece, where it has one; else that of its kind: 36 for a hit, 38 for a scratch, 40 else.
    """
    return _note(event.kind, event.piece)


def velocity_of(gain_db: float) -> int:
    """Says how hard a note is.

    Args:
      gain_db: change of level.

    Returns:
      A velocity from 1 to 127; 100 where nothing is changed, 50 at -12 dB.
    """
    return min(max(round(_LEVEL * 10 ** (gain_db / _STEEP)), 1), _LAST)


def _track(messages: list[tuple[int, int, Any]]) -> Any:
    track, before = mido.MidiTrack(), 0
    for tick, _, message in sorted(messages, key=lambda one: one[:2]):
        track.append(message.copy(time=tick - before))
        before = tick
    track.append(mido.MetaMessage("end_of_track"))
    return track


def _messages(path: PathLike) -> Iterator[tuple[int, float, Any]]:
    """All messages with their ticks and times."""
    data = read_bytes(path)
    try:
        file = mido.MidiFile(file=io.BytesIO(data), charset=_charset(data), clip=True)
        merged = mido.merge_tracks(file.tracks)
    except (OSError, EOFError, ValueError, KeyError, IndexError, LookupError) as error:
        raise file_error(path, "is no MIDI file", "export a standard MIDI file") from error
    if file.type == 2 or file.ticks_per_beat <= 0:
        raise file_error(path, "counts no beats", "export a standard MIDI file of type 0 or 1 with ticks a beat")
    tick, seconds, tempo = 0, Fraction(0), _TEMPO
    for message in merged:
        tick += message.time
        seconds += Fraction(message.time * tempo, 1_000_000 * file.ticks_per_beat)
        if message.type == "set_tempo":
            tempo = message.tempo
        yield tick, float(seconds), message


def _charset(data: bytes) -> str:
    """UTF-8, unless another program wrote texts that are not."""
    for charset in ("utf-8", "latin1"):
        try:
            mido.MidiFile(file=io.BytesIO(data), charset=charset, clip=True)
        except UnicodeDecodeError:
            continue
        except (OSError, EOFError, ValueError, KeyError, IndexError, LookupError):
            return charset
        return charset
    return "latin1"


def _values(values: dict[str, Any], time_s: float, note: int, velocity: int) -> dict[str, Any]:
    """A note and its marker; what was changed in the note counts."""
    found = at_or(values, time_s, lambda at: abs(at - time_s) <= _NEAR_S)
    if not values or not _wrote(values, note):
        found |= {"piece": note - _FIRST_PIECE + 1 if note >= _FIRST_PIECE else None}
        if note < _FIRST_PIECE:
            found["kind"] = next((kind for kind, number in _NOTES.items() if number == note), found.get("kind", ""))
    if velocity_of(_gain(values)) != velocity:
        found["gain_db"] = round(_STEEP * math.log10(velocity / _LEVEL), 2)
    found["muted"] = False
    return found


def _note(kind: str, piece: int | None) -> int:
    return _NOTES.get(kind, _OTHER) if piece is None else min(_FIRST_PIECE - 1 + piece, _LAST)


def _wrote(values: dict[str, Any], note: int) -> bool:
    """Whether a marker's event has a note."""
    piece = str(values.get("piece", ""))
    return _note(str(values.get("kind", "")), int(piece[:6]) if piece.isdecimal() else None) == note


def _gain(values: dict[str, Any]) -> float:
    try:
        return max(min(float(values.get("gain_db", 0.0)), 24.0), -96.0)
    except ValueError:
        return 0.0

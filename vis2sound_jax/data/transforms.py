"""How examples are cut from a recording: aligned windows of frames and sound, drawn with a given generator.

Everything here is numpy, works on one recording and depends on nothing but its arguments, so a loader may run
it anywhere and in any order.
"""

import dataclasses
import io
import math

import numpy as np
import soundfile
from jaxtyping import Bool, Float32, Int32, UInt8

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.video.files import decode_jpeg

# CondFoleyGen begins its clips half a second before a hit and shifts them by up to as much.
_LEAD_S = 0.5

_Range = tuple[int, int]  # first and last frame, both included


@dataclasses.dataclass(frozen=True)
class Window:
    """A piece of a recording.

    Attributes:
      frames: pictures in 0..255, [t, h, w, 3] or, in grey, [t, h, w].
      wav: sound in [-1, 1]; sample 0 sounds with frame 0.
      start_s: time of frame 0 in the recording, in seconds.
    """

    frames: UInt8[np.ndarray, "t h w *c"]
    wav: Float32[np.ndarray, "n"]
    start_s: float


@dataclasses.dataclass(frozen=True)
class Pair:
    """A target and the condition from which its sound is to be imagined, of the same recording.

    Attributes:
      target: the window whose sound is to be made.
      condition: the window whose sound serves as the example.
    """

    target: Window
    condition: Window


@dataclasses.dataclass(frozen=True)
class Events:
    """The annotated events inside a window, padded to a fixed number.

    Attributes:
      time_s: seconds from the start of the window; 0 where padded.
      index: place of the event in the record's lists (material, action, reaction); 0 where padded.
      mask: False where padded.
    """

    time_s: Float32[np.ndarray, "e"]
    index: Int32[np.ndarray, "e"]
    mask: Bool[np.ndarray, "e"]


def window(record: Record, start_s: float, duration_s: float, *, grey: bool = False) -> Window:
    """Cuts frames and the sound that belongs to them.

    The start moves to the nearest frame, so that picture and sound stay together to half a sample.

    Args:
      record: the recording.
      start_s: where to begin, in seconds.
      duration_s: length in seconds.
      grey: whether to decode the frames without colour.

    Returns:
      round(duration_s * fps) frames and round(duration_s * rate_hz) samples; where the sound ends before the
      film, silence follows.

    Raises:
      ValueError: if the window does not lie within the recording.
    """
    return _cut(record, round(start_s * record["fps"]), duration_s, grey=grey)


def random_window(record: Record, rng: np.random.Generator, duration_s: float, *, grey: bool = False) -> Window:
    """Cuts a window from anywhere in the annotated part (anywhere at all if that is shorter than the window).

    Args:
      record: the recording.
      rng: source of the place.
      duration_s: length in seconds.
      grey: whether to decode the frames without colour.

    Returns:
      The window, as `window` cuts it.

    Raises:
      UserError: if the recording is shorter than the window.
    """
    first, last = _start_range(record, duration_s)
    return _cut(record, int(rng.integers(first, last, endpoint=True)), duration_s, grey=grey)


def events_within(record: Record, start_s: float, duration_s: float, *, max_events: int) -> Events:
    """Finds the events of a window.

    Args:
      record: the recording.
      start_s: begin of the window in seconds (`Window.start_s`).
      duration_s: its length in seconds; an event at its very end is outside.
      max_events: length of the padded arrays.

    Returns:
      The events by rising time.

    Raises:
      ValueError: if there are more than `max_events`: dropping some would teach that they are silent.
    """
    times_s = record["event_time_s"] - np.float32(start_s)
    inside = np.flatnonzero((times_s >= 0) & (times_s < duration_s))
    if len(inside) > max_events:
        raise ValueError(
            f"{record['id']} has {len(inside)} events within {duration_s:g} s from {start_s:g} s, more than "
            f"max_events={max_events}; raise max_events"
        )
    padding = (0, max_events - len(inside))
    return Events(
        time_s=np.pad(times_s[inside], padding),
        index=np.pad(inside.astype(np.int32), padding),
        mask=np.arange(max_events) < len(inside),
    )


def sample_pair(
    record: Record,
    rng: np.random.Generator,
    duration_s: float,
    *,
    compat: bool = False,
    grey: bool = False,
) -> Pair:
    """Draws a target and a condition around two hits of one recording (Du et al. 2023, section 4.1).

    A window begins up to 1 s, and up to half its length, before its hit. The condition never overlaps the
    target and is never around the same hit. Where no second hit allows that, the condition is any window that
    does not overlap the target; where the recording is too short for two windows, it is the one that overlaps
    least.

    Args:
      record: the recording; without events its windows lie anywhere.
      rng: source of the choice of hits and of the shifts.
      duration_s: length of each window in seconds.
      compat: sample as the published code does: the condition may be around the same hit and overlap the
        target, its pictures move by their own shift but its sound by the target's.
      grey: whether to decode the frames without colour.

    Returns:
      The two windows.

    Raises:
      UserError: if the recording is shorter than the window, or, with `compat`, has no hit after 0.5 s.
    """
    if compat:
        return _published_pair(record, rng, duration_s, grey=grey)
    hits = _hit_starts(record, duration_s)
    chosen = int(rng.integers(len(hits))) if hits else 0
    target = _draw([hits[chosen] if hits else _start_range(record, duration_s)], rng)
    # Rounded up: a window need not be a whole number of frames, and its sound must not overlap either.
    apart = math.ceil(duration_s * record["fps"])
    others = [_outside(hit, target, apart) for number, hit in enumerate(hits) if number != chosen]
    others = [places for places in others if places]
    if others:
        condition = _draw(others[rng.integers(len(others))], rng)
    else:
        anywhere = (0, _last_start(record, duration_s))
        free = _outside(anywhere, target, apart)
        condition = _draw(free, rng) if free else max(anywhere, key=lambda start: abs(start - target))
    return Pair(
        target=_cut(record, target, duration_s, grey=grey),
        condition=_cut(record, condition, duration_s, grey=grey),
    )


def _published_pair(record: Record, rng: np.random.Generator, duration_s: float, *, grey: bool) -> Pair:
    """Samples as CondFoleyGen's loader does, at any rates: see `sample_pair` for what is wrong with it."""
    fps, rate_hz = record["fps"], record["rate_hz"]
    hits = record["event_time_s"][record["event_time_s"] >= _LEAD_S].astype(float)
    if not len(hits):
        raise UserError(f"{record['id']} has no hit after {_LEAD_S:g} s; take it off the list or set compat off")
    starts = [int((time_s - _LEAD_S) * rate_hz) for time_s in rng.choice(hits, 2)]
    shifts_s = rng.uniform(-_LEAD_S, _LEAD_S, 2)
    # One frame less than fits, as published.
    last = max(_last_start(record, duration_s) - 1, 0)
    windows = []
    for start, shift_s in zip(starts, shifts_s, strict=True):
        frame = max(round(fps * start / rate_hz) + int(fps * shift_s), 0)
        sample = max(start + int(rate_hz * shifts_s[0]), 0)
        if frame > last:
            frame, sample = last, round(rate_hz * last / fps)
        windows.append(_cut(record, frame, duration_s, grey=grey, first_sample=sample))
    return Pair(target=windows[0], condition=windows[1])


def _last_start(record: Record, duration_s: float) -> int:
    """Finds the last frame at which a window can begin."""
    last = len(record["frames"]) - round(duration_s * record["fps"])
    if last < 0:
        raise UserError(
            f"{record['id']} lasts {record['duration_s']:.2f} s, less than the window of {duration_s:g} s; "
            "take it off the split list or shorten the window"
        )
    return last


def _start_range(record: Record, duration_s: float) -> _Range:
    """Finds where windows inside the annotated part may begin."""
    last = _last_start(record, duration_s)
    begin_s, end_s = (float(time_s) for time_s in record["span_s"])
    from_frame = math.ceil(begin_s * record["fps"])
    to_frame = min(math.floor((end_s - duration_s) * record["fps"]), last)
    return (from_frame, to_frame) if from_frame <= to_frame else (0, last)


def _hit_starts(record: Record, duration_s: float) -> list[_Range]:
    """Finds, for each hit, where a window around it may begin."""
    last = _last_start(record, duration_s)
    earliest_s = 2 * min(_LEAD_S, duration_s / 4)
    ranges = []
    for time_s in record["event_time_s"].astype(float):
        to_frame = math.floor(time_s * record["fps"])
        from_frame = min(math.ceil((time_s - earliest_s) * record["fps"]), to_frame)
        ranges.append((min(max(from_frame, 0), last), min(to_frame, last)))
    return ranges


def _outside(places: _Range, target: int, apart: int) -> list[_Range]:
    """Cuts from a range all starts that are less than `apart` frames from `target`."""
    first, last = places
    parts = [(first, min(last, target - apart)), (max(first, target + apart), last)]
    return [(begin, end) for begin, end in parts if begin <= end]


def _draw(places: list[_Range], rng: np.random.Generator) -> int:
    """Draws a frame uniformly from ranges."""
    return int(rng.choice(np.concatenate([np.arange(first, last + 1) for first, last in places])))


def _cut(record: Record, first_frame: int, duration_s: float, *, grey: bool, first_sample: int | None = None) -> Window:
    """Decodes a window; its sound begins with its first frame unless `first_sample` says otherwise."""
    n_frames, n_samples = round(duration_s * record["fps"]), round(duration_s * record["rate_hz"])
    start_s = first_frame / record["fps"]
    if n_frames < 1 or not 0 <= first_frame <= len(record["frames"]) - n_frames:
        raise ValueError(
            f"{record['id']} lasts {record['duration_s']:.2f} s: no window of {duration_s:g} s at {start_s:.2f} s"
        )
    if first_sample is None:
        first_sample = round(start_s * record["rate_hz"])
    pictures = [decode_jpeg(data, grey=grey) for data in record["frames"][first_frame : first_frame + n_frames]]
    return Window(np.stack(pictures), _read_sound(record["audio"], first_sample, n_samples), start_s)


def _read_sound(flac: bytes, first_sample: int, n_samples: int) -> Float32[np.ndarray, "n"]:
    """Decodes a part of a recording's sound as `decode_flac` does; seeking is ten times faster than decoding it all."""
    with soundfile.SoundFile(io.BytesIO(flac)) as sound:
        sound.seek(min(first_sample, sound.frames))
        channels = sound.read(n_samples, dtype="float32", always_2d=True)
    wav = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1)
    return np.pad(wav, (0, n_samples - len(wav)))

"""Examples for the scorer of synchronisation: a piece of film beside its own sound, shifted.

Nobody labels them: a recording's sound is in step with its film, so that a shift is known because it was made.
"""

from typing import Any

import numpy as np

from vis2sound_jax.audio.moments import sound_at_frames
from vis2sound_jax.data.tokens import TokenRecording

LEAST_S = 1.0
"""Shortest piece of film that is compared."""
_UNRELATED = 0.25
_APART_S = 1.0
_GAIN = 0.15
_TILT = 0.1


def sync_example(
    recording: TokenRecording, rng: np.random.Generator, *, frames: int, lags: int, hop_s: float
) -> dict[str, Any]:
    """Cuts a training example for `SyncTask`; a quarter of them has the sound of quite another moment.

    Args:
      recording: at least a second and `lags` frames long.
      rng: source of the shift, the length, the place and the loudness.
      frames: length of the example; between a second and all of it is compared, the rest is masked.
      lags: the greatest shift in frames.
      hop_s: time between columns of the recording's log-mel in seconds.

    Returns:
      `features` [t, d], `onset` [t], `sound` [t, m, f], `mask` [t] and `late`, the class of the shift: k says that
      the sound is k - lags frames late, 2 lags + 1 that it is unrelated.
    """
    late = int(rng.integers(-lags, lags + 1))
    total, least = len(recording.onset), round(LEAST_S * recording.fps)
    length = int(rng.integers(least, max(least, min(frames, total - abs(late))) + 1))
    first, last = max(0, late), min(total, total + late) - length
    start = int(rng.integers(first, max(first, last) + 1))
    elsewhere = _elsewhere(start, total - length, lags + round(_APART_S * recording.fps))
    unrelated = len(elsewhere) > 0 and rng.random() < _UNRELATED
    begin = int(rng.choice(elsewhere)) if unrelated else start - late
    # The shift in the world is no whole number of frames.
    sound_s = (begin + rng.uniform(-0.5, 0.5)) / recording.fps
    example = film_and_sound(recording, start, length, sound_s, frames=frames, hop_s=hop_s)
    slope = np.linspace(-1.0, 1.0, example["sound"].shape[-1])
    gain = rng.uniform(-_GAIN, _GAIN) + rng.uniform(-_TILT, _TILT) * slope
    example["sound"] = np.clip(example["sound"] + gain, 0.0, 1.0).astype(np.float32)
    return example | {"late": np.int32(2 * lags + 1 if unrelated else late + lags)}


def _elsewhere(start: int, last: int, apart: int) -> np.ndarray:
    """Frames of the same recording at which a sound may begin that has nothing to do with this moment."""
    begins = np.arange(last + 1)
    return begins[np.abs(begins - start) > apart]


def film_and_sound(
    recording: TokenRecording, start: int, length: int, sound_s: float, *, frames: int, hop_s: float
) -> dict[str, Any]:
    """Lays a piece of film and a piece of its sound side by side.

    Args:
      recording: where from.
      start: first frame of the film.
      length: frames to compare, at most `frames`; those beyond the film are masked too.
      sound_s: time in the recording's sound that is put beside the beginning of the first frame.
      frames: length of the piece.
      hop_s: time between columns of the recording's log-mel in seconds.

    Returns:
      `features` [t, d], `onset` [t], `sound` [t, m, f] and `mask` [t].
    """
    total = len(recording.onset)
    shown = np.minimum(start + np.arange(frames), total - 1)
    known = np.arange(frames) < min(length, total - start)
    return {
        "features": recording.features[shown].astype(np.float32),
        "onset": recording.onset[shown].astype(np.float32),
        "sound": sound_at_frames(recording.mel, hop_s, recording.fps, sound_s, frames),
        "mask": known.astype(np.float32),
    }

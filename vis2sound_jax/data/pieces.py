"""Pieces of recordings for networks that learn from one thing alone: log-mels, sounds, frames with their onsets."""

from typing import Any

import numpy as np
from jaxtyping import Float

from vis2sound_jax.data.film_pairs import clip_arrays, frames_at
from vis2sound_jax.data.targets import Heard
from vis2sound_jax.data.tokens import clip_places


def mel_piece(mel: Float[np.ndarray, "f t"], rng: np.random.Generator, *, frames: int) -> dict[str, Any]:
    """Cuts a piece of a log-mel; what is too short goes on at the floor.

    Args:
      mel: in [0, 1].
      rng: source of the place.
      frames: length of the piece.

    Returns:
      `mel` float32 [f, frames].
    """
    start = int(rng.integers(0, max(1, mel.shape[1] - frames + 1)))
    clip = mel[:, start : start + frames].astype(np.float32)
    return {"mel": np.pad(clip, ((0, 0), (0, frames - clip.shape[1])))}


def sound_piece(
    sound: tuple[Float[np.ndarray, "n"], Float[np.ndarray, "f t"]], rng: np.random.Generator, *, frames: int, hop: int
) -> dict[str, Any]:
    """Cuts a piece of a log-mel with its sound, loud places more often: half of the pieces begin before an attack.

    Args:
      sound: waveform in [-1, 1] and log-mel in [0, 1] of a recording.
      rng: source of the place.
      frames: length of the piece.
      hop: samples a frame.

    Returns:
      `mel` float32 [f, frames] and `wav` float32 [frames * hop].
    """
    wav, mel = sound
    last = max(0, len(wav) // hop - frames)
    start = int(rng.integers(0, last + 1))
    if rng.random() < 0.5:
        rise = np.maximum(np.diff(mel.astype(np.float32).mean(axis=0), prepend=1.0), 0.0)[: last + 1] ** 2
        if rise.sum() > 0:
            start = max(0, int(rng.choice(len(rise), p=rise / rise.sum())) - int(rng.integers(frames)))
    cut = wav[start * hop : (start + frames) * hop].astype(np.float32)
    clip = mel[:, start : start + frames].astype(np.float32)
    return {
        "mel": np.pad(clip, ((0, 0), (0, frames - clip.shape[1]))),
        "wav": np.pad(cut, (0, frames * hop - len(cut))),
    }


def onset_clip(heard: Heard, rng: np.random.Generator, *, frames: int) -> dict[str, Any]:
    """Cuts colour frames and marks those in which an onset falls (Du et al. 2023, section 4.2).

    Args:
      heard: the recording; a shorter one is held on its last frame.
      rng: source of the place and of the alterations.
      frames: length of the clip.

    Returns:
      `frames` and `view` as `clip_arrays` makes them, and `onset` float32 [t], 0 or 1.
    """
    record = heard.record
    start = int(rng.integers(0, max(1, len(record["frames"]) - frames + 1)))
    places = clip_places(start / record["fps"], record["fps"], len(record["frames"]), frames)
    onset = np.zeros(frames, np.float32)
    marked = np.floor(heard.onset_s[heard.weight >= 0.5] * record["fps"]).astype(int) - start
    onset[marked[(marked >= 0) & (marked < frames)]] = 1.0
    return {**clip_arrays(frames_at(record["frames"], places), rng), "onset": onset}

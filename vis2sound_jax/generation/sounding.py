"""Sounds log-mels of any length in windows of one length: one program, and memory that does not grow with the film."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, PRNGKeyArray

from vis2sound_jax import large
from vis2sound_jax.audio.joining import window_starts
from vis2sound_jax.audio.synthesis import Vocoder

WINDOW_FRAMES = 256
OVERLAP_FRAMES = 32
_EDGE_FRAMES = 4  # a vocoder hears less context this near to the end of a window
_FADE = 512  # samples of a seam


def sound_in_windows(
    vocoder: Vocoder,
    logmel: Float32[np.ndarray, "f t"],
    hop: int,
    key: PRNGKeyArray,
    *,
    out: Float32[np.ndarray, "n"] | None = None,
) -> Float32[np.ndarray, "n"]:
    """Turns a log-mel into sound, window by window.

    Where two windows overlap, their sounds have phases of their own. They are joined at the quietest moment of the
    overlap, by a fade of a fiftieth of a second.

    Args:
      vocoder: takes [b, f, t] in [0, 1] and a key.
      logmel: of the whole film, in [0, 1].
      hop: samples a frame.
      key: random key; every window gets one of its own.
      out: where to put the sound, silent and at most t * hop samples long; by default a new array of t * hop.

    Returns:
      The sound in [-1, 1].
    """
    t = logmel.shape[1]
    out = large.zeros((t * hop,)) if out is None else out
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(_FADE) + 0.5) / _FADE)).astype(np.float32)
    end = 0
    for number, start in enumerate(window_starts(t, WINDOW_FRAMES, OVERLAP_FRAMES)):
        cut = logmel[:, start : start + WINDOW_FRAMES]
        shown = np.pad(cut, ((0, 0), (0, WINDOW_FRAMES - cut.shape[1])))[None]
        wav = np.asarray(vocoder(jnp.asarray(shown), jax.random.fold_in(key, number)))[0, : cut.shape[1] * hop]
        first = 0
        if start:
            first = _quietest(logmel[:, start + _EDGE_FRAMES : end - _EDGE_FRAMES]) + _EDGE_FRAMES
            first = first * hop - _FADE // 2
            seam = out[start * hop + first : start * hop + first + _FADE]
            seam[:] = seam * (1 - rise[: len(seam)]) + wav[first : first + len(seam)] * rise[: len(seam)]
            first += _FADE
        place = out[start * hop + first : start * hop + len(wav)]
        place[:] = wav[first : first + len(place)]
        end = start + cut.shape[1]
        large.let_go(out)
    return out


def _quietest(logmel: np.ndarray) -> int:
    """The frame at which all bands together are least loud, the first of equals."""
    return int(np.argmin(logmel.mean(axis=0)))

"""Sound on the clock of film frames: what is heard at a few moments of every frame."""

import numpy as np
from jaxtyping import Float, Float32

MOMENTS = 4
"""Looks at the sound a frame of film: 100 a second at 25 frames."""


def sound_at_frames(
    mel: Float[np.ndarray, "f n"], hop_s: float, fps: float, start_s: float, frames: int, *, first: int = 0
) -> Float32[np.ndarray, "t m f"]:
    """Looks up a sound at the moments of film frames.

    Args:
      mel: log-mel in [0, 1]; column k is at k * hop_s.
      hop_s: time between columns in seconds.
      fps: rate of the film.
      start_s: time in the sound at which the film's first frame begins; may be negative.
      frames: number of frames.
      first: number of the frame to begin with.

    Returns:
      [frames, 4, f] values, interpolated in time; beyond the sound the nearest column.
    """
    at_s = start_s + (np.arange(first * MOMENTS, (first + frames) * MOMENTS) + 0.5) / (MOMENTS * fps)
    position = np.clip(at_s / hop_s, 0, mel.shape[1] - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, mel.shape[1] - 1)
    share = (position - low).astype(np.float32)
    rows = mel[:, low].astype(np.float32) * (1 - share) + mel[:, high].astype(np.float32) * share
    return np.ascontiguousarray(rows.T).reshape(frames, MOMENTS, -1)

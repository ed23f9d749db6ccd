"""What the network of Visually Indicated Sounds sees of a film: space-time images, and clips around an impact."""

import math

import numpy as np
from jaxtyping import Array, Num

CLIP_FRAMES = 15
"""Frames of a clip around an impact, half a second (Owens et al. 2016, section 5)."""


def spacetime_images(grey: Num[Array | np.ndarray, "t h w"]) -> Num[Array | np.ndarray, "t h w 3"]:
    """Puts the previous, the current and the next grey frame into three channels (Owens et al. 2016, section 5).

    Args:
      grey: frames, an array of numpy or of jax; traced ones, too.

    Returns:
      An array of the same kind; the first and the last frame are their own neighbours.
    """
    t = grey.shape[0]
    neighbours = np.clip(np.arange(t)[:, None] + np.array([-1, 0, 1]), 0, max(t - 1, 0))
    return grey[neighbours].transpose(0, 2, 3, 1)


def centred_frames(time_s: float, fps: float, frames: int = CLIP_FRAMES) -> int:
    """Finds where a clip begins whose middle frame shows a moment.

    Frame k is on the screen from k / fps until (k + 1) / fps seconds.

    Args:
      time_s: the moment, in seconds.
      fps: frames per second.
      frames: length of the clip; its frame frames // 2 is the middle one.

    Returns:
      The first frame; it is negative, or the clip too long for the film, where the moment is near an end.
    """
    # A moment given as k / fps may lie a rounding error before frame k.
    return math.floor(time_s * fps + 1e-6) - frames // 2

"""What any onset detector must beat: random times that know the count, and peaks of motion that stops."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8


def random_events(
    counts: Sequence[int], spans_s: Sequence[tuple[float, float]], seed: int = 0
) -> list[tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]]:
    """Chance: uniform times in the annotated span, with the true number of events and random confidence.

    Args:
      counts: the true number of events of each clip.
      spans_s: the annotated part of each clip, (start, end) in seconds.
      seed: the same seed gives the same events.

    Returns:
      (times in seconds, confidence in [0, 1)) for each clip.
    """
    rng = np.random.default_rng(seed)
    events = []
    for count, (start, end) in zip(counts, spans_s, strict=True):
        events.append((np.sort(rng.uniform(start, end, count)), rng.uniform(size=count)))
    return events


def motion_peaks(
    frames_grey: UInt8[np.ndarray, "t h w"], fps: float
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Finds where motion stops: the cheapest video onset detector that works.

    Motion is the mean absolute difference of successive frames. An impact ends a movement, so its mark is a
    fall of motion over two frames; the local maxima of that fall are the events.

    Args:
      frames_grey: grey frames, 0..255.
      fps: frames per second.

    Returns:
      Times in seconds (of the frame after which motion falls) and confidence: the fall over the clip's mean
      motion.
    """
    if frames_grey.shape[0] < 4:
        return np.zeros(0), np.zeros(0)
    motion = np.array(
        [
            np.abs(after.astype(np.int16) - before).mean()
            for before, after in zip(frames_grey[:-1], frames_grey[1:], strict=True)
        ]
    )
    padded = np.pad(motion, 2, mode="edge")
    before = (padded[1:-3] + padded[2:-2]) / 2  # mean motion of steps i - 1 and i
    after = (padded[3:-1] + padded[4:]) / 2  # of steps i + 1 and i + 2
    fall = np.maximum(before - after, 0.0)
    left = np.concatenate([[0.0], fall[:-1]])
    right = np.concatenate([fall[1:], [0.0]])
    peaks = np.flatnonzero((fall > left) & (fall >= right) & (fall > 0))
    return (peaks + 1) / fps, fall[peaks] / max(float(motion.mean()), 1e-6)

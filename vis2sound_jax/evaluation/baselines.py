"""What any onset detector must beat: random times that know the count, and peaks of motion that stops."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from vis2sound_jax.video.motion import stops_of_motion


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

    Motion is the mean absolute difference of successive frames; see `video.motion.stops_of_motion`.

    Args:
      frames_grey: grey frames, 0..255.
      fps: frames per second.

    Returns:
      Times in seconds (of the frame after which motion falls) and confidence: the fall over the clip's mean
      motion.
    """
    if frames_grey.shape[0] < 4:
        return np.zeros(0), np.zeros(0)
    steps = zip(frames_grey[:-1], frames_grey[1:], strict=True)
    motion = np.array([0.0, *(np.abs(after.astype(np.int16) - before).mean() for before, after in steps)])
    times_s, falls = stops_of_motion(motion, fps)
    return times_s, falls / max(float(motion[1:].mean()), 1e-6)

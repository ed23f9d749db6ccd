"""Events in a curve: from a video encoder's onset probability per frame to times with confidence."""

import numpy as np
import scipy.signal
from jaxtyping import Float

_GAP_S = 0.12


def onsets_from_probability(
    probability: Float[np.ndarray, " t"], fps: float
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Finds the local maxima of an onset curve.

    Args:
      probability: [t] in [0, 1]; frame k stands for the time (k + 0.5) / fps.
      fps: frames per second.

    Returns:
      Times in seconds, ascending, at least 0.12 s apart and placed between frames by a parabola, and the
      curve's value at each as its confidence.
    """
    curve = np.asarray(probability, float)
    peaks, _ = scipy.signal.find_peaks(np.pad(curve, 1), distance=max(1, int(np.ceil(_GAP_S * fps))))
    peaks = peaks - 1
    padded = np.pad(curve, 1, mode="edge")
    before, here, after = padded[peaks], padded[peaks + 1], padded[peaks + 2]
    bend = np.minimum(before - 2 * here + after, -1e-9)
    offset = np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
    return (peaks + 0.5 + offset) / fps, here

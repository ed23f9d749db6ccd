"""Chooses among takes: the one whose audible onsets agree best with the onsets seen in the picture.

The choice sees the video encoder's onsets and the sound, never an annotation, so it may be used on a test
set.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.onsets import onset_events

_WIDTH_S = 0.04  # at this distance two events still agree by 78 %, at 0.1 s by 21 %


def agreement(
    wav: Float32[np.ndarray, "n"],
    rate_hz: int,
    video_onsets: tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]],
) -> float:
    """Cosine similarity of two trains of bell-shaped events: heard and seen.

    Both event lists, weighted by their confidence, are taken as sums of Gaussians of 40 ms; their inner
    product has the closed form `sum_ij u_i v_j exp(-(t_i - s_j)^2 / (4 w^2))`. No threshold is needed: weak
    events weigh little, and missed events cost as much as events too many.

    Args:
      wav: the take, in [-1, 1].
      rate_hz: its sample rate.
      video_onsets: (times in seconds, confidence) of the events seen.

    Returns:
      Agreement in [0, 1]; 1 also where nothing is seen and nothing is heard.
    """
    heard, seen = onset_events(wav, rate_hz), video_onsets
    energies = _inner(heard, heard), _inner(seen, seen)
    if min(energies) <= 0.0:
        return float(max(energies) <= 0.0)
    return float(min(_inner(heard, seen) / np.sqrt(energies[0] * energies[1]), 1.0))


def choose_take(
    takes: Sequence[Float32[np.ndarray, "n"]],
    rate_hz: int,
    video_onsets: tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]],
) -> int:
    """Ranks takes by agreement.

    Args:
      takes: at least one take.
      rate_hz: their sample rate.
      video_onsets: (times in seconds, confidence) of the events seen.

    Returns:
      Index of the best take, the first of equals.
    """
    return int(np.argmax([agreement(take, rate_hz, video_onsets) for take in takes]))


def _inner(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    (times_a, weight_a), (times_b, weight_b) = a, b
    distance = np.subtract.outer(np.asarray(times_a, float), np.asarray(times_b, float))
    return float(np.asarray(weight_a, float) @ np.exp(-((distance / (2.0 * _WIDTH_S)) ** 2)) @ weight_b)

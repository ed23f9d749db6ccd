"""Chooses among takes: by the offset that a scorer of synchronisation finds, or by agreement with the onsets seen.

The choice sees what the video encoder sees and the sound, never an annotation, so it may be used on a test set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.onsets import onset_events

_WIDTH_S = 0.04  # at this distance two events still agree by 78 %, at 0.1 s by 21 %
_ROUNDING_S = 1e-6
_REACH_S = 1.0  # at this distance two events have nothing in common: exp(-156)
_AT_ONCE = 1 << 20  # pairs of events whose distances are computed at once
_PIECES = 1 << 13


@dataclass(frozen=True)
class Ranking:
    """Takes in order, and why.

    Attributes:
      offset_s: [n] how late each take's sound seems to be, in seconds.
      confidence: [n] probability of that offset, in [0, 1].
      accepted: [n] whether the offset is small enough.
      order: [n] indices of the takes, the best first.
    """

    offset_s: np.ndarray
    confidence: np.ndarray
    accepted: np.ndarray
    order: np.ndarray

    @property
    def best(self) -> int:
        """Index of the best take; it may be one that was not accepted, where none was."""
        return int(self.order[0])


def offset_probability(logits: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Turns a scorer's logits into probabilities of offsets; what is missing to 1 is that the sound is unrelated.

    Before anything is seen, half of all sounds are thought unrelated, as `tasks.sync` has it.
    """
    unrelated = np.full((len(logits), 1), np.log(logits.shape[1]))
    every = np.concatenate([np.asarray(logits, float), unrelated], axis=1)
    odds = np.exp(every - every.max(axis=1, keepdims=True))
    return odds[:, :-1] / odds.sum(axis=1, keepdims=True)


def rank_takes(
    logits: Float[np.ndarray, "n k"],
    step_s: float,
    tolerance_s: float,
    scores: Float[np.ndarray, "n"] | None = None,
) -> Ranking:
    """Orders takes by how well they keep time, after the re-ranking of Du et al. 2023.

    A take is accepted if its likeliest offset is within the tolerance. Accepted takes come first, the least offset
    leading and confidence deciding among equals; then the others by confidence alone. The released code knows the
    tolerance, but takes the last sample where no take meets it.

    An offset does not tell a take that misses or adds events from one that does not. Agreement with the onsets seen
    does, and likeness tells one that sounds like the example: where scores are given, they order the accepted takes.

    Args:
      logits: evidence for the offsets (c - k // 2) * step_s of class c; k is odd.
      step_s: time between classes in seconds.
      tolerance_s: the greatest offset of an accepted take in seconds.
      scores: of each take, such as its `agreement`, the more the better; None orders by offset and confidence, the
        published rule.

    Returns:
      The ranking, the first of equals first.
    """
    probability = offset_probability(logits)
    found = probability.argmax(axis=1)
    offset_s = (found - logits.shape[1] // 2) * step_s
    confidence = probability[np.arange(len(found)), found]
    accepted = np.abs(offset_s) <= tolerance_s + _ROUNDING_S
    distance = np.abs(found - logits.shape[1] // 2) if scores is None else -np.asarray(scores, float)
    worst = np.where(accepted, distance, np.inf)
    return Ranking(offset_s, confidence, accepted, np.lexsort((-confidence, worst)))


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
    (times_a, weight_a), (times_b, weight_b) = ([np.asarray(x, float) for x in pair] for pair in (a, b))
    if len(times_a) * len(times_b) <= _AT_ONCE:
        return _inner_of(times_a, weight_a, times_b, weight_b)
    # Of long films, a piece at a time beside what lies near it.
    total, step = 0.0, max(_AT_ONCE // _PIECES, 1)
    for k in range(0, len(times_a), step):
        piece = slice(k, k + step)
        low, high = np.searchsorted(times_b, [times_a[piece][0] - _REACH_S, times_a[piece][-1] + _REACH_S])
        total += _inner_of(times_a[piece], weight_a[piece], times_b[low:high], weight_b[low:high])
    return total


def _inner_of(times_a: np.ndarray, weight_a: np.ndarray, times_b: np.ndarray, weight_b: np.ndarray) -> float:
    distance = np.subtract.outer(times_a, times_b)
    return float(weight_a @ np.exp(-((distance / (2.0 * _WIDTH_S)) ** 2)) @ weight_b)

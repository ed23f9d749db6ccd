"""Which predicted onset is which true one: one-to-one matching inside the annotated span.

How a prediction is judged, in every corrected score:

* Reference times outside the annotated span `[start, end)` are dropped.
* A prediction within one window of a border of the span, on either side, may match a reference inside. If
  it matches nothing it is dropped: its true event may lie in the part that nobody annotated. A prediction
  further outside is dropped before matching; one further inside that matches nothing is a false alarm.
* One reference is matched by at most one prediction and the other way round. A distance equal to the window
  still counts, as in `mir_eval.onset`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

Span = tuple[float, float]

# Distances such as 1.1 - 1.0 exceed 0.1 in binary; an exact comparison would punish the rounding.
_ROUNDING_S = 1e-9


@dataclass(frozen=True)
class OnsetClip:
    """One clip's events: what is known and what was predicted.

    Attributes:
      reference_s: [r] times of the annotated events, in seconds of the clip.
      predicted_s: [p] times of the predicted events, in seconds of the clip.
      confidence: [p] confidence of each prediction, any monotone scale.
      span_s: the annotated part, (start, end) in seconds; None where all of the clip is annotated.
    """

    reference_s: np.ndarray
    predicted_s: np.ndarray
    confidence: np.ndarray
    span_s: Span | None = None


def trim_to_span(clip: OnsetClip, window_s: float) -> tuple[OnsetClip, Bool[np.ndarray, "p"]]:
    """Drops what the annotation cannot judge and sorts both sides by time.

    Args:
      clip: the clip's events.
      window_s: half width of the matching window, in seconds.

    Returns:
      The clip with references inside the span and predictions inside the span widened by one window, and a
      mask [p] of the predictions within one window of a border, which are dropped where they match nothing.
    """
    reference = np.sort(np.asarray(clip.reference_s, np.float64))
    predicted = np.asarray(clip.predicted_s, np.float64)
    confidence = np.asarray(clip.confidence, np.float64)
    if predicted.shape != confidence.shape:
        raise ValueError(f"{predicted.size} predicted times but {confidence.size} confidences; give one of each")
    order = np.argsort(predicted, kind="stable")
    predicted, confidence = predicted[order], confidence[order]
    if clip.span_s is None:
        return OnsetClip(reference, predicted, confidence), np.zeros(predicted.shape, bool)
    start, end = clip.span_s
    keep = (predicted >= start - window_s) & (predicted < end + window_s)
    predicted, confidence = predicted[keep], confidence[keep]
    borderline = (predicted < start + window_s) | (predicted >= end - window_s)
    inside = reference[(reference >= start) & (reference < end)]
    return OnsetClip(inside, predicted, confidence, clip.span_s), borderline


def match_optimal(
    reference_s: Float[np.ndarray, "r"], predicted_s: Float[np.ndarray, "p"], window_s: float
) -> Bool[np.ndarray, "p"]:
    """Matches the largest possible number of pairs, one to one, within the window.

    On a line, taking the earliest prediction that can still serve the earliest open reference is optimal,
    so this equals the bipartite matching of `mir_eval.onset.f_measure` at a fraction of its time.

    Args:
      reference_s: sorted reference times, in seconds.
      predicted_s: sorted predicted times, in seconds.
      window_s: half width of the matching window, in seconds.

    Returns:
      True where the prediction is matched.
    """
    hit = np.zeros(predicted_s.shape, bool)
    r = p = 0
    while r < reference_s.size and p < predicted_s.size:
        gap = predicted_s[p] - reference_s[r]
        if abs(gap) <= window_s + _ROUNDING_S:
            hit[p] = True
            r, p = r + 1, p + 1
        elif gap < 0:
            p += 1
        else:
            r += 1
    return hit


def match_by_confidence(
    reference_s: Float[np.ndarray, "r"],
    predicted_s: Float[np.ndarray, "p"],
    confidence: Float[np.ndarray, "p"],
    window_s: float,
) -> Bool[np.ndarray, "p"]:
    """Lets the most confident prediction choose first: each takes the nearest open reference in the window.

    The matching at any threshold is then the head of one matching, which a precision-recall curve needs.
    Equal confidences choose in order of time.

    Args:
      reference_s: reference times, in seconds.
      predicted_s: predicted times, in seconds, sorted.
      confidence: confidence of each prediction.
      window_s: half width of the matching window, in seconds.

    Returns:
      True where the prediction is matched.
    """
    hit = np.zeros(predicted_s.shape, bool)
    open_ = np.ones(reference_s.shape, bool)
    for p in np.argsort(-confidence, kind="stable"):
        distance = np.where(open_, np.abs(reference_s - predicted_s[p]), np.inf)
        if distance.size and distance.min() <= window_s + _ROUNDING_S:
            open_[np.argmin(distance)] = False
            hit[p] = True
    return hit

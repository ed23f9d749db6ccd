"""Corrected onset scores over a test set: misses in every denominator, counts pooled over clips.

How predictions are matched and what the annotated span does is said in `onset_matching`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from vis2sound_jax.evaluation.onset_matching import (
    OnsetClip,
    match_by_confidence,
    match_optimal,
    trim_to_span,
)


class Ranked(NamedTuple):
    """A clip's judged predictions: all that pooled average precision needs.

    Attributes:
      confidence: [p] confidence of each prediction that counts.
      hit: [p] True where it matched a reference one to one.
      n_reference: number of references in the span.
    """

    confidence: np.ndarray
    hit: np.ndarray
    n_reference: int


class Counts(NamedTuple):
    """Hits, predictions that count, and references: one number each, or one row over thresholds."""

    hits: np.ndarray
    predicted: np.ndarray
    reference: np.ndarray


class Rates(NamedTuple):
    """F1, precision and recall, each in [0, 1]."""

    f1: float
    precision: float
    recall: float


def rank_clip(clip: OnsetClip, window_s: float) -> Ranked:
    """Judges one clip's predictions for average precision.

    Args:
      clip: the clip's events.
      window_s: half width of the matching window, in seconds.

    Returns:
      Confidence and hit of every prediction that counts, and the number of references.
    """
    clip, borderline = trim_to_span(clip, window_s)
    hit = match_by_confidence(clip.reference_s, clip.predicted_s, clip.confidence, window_s)
    counts = hit | ~borderline
    return Ranked(clip.confidence[counts], hit[counts], int(clip.reference_s.size))


def average_precision(confidence: Float[np.ndarray, "p"], hit: Bool[np.ndarray, "p"], n_reference: int) -> float:
    """Area under the precision-recall curve, with recall over ALL references.

    `AP = sum_k (R_k - R_(k-1)) P_k` over the distinct confidences in descending order, without
    interpolation; predictions of equal confidence enter together. References that nobody predicted keep
    recall below 1 and so cost what they should: nothing predicted scores 0.

    Args:
      confidence: confidence of each judged prediction, of one clip or of many.
      hit: True where the prediction is matched.
      n_reference: number of references, matched or not.

    Returns:
      AP in [0, 1]; NaN where there is no reference, since nothing can be recalled.
    """
    if n_reference == 0:
        return float("nan")
    if confidence.size == 0:
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(hit[order])
    ends = np.append(np.flatnonzero(np.diff(confidence[order])), confidence.size - 1)
    recall = np.diff(hits[ends] / n_reference, prepend=0.0)
    return float(np.sum(recall * hits[ends] / (ends + 1)))


def pooled_average_precision(clips: Sequence[OnsetClip], window_s: float) -> float:
    """AP over a whole test set: all clips' predictions in one ranking, matched inside their own clip.

    Args:
      clips: the test set.
      window_s: half width of the matching window, in seconds.

    Returns:
      AP in [0, 1], NaN where no clip has a reference.
    """
    ranked = [rank_clip(clip, window_s) for clip in clips]
    confidence = np.concatenate([np.zeros(0), *(r.confidence for r in ranked)])
    hit = np.concatenate([np.zeros(0, bool), *(r.hit for r in ranked)])
    return average_precision(confidence, hit, sum(r.n_reference for r in ranked))


def count_hits(clip: OnsetClip, window_s: float, thresholds: Float[np.ndarray, "k"]) -> Counts:
    """Counts the optimal one-to-one matches of one clip at each threshold.

    Args:
      clip: the clip's events.
      window_s: half width of the matching window, in seconds.
      thresholds: a prediction counts at a threshold where its confidence reaches it.

    Returns:
      Counts with one entry per threshold.
    """
    clip, borderline = trim_to_span(clip, window_s)
    hits, predicted = np.zeros(thresholds.shape, np.int64), np.zeros(thresholds.shape, np.int64)
    for k, threshold in enumerate(thresholds):
        chosen = clip.confidence >= threshold
        hit = match_optimal(clip.reference_s, clip.predicted_s[chosen], window_s)
        hits[k] = hit.sum()
        predicted[k] = (hit | ~borderline[chosen]).sum()
    return Counts(hits, predicted, np.full(thresholds.shape, clip.reference_s.size, np.int64))


def rates(counts: Counts) -> Rates:
    """F1, precision and recall from pooled counts; an empty denominator gives 0.

    Args:
      counts: hits, predictions and references, one number each.

    Returns:
      The three rates.
    """
    hits, predicted, reference = (float(np.sum(x)) for x in counts)
    return Rates(2.0 * hits / max(predicted + reference, 1.0), hits / max(predicted, 1.0), hits / max(reference, 1.0))


def onset_rates(clips: Sequence[OnsetClip], window_s: float, *, threshold: float = -np.inf) -> Rates:
    """F1, precision and recall of a test set at one threshold, counts pooled over all clips.

    Args:
      clips: the test set.
      window_s: half width of the matching window, in seconds.
      threshold: least confidence of a prediction; by default all count.

    Returns:
      The three rates.
    """
    per_clip = [count_hits(clip, window_s, np.array([threshold])) for clip in clips]
    return rates(Counts(*(np.sum(column) for column in zip(*per_clip, strict=True))))


def candidate_thresholds(clips: Sequence[OnsetClip], limit: int = 64) -> Float[np.ndarray, "k"]:
    """The confidences at which F1 is tried: every distinct one, or evenly spread quantiles of them.

    Args:
      clips: the test set.
      limit: greatest number of thresholds.

    Returns:
      Ascending thresholds; one infinite threshold where nothing is predicted.
    """
    distinct = np.unique(np.concatenate([np.zeros(0), *(np.asarray(c.confidence, np.float64) for c in clips)]))
    if distinct.size == 0:
        return np.array([np.inf])
    return distinct[np.unique(np.linspace(0, distinct.size - 1, min(limit, distinct.size)).astype(int))]


def best_rates(clips: Sequence[OnsetClip], window_s: float) -> tuple[Rates, float]:
    """The best pooled F1 over thresholds, one threshold for the whole test set.

    The threshold is chosen on the test set itself: an upper bound of what a user will see, to be quoted as
    such.

    Args:
      clips: the test set.
      window_s: half width of the matching window, in seconds.

    Returns:
      The rates at the best threshold, and that threshold.
    """
    thresholds = candidate_thresholds(clips)
    per_clip = [count_hits(clip, window_s, thresholds) for clip in clips]
    totals = Counts(*(np.sum(column, axis=0) for column in zip(*per_clip, strict=True)))
    tried = [rates(Counts(*(column[k] for column in totals))) for k in range(thresholds.size)]
    best = max(range(thresholds.size), key=lambda k: tried[k].f1)
    return tried[best], float(thresholds[best])


def counts_agree(clip: OnsetClip, threshold: float = -np.inf) -> bool:
    """Whether a clip has as many predictions as references in its span: CondFoleyGen's "#onset accuracy".

    Args:
      clip: the clip's events.
      threshold: least confidence of a prediction; by default all count.

    Returns:
      True where the two numbers are equal.
    """
    trimmed, _ = trim_to_span(clip, 0.0)
    return int(np.sum(trimmed.confidence >= threshold)) == trimmed.reference_s.size


def count_match(clips: Sequence[OnsetClip], *, threshold: float = -np.inf) -> float:
    """The share of clips with the right number of onsets, wherever they lie.

    Args:
      clips: the test set, not empty.
      threshold: least confidence of a prediction; by default all count.

    Returns:
      A share in [0, 1].
    """
    return float(np.mean([counts_agree(clip, threshold) for clip in clips]))


def reference_counts(clips: Sequence[OnsetClip]) -> Int[np.ndarray, "clips"]:
    """The number of references inside each clip's span.

    Args:
      clips: the test set.

    Returns:
      One count per clip.
    """
    return np.array([trim_to_span(clip, 0.0)[0].reference_s.size for clip in clips], np.int64)

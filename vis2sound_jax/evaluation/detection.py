"""Onset metrics with intervals: for detectors on film and for the onsets heard in generated sounds."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from vis2sound_jax.evaluation.baselines import random_events
from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler
from vis2sound_jax.evaluation.onset_matching import OnsetClip, Span
from vis2sound_jax.evaluation.onset_scores import (
    best_rates,
    candidate_thresholds,
    count_hits,
    counts_agree,
    rank_clip,
    reference_counts,
)

WINDOWS_S = (0.1, 0.05)
_UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))
_NAMES = ("onset_ap", "onset_best_f1", "onset_f1", "onset_precision", "onset_recall")
THRESHOLD_NOTE = "F1 and the right count are at the threshold of each row's best F1 on these very films."
"""What a reader of a table by `detection_table` without thresholds must know."""
RANDOM_ROW = "random times, true count"
_ALL = np.array([-np.inf])


def onset_metrics(
    clips: Sequence[OnsetClip], decided_s: Sequence[Float[np.ndarray, "p"]], resampler: Resampler
) -> dict[str, Estimate]:
    """Scores one row of an onset table.

    Args:
      clips: per item, the references and every candidate event with its confidence, for AP and best F1.
      decided_s: per item, the times of the events that the detector stands by, for F1 and the count.
      resampler: draws over the recordings of these items.

    Returns:
      By name, for each window (`_100ms`, `_50ms`): onset_ap, onset_best_f1 (threshold chosen on the test
      set), onset_f1, onset_precision, onset_recall; and count_match. All NaN without items:
      of recordings that nobody annotated nothing can be told.
    """
    if not clips:
        named = [f"{name}_{round(window_s * 1000)}ms" for window_s in WINDOWS_S for name in _NAMES]
        return dict.fromkeys([*named, "count_match"], _UNKNOWN)
    decided = [
        OnsetClip(clip.reference_s, times, np.ones(len(times)), clip.span_s)
        for clip, times in zip(clips, decided_s, strict=True)
    ]
    thresholds = candidate_thresholds(clips)
    metrics: dict[str, Estimate] = {}
    for window_s in WINDOWS_S:
        suffix = f"_{round(window_s * 1000)}ms"
        metrics["onset_ap" + suffix] = resampler.pooled_ap([rank_clip(clip, window_s) for clip in clips])
        tried = [count_hits(clip, window_s, thresholds) for clip in clips]
        metrics["onset_best_f1" + suffix] = resampler.f1(tried)
        fixed = [count_hits(clip, window_s, _ALL) for clip in decided]
        hits, predicted, reference = ([int(c[k][0]) for c in fixed] for k in range(3))
        metrics["onset_f1" + suffix] = resampler.f1(fixed)
        metrics["onset_precision" + suffix] = resampler.ratio(hits, predicted)
        metrics["onset_recall" + suffix] = resampler.ratio(hits, reference)
    agree = [float(counts_agree(clip)) for clip in decided]
    metrics["count_match"] = resampler.ratio(agree, np.ones(len(agree)).tolist())
    return metrics


def detection_table(
    references_s: Sequence[Float[np.ndarray, "r"]],
    spans_s: Sequence[Span],
    recordings: Sequence[str],
    predictions: Mapping[str, Sequence[tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"]]]],
    *,
    thresholds: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """Compares onset detectors on the same recordings; adds chance as a last row.

    Args:
      references_s: annotated times of each recording, in seconds.
      spans_s: annotated part of each recording, in seconds.
      recordings: name of each recording, the unit of the bootstrap.
      predictions: for each detector, (times in seconds, confidence) of each recording.
      thresholds: the confidence from which a detector stands by an event. Detectors without one get the
        threshold of their best F1 at 0.1 s on this very set.
      seed: of the bootstrap and of chance.

    Returns:
      Metrics by detector and name.
    """
    resampler = Resampler.over(recordings, seed=seed)
    empty = [OnsetClip(r, np.zeros(0), np.zeros(0), span) for r, span in zip(references_s, spans_s, strict=True)]
    rows = dict(predictions)
    rows[RANDOM_ROW] = random_events(reference_counts(empty).tolist(), spans_s, seed)
    table = {}
    for name, events in rows.items():
        clips = [
            OnsetClip(clip.reference_s, times, confidence, clip.span_s)
            for clip, (times, confidence) in zip(empty, events, strict=True)
        ]
        given = (thresholds or {}).get(name)
        least = best_rates(clips, WINDOWS_S[0])[1] if given is None and clips else given or 0.0
        decided = [np.asarray(clip.predicted_s)[np.asarray(clip.confidence) >= least] for clip in clips]
        table[name] = onset_metrics(clips, decided, resampler)
    del table[RANDOM_ROW]["count_match"]  # it was given the true count
    return table

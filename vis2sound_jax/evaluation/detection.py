"""Onset metrics with intervals: for detectors on film and for the onsets heard in generated sounds.

F1, precision, recall and the right count need a threshold: the confidence from which a detector stands by an event. It
is chosen on validation recordings (`chosen_thresholds`) and never on the films that are scored. Where there are none
with events, these scores have no value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
RANDOM_ROW = "random times, true count"
_UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"))
_RANKED, _DECIDED = ("onset_ap", "onset_best_f1"), ("onset_f1", "onset_precision", "onset_recall")
_ALL = np.array([-np.inf])

Predicted = tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"]]
"""Times in seconds and confidence of what a detector finds in a recording."""


@dataclass(frozen=True)
class Detections:
    """Annotated recordings, and what detectors find in them.

    Attributes:
      recordings: name of each recording, the unit of the bootstrap.
      references_s: its annotated times in seconds.
      spans_s: its annotated part in seconds.
      found: for each detector, what it finds in each recording.
    """

    recordings: Sequence[str]
    references_s: Sequence[Float[np.ndarray, "r"]]
    spans_s: Sequence[Span]
    found: Mapping[str, Sequence[Predicted]] = field(default_factory=dict)

    def clips(self, events: Sequence[Predicted]) -> list[OnsetClip]:
        """Puts what is found beside the annotations.

        Args:
          events: of each recording.

        Returns:
          One clip a recording.
        """
        rows = zip(self.references_s, events, self.spans_s, strict=True)
        return [OnsetClip(times_s, *predicted, span_s) for times_s, predicted, span_s in rows]

    @property
    def n_events(self) -> int:
        """Annotated events inside the spans."""
        nothing = (np.zeros(0), np.zeros(0))
        return int(reference_counts(self.clips([nothing] * len(self.recordings))).sum())


@dataclass(frozen=True)
class Thresholds:
    """The confidence from which each detector stands by an event, and what that was learned from.

    Attributes:
      least: by detector; empty where there were no events to learn from.
      recordings: number of validation recordings.
      events: annotated events in them.
    """

    least: Mapping[str, float] = field(default_factory=dict)
    recordings: int = 0
    events: int = 0

    @property
    def note(self) -> str:
        """What a reader of a table must know of its F1 and counts."""
        on_test = "“Best F1” alone has the threshold of the test films."
        if not self.least:
            why = "the validation recordings have no annotated event" if self.recordings else "there are none"
            return f"F1 and the right count need a threshold from validation recordings, and {why}: no value. {on_test}"
        return (
            "F1 and the right count are at the threshold at which each row has its best F1, ±0.1 s, on validation "
            f"recordings ({self.recordings}, with {self.events} events). {on_test}"
        )

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json: the thresholds (null: finds nothing), and of how many validation recordings and events."""
        least = {row: round(value, 6) if np.isfinite(value) else None for row, value in self.least.items()}
        return {"least": least, "validation_recordings": self.recordings, "validation_events": self.events}


def chosen_thresholds(held: Detections) -> Thresholds:
    """Chooses the threshold of every detector by one rule: the best F1 within 0.1 s on recordings apart from the test.

    Args:
      held: validation recordings with what the detectors find in them.

    Returns:
      The thresholds; none where nothing is annotated. A detector that finds nothing never stands by an event.
    """
    events = held.n_events
    least = {row: best_rates(held.clips(found), WINDOWS_S[0])[1] for row, found in held.found.items() if events}
    return Thresholds(least, len(held.recordings), events)


def onset_metrics(
    clips: Sequence[OnsetClip], decided_s: Sequence[Float[np.ndarray, "p"]] | None, resampler: Resampler
) -> dict[str, Estimate]:
    """Scores one row of an onset table.

    Args:
      clips: per item, the references and every candidate event with its confidence, for AP and best F1.
      decided_s: per item, the times of the events that the detector stands by, for F1 and the count; None where
        nothing tells which.
      resampler: draws over the recordings of these items.

    Returns:
      By name, for each window (`_100ms`, `_50ms`): onset_ap, onset_best_f1 (threshold chosen on the test
      set), onset_f1, onset_precision, onset_recall; and count_match. All NaN without items:
      of recordings that nobody annotated nothing can be told. The last four are NaN where nothing was decided.
    """
    suffixes = [f"_{round(window_s * 1000)}ms" for window_s in WINDOWS_S]
    metrics = {name + suffix: _UNKNOWN for suffix in suffixes for name in (*_RANKED, *_DECIDED)}
    metrics["count_match"] = _UNKNOWN
    if not clips:
        return metrics
    thresholds = candidate_thresholds(clips)
    for window_s, suffix in zip(WINDOWS_S, suffixes, strict=True):
        metrics["onset_ap" + suffix] = resampler.pooled_ap([rank_clip(clip, window_s) for clip in clips])
        tried = [count_hits(clip, window_s, thresholds) for clip in clips]
        metrics["onset_best_f1" + suffix] = resampler.f1(tried)
    return metrics if decided_s is None else metrics | _decided(clips, decided_s, resampler)


def _decided(
    clips: Sequence[OnsetClip], decided_s: Sequence[Float[np.ndarray, "p"]], resampler: Resampler
) -> dict[str, Estimate]:
    """Scores of the events that a detector stands by."""
    decided = [
        OnsetClip(clip.reference_s, times, np.ones(len(times)), clip.span_s)
        for clip, times in zip(clips, decided_s, strict=True)
    ]
    metrics: dict[str, Estimate] = {}
    for window_s in WINDOWS_S:
        suffix = f"_{round(window_s * 1000)}ms"
        fixed = [count_hits(clip, window_s, _ALL) for clip in decided]
        hits, predicted, reference = ([int(c[k][0]) for c in fixed] for k in range(3))
        metrics["onset_f1" + suffix] = resampler.f1(fixed)
        metrics["onset_precision" + suffix] = resampler.ratio(hits, predicted)
        metrics["onset_recall" + suffix] = resampler.ratio(hits, reference)
    agree = [float(counts_agree(clip)) for clip in decided]
    metrics["count_match"] = resampler.ratio(agree, np.ones(len(agree)).tolist())
    return metrics


def detection_table(test: Detections, thresholds: Thresholds, *, seed: int = 0) -> dict[str, dict[str, Estimate]]:
    """Compares onset detectors on the same recordings; adds chance as a last row.

    Args:
      test: the recordings, with what every detector finds.
      thresholds: of the detectors, as `chosen_thresholds` finds them; intervals are those of the test recordings
        with the threshold as it is. A detector without one has no F1 and no count.
      seed: of the bootstrap and of chance.

    Returns:
      Metrics by detector and name. Chance, which knows the true count, stands by all of its events.
    """
    resampler = Resampler.over(test.recordings, seed=seed)
    silent = test.clips([(np.zeros(0), np.zeros(0))] * len(test.recordings))
    rows = dict(test.found)
    rows[RANDOM_ROW] = random_events(reference_counts(silent).tolist(), test.spans_s, seed)
    least = {**thresholds.least, RANDOM_ROW: -np.inf}
    table = {}
    for name, events in rows.items():
        clips, decided = test.clips(events), None
        if name in least:
            decided = [np.asarray(c.predicted_s)[np.asarray(c.confidence) >= least[name]] for c in clips]
        table[name] = onset_metrics(clips, decided, resampler)
    del table[RANDOM_ROW]["count_match"]  # it was given the true count
    return table

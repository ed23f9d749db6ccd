"""Detection of impacts by the protocol of Visually Indicated Sounds, appendix A1.1: AP at 0.1 s.

A prediction is an amplitude peak of the sound made for a whole film, its confidence the peak's amplitude. The
most confident one chooses first, each true impact is found once, and the ranking is pooled over recordings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.evaluation.detection import detection_table
from vis2sound_jax.evaluation.onset_matching import OnsetClip, Span
from vis2sound_jax.evaluation.onset_scores import reference_counts
from vis2sound_jax.systems.vis.scoring.paper import DETECTION_AP

AP = "onset_ap_100ms"


@dataclass(frozen=True)
class DetectionScores:
    """What was found in whole films.

    Attributes:
      rows: by row and metric, the estimate; the paper's measure is `onset_ap_100ms`. The last row is chance.
      paper: by row, the paper's AP in [0, 1], where it has one.
      n_recordings: number of films.
      n_impacts: number of true impacts in their spans.
    """

    rows: dict[str, dict[str, Estimate]]
    paper: dict[str, float]
    n_recordings: int
    n_impacts: int

    def as_dict(self) -> dict[str, Any]:
        """Everything, for metrics.json.

        Returns:
          A JSON-ready nested dictionary.
        """
        return {
            "recordings": self.n_recordings,
            "impacts": self.n_impacts,
            "rows": {row: {name: e.as_dict() for name, e in found.items()} for row, found in self.rows.items()},
            "paper_ap": self.paper,
        }


def evaluate_detection(
    references_s: Sequence[np.ndarray],
    spans_s: Sequence[Span],
    recordings: Sequence[str],
    predictions: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]],
    *,
    seed: int = 0,
) -> DetectionScores:
    """Scores detectors on whole films; adds chance, which knows the number of impacts.

    Args:
      references_s: times of the true impacts of each recording, in seconds.
      spans_s: the part of each recording that they cover, in seconds.
      recordings: name of each recording, the unit of the bootstrap.
      predictions: by row, (times in seconds, confidence) of each recording.
      seed: of the bootstrap and of chance.

    Returns:
      The scores.
    """
    rows = detection_table(references_s, spans_s, recordings, predictions, seed=seed)
    nothing = np.zeros(0)
    clips = [OnsetClip(times, nothing, nothing, span) for times, span in zip(references_s, spans_s, strict=True)]
    return DetectionScores(
        rows=rows,
        paper={row: DETECTION_AP[row] for row in rows if row in DETECTION_AP},
        n_recordings=len(recordings),
        n_impacts=int(reference_counts(clips).sum()),
    )

"""Detection of impacts by the protocol of Visually Indicated Sounds, appendix A1.1: AP at 0.1 s.

A prediction is an amplitude peak of the sound made for a whole film, its confidence the peak's amplitude. The
most confident one chooses first, each true impact is found once, and the ranking is pooled over recordings. F1 and
counts, which the paper does not have, are at thresholds of validation recordings.
"""

from dataclasses import dataclass
from typing import Any

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.evaluation.detection import Detections, Thresholds, detection_table
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
      thresholds: from which confidence each row stands by an impact, and of what validation recordings that is.
    """

    rows: dict[str, dict[str, Estimate]]
    paper: dict[str, float]
    n_recordings: int
    n_impacts: int
    thresholds: Thresholds

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
            "thresholds": self.thresholds.as_dict(),
        }


def evaluate_detection(test: Detections, thresholds: Thresholds, *, seed: int = 0) -> DetectionScores:
    """Scores detectors on whole films; adds chance, which knows the number of impacts.

    Args:
      test: the test recordings with their true impacts and what each row finds; confidence is the amplitude of a peak.
      thresholds: of the rows, from validation recordings.
      seed: of the bootstrap and of chance.

    Returns:
      The scores.
    """
    rows = detection_table(test, thresholds, seed=seed)
    return DetectionScores(
        rows=rows,
        paper={row: DETECTION_AP[row] for row in rows if row in DETECTION_AP},
        n_recordings=len(test.recordings),
        n_impacts=test.n_events,
        thresholds=thresholds,
    )

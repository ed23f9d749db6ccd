"""What a run has decided about events: how sure is sure enough, and what a scratch sounds like."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from vis2sound_jax.errors import file_error
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import Counts, count_hits, rates
from vis2sound_jax.retrieval.sound_kind import WITHOUT_LABELS, SoundKind
from vis2sound_jax.whole import write_json

_FILE = "rule.json"
_WINDOW_S = 0.1
_GRID = np.arange(0.05, 0.96, 0.05)
_NEARLY, _LEAST = 0.01, 1e-6
_DOUBTS, _FEWEST = np.geomspace(1.0, 10.0, 41), 8
_FLOOR, _FULL = 0.35, 1.5  # shares of the threshold


@dataclasses.dataclass(frozen=True)
class EventRule:
    """When an event that is seen is to be heard.

    Attributes:
      threshold: probability at which events seen are scored best on validation recordings.
      kind: tells scratches from hits by their sound.
      doubt: what the logits of kinds seen are divided by, so that a probability is what it says.
    """

    threshold: float = 0.4
    kind: SoundKind = WITHOUT_LABELS
    doubt: float = 1.0

    @property
    def least(self) -> float:
        """Probability below which nothing is heard: about a third of the threshold."""
        return _FLOOR * self.threshold

    def gain(self, confidence: float) -> float:
        """Amplitude factor of an event: what is less sure is softer.

        Args:
          confidence: its probability.

        Returns:
          A factor that reaches 1 at one and a half thresholds.
        """
        return min(confidence / (_FULL * self.threshold), 1.0)

    def doubted(self, probability: float) -> float:
        """Makes a probability of a kind less sure by `doubt`.

        Args:
          probability: as the reader says it.

        Returns:
          The probability whose logit is so much smaller.
        """
        logit = np.log(max(probability, _LEAST)) - np.log(max(1.0 - probability, _LEAST))
        return float(1.0 / (1.0 + np.exp(-logit / self.doubt)))

    def save(self, folder: Path) -> None:
        """Writes it into a folder that is there."""
        write_json(folder / _FILE, dataclasses.asdict(self))

    @classmethod
    def load(cls, folder: Path) -> "EventRule":
        """Reads what `save` wrote.

        Args:
          folder: as given to `save`.

        Raises:
          UserError: if it is broken or missing.
        """
        try:
            values = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            return cls(values["threshold"], SoundKind.from_dict(values["kind"]), values["doubt"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            remedy = "run the stage again with --job=events"
            raise file_error(folder / _FILE, f"cannot be read ({error})", remedy) from error


def best_threshold(clips: Sequence[OnsetClip]) -> float:
    """Chooses the probability from which on events count.

    Args:
      clips: what is annotated and what is seen in whole recordings, none of them a test recording.

    Returns:
      The middle of all thresholds whose F1 within 0.1 s is within 0.01 of the best, so that a few events more or less
      do not move it; 0.4 where nothing is annotated.
    """
    counts = [count_hits(clip, _WINDOW_S, _GRID) for clip in clips]
    if not counts or not sum(float(np.max(one.reference)) for one in counts):
        return EventRule().threshold
    scores = _f1(counts)
    return round(float(_GRID[scores >= scores.max() - _NEARLY].mean()), 3)


def best_doubt(logits: Float[np.ndarray, "k"], scratch: Bool[np.ndarray, "k"]) -> float:
    """Finds by how much kinds that are seen are thought surer than they are (Guo et al. 2017, temperature scaling).

    Args:
      logits: of a scratch, at labelled events of recordings that were not trained on.
      scratch: whether they are scratches.

    Returns:
      The divisor, from 1 to 10, at which the labels are likeliest; 1 where there are fewer than eight.
    """
    if len(logits) < _FEWEST:
        return 1.0
    signed = np.where(scratch, logits, -logits)
    nats = [np.mean(np.logaddexp(0.0, -signed / doubt)) for doubt in _DOUBTS]
    return round(float(_DOUBTS[int(np.argmin(nats))]), 3)


def _f1(counts: Sequence[Counts]) -> Float[np.ndarray, "k"]:
    """F1 at every threshold of `_GRID`, counts pooled over recordings."""
    pooled = [np.sum([one[place] for one in counts], axis=0) for place in range(3)]
    return np.array([rates(Counts(*values)).f1 for values in zip(*pooled, strict=True)])

"""95 % percentile bootstrap over recordings: how far a score would move with other test videos.

Events of one recording share a camera, a room and a material, so recordings are resampled, never events. Each
statistic is computed from records per recording that are gathered once; a draw is then a matrix product, and
pooled average precision is pooled again in every draw.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from vis2sound_jax.evaluation.onset_scores import Counts, Ranked

DRAWS = 1000
_CHUNK = 4_000_000  # weights held at once while AP is pooled again, about 32 MB each


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval; NaN where the test set cannot tell.

    Attributes:
      value: the score on the whole test set.
      low: 2.5 % percentile over resampled recordings.
      high: 97.5 % percentile over resampled recordings.
    """

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float | None]:
        """The estimate for JSON, which has no NaN.

        Returns:
          value, low and high, None where undefined.
        """
        fields = {"value": self.value, "low": self.low, "high": self.high}
        return {name: round(x, 6) if np.isfinite(x) else None for name, x in fields.items()}


@dataclass(frozen=True)
class Resampler:
    """Draws of recordings with replacement, shared by all scores of a test set so that rows compare.

    Attributes:
      index: [items] which recording each item belongs to, in 0..g-1.
      weights: [1 + draws, g] how often each recording is drawn; row 0 is the test set itself.
    """

    index: np.ndarray
    weights: np.ndarray

    @classmethod
    def over(cls, groups: Sequence[Hashable], *, draws: int = DRAWS, seed: int = 0) -> "Resampler":
        """Makes the draws for a test set.

        Args:
          groups: the recording of each item.
          draws: number of resampled test sets.
          seed: the same seed gives the same draws.

        Returns:
          The resampler.
        """
        names: dict[Hashable, int] = {}
        index = np.array([names.setdefault(group, len(names)) for group in groups], np.int64)
        n = max(len(names), 1)
        drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=draws)
        return cls(index, np.concatenate([np.ones((1, n)), drawn.astype(np.float64)]))

    def sums(self, per_item: Float[np.ndarray, "items k"]) -> Float[np.ndarray, "draws k"]:
        """Sums per-item records over each resampled test set.

        Args:
          per_item: one row of additive numbers per item.

        Returns:
          [1 + draws, k] sums.
        """
        per_group = np.zeros((self.weights.shape[1], per_item.shape[1]))
        np.add.at(per_group, self.index, per_item)
        return self.weights @ per_group

    def ratio(self, numerator: Sequence[int | float], denominator: Sequence[int | float]) -> Estimate:
        """A ratio of sums, such as an accuracy or a share.

        Args:
          numerator: one number per item, such as correct events.
          denominator: one number per item, such as all events.

        Returns:
          The estimate, NaN where the denominators sum to 0.
        """
        sums = self.sums(np.stack([np.asarray(numerator, float), np.asarray(denominator, float)], axis=1))
        return estimate(_divide(sums[:, 0], sums[:, 1]))

    def class_mean(self, correct: Int[np.ndarray, "items k"], total: Int[np.ndarray, "items k"]) -> Estimate:
        """Accuracy averaged over classes (VIS section 6), over the classes that a draw contains.

        Args:
          correct: correct events per item and class.
          total: events per item and class.

        Returns:
          The estimate.
        """
        recall = _divide(self.sums(correct.astype(float)), self.sums(total.astype(float)))
        present = np.isfinite(recall)
        return estimate(_divide(np.where(present, recall, 0.0).sum(axis=1), present.sum(axis=1)))

    def pearson(self, pairs: Sequence[Float[np.ndarray, "e 2"]]) -> Estimate:
        """Pearson correlation over all events of all items.

        Args:
          pairs: per item, the (true, generated) value of each event.

        Returns:
          The estimate, NaN where one side does not vary.
        """
        both = np.concatenate([np.zeros((0, 2)), *pairs])
        centre = both.mean(axis=0) if len(both) else np.zeros(2)  # keeps the sums of squares well conditioned
        records = []
        for pair in pairs:
            x, y = (np.asarray(pair, float).reshape(-1, 2) - centre).T
            records.append([x.size, x.sum(), y.sum(), x @ x, y @ y, x @ y])
        n, sx, sy, sxx, syy, sxy = self.sums(np.array(records, float).reshape(-1, 6)).T
        n = np.maximum(n, 1.0)
        variance = np.maximum(sxx - sx**2 / n, 0.0) * np.maximum(syy - sy**2 / n, 0.0)
        return estimate(_divide(sxy - sx * sy / n, np.sqrt(np.where(variance > 1e-18, variance, 0.0))))

    def pooled_ap(self, ranked: Sequence[Ranked]) -> Estimate:
        """Pooled average precision, pooled again in every draw.

        Args:
          ranked: the judged predictions of each item.

        Returns:
          The estimate.
        """
        return estimate(self.pooled_ap_draws(ranked))

    def pooled_ap_draws(self, ranked: Sequence[Ranked]) -> Float[np.ndarray, "draws"]:
        """The values that `pooled_ap` estimates from, to be compared with another row's draw by draw."""
        confidence = np.concatenate([np.zeros(0), *(r.confidence for r in ranked)])
        order = np.argsort(-confidence, kind="stable")
        hit = np.concatenate([np.zeros(0, bool), *(r.hit for r in ranked)])[order]
        group = np.repeat(self.index, [r.hit.size for r in ranked])[order]
        reference = self.sums(np.array([[r.n_reference] for r in ranked], float).reshape(-1, 1))[:, 0]
        if confidence.size == 0:
            return np.where(reference > 0, 0.0, np.nan)
        ends = np.append(np.flatnonzero(np.diff(confidence[order])), confidence.size - 1)
        step = max(_CHUNK // confidence.size, 1)
        values = []
        for start in range(0, len(self.weights), step):
            weight = self.weights[start : start + step, group]
            hits = np.cumsum(weight * hit, axis=1)[:, ends]
            precision = hits / np.maximum(np.cumsum(weight, axis=1)[:, ends], 1.0)
            gain = np.diff(hits, axis=1, prepend=0.0)
            values.append(_divide((gain * precision).sum(axis=1), reference[start : start + step]))
        return np.concatenate(values)

    def f1(self, counts: Sequence[Counts]) -> Estimate:
        """Pooled F1, the best over thresholds where there are several, chosen again in every draw.

        Args:
          counts: per item, counts over the same thresholds.

        Returns:
          The estimate.
        """
        return estimate(self.f1_draws(counts))

    def f1_draws(self, counts: Sequence[Counts]) -> Float[np.ndarray, "draws"]:
        """The values that `f1` estimates from, to be compared with another row's draw by draw."""
        hits, predicted, reference = (
            self.sums(np.array([np.atleast_1d(c[k]) for c in counts], float)) for k in range(3)
        )
        return (2.0 * hits / np.maximum(predicted + reference, 1.0)).max(axis=1)


def estimate(values: Float[np.ndarray, "draws"]) -> Estimate:
    """Turns a statistic on the test set and its draws into an estimate.

    Args:
      values: [1 + draws] the statistic; entry 0 is the whole test set's. Draws without a value are left out.

    Returns:
      The value and its percentile interval, widened where needed so that it contains the value (with few
      recordings a percentile may fall short of it).
    """
    value = float(values[0])
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(value) or drawn.size == 0:
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, min(float(low), value), max(float(high), value))


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator > 0)

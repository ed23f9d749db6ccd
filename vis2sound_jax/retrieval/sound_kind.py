"""Is a piece of sound a hit or a scratch? Nine measures of it, and a rule that is learned or, without labels, given."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

KIND_RATE_HZ = 22_050
"""Rate at which sounds are measured, whatever they were recorded at."""
_HEARD_S = 0.6
_HOP_S = 0.02
_FLOOR_DB = -50.0
_PARTS_S = ((0.0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.5))
_WINDOW = 1024
_TINY, _SILENT = 1e-12, 1e-9
_FEWEST = 8


def kind_features(wav: Float[np.ndarray, "n"], attack: int) -> Float[np.ndarray, "d"]:
    """Measures the sound that begins at an attack.

    Args:
      wav: mono sound at `KIND_RATE_HZ`; it ends where the next sound begins.
      attack: sample of the attack.

    Returns:
      Nine numbers, which do not depend on its level: seconds that hold the middle 85 % of the energy, seconds to the
      loudest moment, mean level of four parts in decibels below it, spectral flatness in decibels, log of the centroid
      in hertz, roughness of the envelope in decibels.
    """
    heard = np.asarray(wav[attack : attack + round(_HEARD_S * KIND_RATE_HZ)], np.float64)
    heard = heard / max(np.abs(heard).max(initial=0.0), _SILENT)
    hop, count = round(_HOP_S * KIND_RATE_HZ), round(_HEARD_S / _HOP_S)
    padded = np.pad(heard, (0, max(count * hop - len(heard), 0)))[: count * hop]
    envelope = np.sqrt(np.mean(padded.reshape(count, hop) ** 2, axis=1))
    level_db = np.maximum(20 * np.log10(np.maximum(envelope, 1e-5) / max(envelope.max(), 1e-5)), _FLOOR_DB)
    parts = [level_db[round(a / _HOP_S) : round(b / _HOP_S)].mean() for a, b in _PARTS_S]
    flatness_db, centroid_hz = _spectrum(heard)
    rough_db = float(np.std(np.diff(level_db[:15])))
    begin_s, end_s = _energy_span(heard)
    peak_s = float(envelope.argmax() * _HOP_S)
    return np.array([end_s - begin_s, peak_s, *parts, flatness_db, np.log1p(centroid_hz), rough_db])


def _energy_span(wav: np.ndarray) -> tuple[float, float]:
    """Seconds at which 5 % and 90 % of the energy have passed."""
    total = np.cumsum(wav**2)
    if not len(wav) or total[-1] <= 0:
        return 0.0, 0.0
    low, high = np.searchsorted(total, [0.05 * total[-1], 0.9 * total[-1]])
    return low / KIND_RATE_HZ, high / KIND_RATE_HZ


def _spectrum(wav: np.ndarray) -> tuple[float, float]:
    """Flatness in decibels, 0 for white noise, and centroid in hertz."""
    padded = np.pad(wav, (0, max(_WINDOW - len(wav), 0)))
    starts = range(0, len(padded) - _WINDOW + 1, _WINDOW // 2)
    cuts = np.stack([padded[start : start + _WINDOW] for start in starts]) * np.hanning(_WINDOW)
    power = np.mean(np.abs(np.fft.rfft(cuts, axis=1)) ** 2, axis=0) + _TINY
    frequency_hz = np.fft.rfftfreq(_WINDOW, 1.0 / KIND_RATE_HZ)
    return float(10 * (np.mean(np.log10(power)) - np.log10(power.mean()))), float(power @ frequency_hz / power.sum())


@dataclasses.dataclass(frozen=True)
class SoundKind:
    """A linear rule on the features.

    Attributes:
      mean: [d] subtracted from the features.
      scale: [d] they are divided by.
      weights: [d] of each.
      bias: added to the sum; above 0 is a scratch.
      learned: whether it was fitted to labels.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    learned: bool = True

    def scratch(self, features: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "k"]:
        """Says how sure it is that sounds are scratches.

        Args:
          features: of each sound; see `kind_features`.

        Returns:
          Probability of each, in [0, 1].
        """
        logit = (np.asarray(features, float) - self.mean) / self.scale @ np.array(self.weights) + self.bias
        return 1.0 / (1.0 + np.exp(-np.clip(logit, -50, 50)))

    def as_dict(self) -> dict[str, Any]:
        """All of it, for a JSON file."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SoundKind":
        """Inverse of `as_dict`."""
        mean, scale, weights = (tuple(values[name]) for name in ("mean", "scale", "weights"))
        return cls(mean, scale, weights, values["bias"], values["learned"])


WITHOUT_LABELS = SoundKind(
    mean=(0.15, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    scale=(0.05, 0.03, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    weights=(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    bias=-2.0,
    learned=False,
)
"""By length alone: a scratch lasts a quarter of a second or more, or is loudest well after it began."""


def fit_sound_kind(features: Float[np.ndarray, "k d"], scratch: Sequence[bool] | Bool[np.ndarray, "k"]) -> SoundKind:
    """Learns the rule from labelled sounds; both kinds weigh the same.

    Args:
      features: of each sound; see `kind_features`.
      scratch: whether it is a scratch.

    Returns:
      The rule; `WITHOUT_LABELS` where either kind has fewer than 8 sounds.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import, and needed for fitting alone

    marked = np.asarray(scratch, bool)
    if min(marked.sum(), (~marked).sum()) < _FEWEST:
        return WITHOUT_LABELS
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit((features - mean) / scale, marked)
    means, scales, weights = (tuple(round(float(v), 6) for v in values) for values in (mean, scale, model.coef_[0]))
    return SoundKind(means, scales, weights, bias=round(float(model.intercept_[0]), 6))

"""Gives predicted features the statistics of real ones (Owens et al. 2016, section A1.1).

Predictions are tamer than real impacts: they vary less and around another mean. Before exemplars are searched, they
are therefore whitened by the statistics of predicted peaks and coloured by those of real peaks. The statistics are
of single steps, since those of whole windows would need far more peaks; the map is applied to every step of a window.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from vis2sound_jax.errors import UserError

RIDGE = 1e-3
"""Added to each covariance, as a share of its mean variance."""
LOUD_SHARE = 0.5
"""Share of the median amplitude below which a peak is dropped; the paper gives no threshold."""


class Colouring(NamedTuple):
    """An affine map of the channels of one step.

    Attributes:
      matrix: [c, c] multiplies the channels from the right.
      offset: [c] added then.
      root: whether it maps the square roots of compressed envelopes, or these themselves.
    """

    matrix: np.ndarray
    offset: np.ndarray
    root: bool


def loud_peaks(amplitude: Float[np.ndarray, "n"], *, share: float = LOUD_SHARE) -> Bool[np.ndarray, "n"]:
    """Marks the peaks that are loud enough to be counted.

    Args:
      amplitude: of each peak, >= 0.
      share: least amplitude, as a share of the median.

    Returns:
      True for peaks to keep.
    """
    return amplitude >= share * np.median(amplitude) if len(amplitude) else np.zeros(0, bool)


def fit_colouring(
    predicted: Float[np.ndarray, "n c"],
    real: Float[np.ndarray, "m c"],
    *,
    root: bool = True,
    ridge: float = RIDGE,
) -> Colouring:
    """Finds the map from the statistics of predicted peaks to those of real peaks.

    With mean m and covariance C of each, x becomes m_real + C_real^(1/2) C_predicted^(-1/2) (x - m_predicted), both
    roots symmetric, so that equal statistics change nothing.

    Args:
      predicted: compressed envelopes at the predicted peaks of the test recordings.
      real: compressed envelopes at the peaks of the training recordings.
      root: work on their square roots.
      ridge: added to both covariances, as a share of the mean variance of each, >= 0; it keeps directions in which
        predictions do not vary from being blown up.

    Returns:
      The map, for `colour`.

    Raises:
      UserError: with fewer than two peaks of a kind, or if predictions do not vary and the ridge is 0.
    """
    for name, peaks in (("predicted", predicted), ("real", real)):
        if len(peaks) < 2:
            raise UserError(f"{len(peaks)} {name} peaks have no covariance; give at least 2 or leave the colours be")
    (from_mean, source), (to_mean, wanted) = (_statistics(_space(peaks, root), ridge) for peaks in (predicted, real))
    variances, axes = np.linalg.eigh(source)
    if variances[0] <= len(variances) * np.finfo(np.float64).eps * variances[-1]:
        raise UserError(f"{len(predicted)} predicted peaks do not vary in every channel; give more or raise the ridge")
    matrix = (axes / np.sqrt(variances)) @ axes.T @ _root_of(wanted)
    return Colouring(matrix, to_mean - from_mean @ matrix, root)


def colour(features: Float[np.ndarray, "*t c"], colouring: Colouring) -> Float[np.ndarray, "*t c"]:
    """Applies the map to every step.

    Args:
      features: compressed envelopes; what lies below 0 counts as 0.
      colouring: as `fit_colouring` found it.

    Returns:
      Compressed envelopes >= 0 in float32.
    """
    mapped = np.maximum(_space(features, colouring.root) @ colouring.matrix + colouring.offset, 0)
    return (mapped**2 if colouring.root else mapped).astype(np.float32)


def _space(features: np.ndarray, root: bool) -> np.ndarray:
    heard = np.maximum(features, 0).astype(np.float64)
    return np.sqrt(heard) if root else heard


def _statistics(peaks: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    covariance = np.atleast_2d(np.cov(peaks, rowvar=False))
    return peaks.mean(axis=0), covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


def _root_of(covariance: np.ndarray) -> np.ndarray:
    variances, axes = np.linalg.eigh(covariance)
    return (axes * np.sqrt(np.maximum(variances, 0))) @ axes.T

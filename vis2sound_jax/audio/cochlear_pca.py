"""What a network predicts of a cochleagram: principal components of its root (Owens et al. 2016, section 5.1).

Features are compressed envelopes >= 0 with the channels last; root features are their square roots. A basis of few
directions is fitted to the root features of training sounds, from sums that are added up a sound at a time.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError


class RootPCA(NamedTuple):
    """A basis of root features.

    Attributes:
      mean: [c] mean root features.
      basis: [c, k] orthonormal columns, by falling variance.
    """

    mean: jax.Array | np.ndarray
    basis: jax.Array | np.ndarray


class RootMoments:
    """Sums over root features, from which mean and covariance follow.

    Attributes:
      count: steps added so far.
      total: [c] sum of the root features.
      second: [c, c] sum of their outer products.
    """

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.total = np.zeros(channels)
        self.second = np.zeros((channels, channels))

    def add(self, features: Float[np.ndarray, "t c"]) -> None:
        """Adds the steps of a sound.

        Args:
          features: compressed envelopes; what lies below 0 counts as 0.
        """
        root = np.sqrt(np.maximum(features, 0).astype(np.float64))
        self.count += len(root)
        self.total += root.sum(axis=0)
        self.second += root.T @ root

    def mean_and_covariance(self) -> tuple[Float[np.ndarray, "c"], Float[np.ndarray, "c c"]]:
        """Returns the mean and the covariance (divided by count - 1) of the steps added.

        Raises:
          UserError: with fewer than two steps.
        """
        if self.count < 2:
            raise UserError(f"{self.count} steps of sound have no covariance; give at least 2")
        mean = self.total / self.count
        return mean, (self.second - self.count * np.outer(mean, mean)) / (self.count - 1)


def fit_root_pca(moments: RootMoments, k: int = 10) -> tuple[RootPCA, float]:
    """Finds the directions in which root features vary most.

    Args:
      moments: sums over the training sounds.
      k: directions to keep, 1 up to the number of channels; 10 in the paper.

    Returns:
      The basis in float32, the largest entry of each direction positive, and the share of the variance that
      it holds, in [0, 1].

    Raises:
      UserError: for an impossible k, or with fewer than two steps.
    """
    channels = len(moments.total)
    if not 1 <= k <= channels:
        raise UserError(f"{k} principal components do not fit {channels} channels; choose 1 to {channels}")
    mean, covariance = moments.mean_and_covariance()
    variances, directions = np.linalg.eigh(covariance)
    variances, directions = np.maximum(variances[::-1], 0), directions[:, ::-1][:, :k]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.where(directions[largest, np.arange(k)] < 0, -1.0, 1.0)
    share = float(variances[:k].sum() / variances.sum()) if variances.any() else 1.0
    return RootPCA(mean.astype(np.float32), directions.astype(np.float32)), share


def to_targets(features: Float[Array | np.ndarray, "*t c"], pca: RootPCA) -> Float[Array | np.ndarray, "*t k"]:
    """Turns features into what a network predicts.

    Args:
      features: compressed envelopes; what lies below 0 counts as 0. NumPy arrays stay NumPy arrays.
      pca: basis of the root features.

    Returns:
      (sqrt(features) - mean) @ basis.
    """
    xp = np if isinstance(features, np.ndarray) else jnp
    return (xp.sqrt(xp.maximum(features, 0)) - pca.mean) @ pca.basis


def from_targets(targets: Float[Array | np.ndarray, "*t k"], pca: RootPCA) -> Float[Array, "*t c"]:
    """Turns what a network predicts into features.

    Args:
      targets: as `to_targets` makes them.
      pca: the same basis.

    Returns:
      Compressed envelopes >= 0; a root that comes out negative counts as 0.
    """
    return jnp.maximum(jnp.asarray(targets) @ pca.basis.T + pca.mean, 0) ** 2


def root_norm(features: Float[Array | np.ndarray, "*t c"]) -> Float[Array | np.ndarray, "*t"]:
    """Returns the Euclidean norm of the root features: the root of the sum of features >= 0."""
    xp = np if isinstance(features, np.ndarray) else jnp
    return xp.sqrt(xp.maximum(features, 0).sum(axis=-1))

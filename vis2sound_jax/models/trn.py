"""Temporal relations over several frames (Zhou et al. 2018): what changes between frames that are 2, 3, … n apart.

AutoFoley's second network compares frames with it (Ghose & Prevost 2020). A relation of s frames is a small network
over s features laid end to end, in the order of time. The largest scale sees all frames; each smaller one sees a few
subsets, drawn anew for every step of training, and evenly spread ones afterwards, so that an answer is always the same.
"""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, PRNGKeyArray

SUBSETS = 3
"""Subsets of a scale that are looked at, as in the published code."""
Subsets = tuple[Any, ...]
"""For every scale, the largest first, [m, s] indices of frames in the order of time."""


@functools.cache
def subset_table(frames: int, scale: int) -> Int[np.ndarray, "m s"]:
    """Lists all ordered subsets, in the order of `itertools.combinations`.

    Args:
      frames: n.
      scale: s, from 2 to n.
    """
    return np.array(list(itertools.combinations(range(frames), scale)), np.int32)


def fixed_subsets(frames: int, subsets: int = SUBSETS) -> Subsets:
    """Returns for every scale its subsets that stand evenly spread in the table.

    Args:
      frames: n.
      subsets: of a scale, at most.
    """
    found = []
    for scale in range(frames, 1, -1):
        table = subset_table(frames, scale)
        count = min(subsets, len(table))
        found.append(table[np.round(np.linspace(0, len(table) - 1, count + 2)[1:-1]).astype(int)])
    return tuple(found)


def drawn_subsets(key: PRNGKeyArray, frames: int, subsets: int = SUBSETS) -> Subsets:
    """Draws for every scale some of its subsets, none of them twice.

    Args:
      key: random key.
      frames: n.
      subsets: of a scale, at most.
    """
    found = []
    for scale in range(frames, 1, -1):
        table = subset_table(frames, scale)
        rows = jax.random.permutation(jax.random.fold_in(key, scale), len(table))[: min(subsets, len(table))]
        found.append(jnp.asarray(table)[rows])
    return tuple(found)


class Relation(nn.Module):
    """One scale: ReLU → dense → ReLU → dense.

    Attributes:
      outputs: o.
      bottleneck: units between.
    """

    outputs: int
    bottleneck: int = 256

    @nn.compact
    def __call__(self, joined: Float[Array, "... e"]) -> Float[Array, "... o"]:
        """Compares the features of frames that are laid end to end."""
        x = nn.relu(nn.Dense(self.bottleneck, name="enter")(nn.relu(joined)))
        return nn.Dense(self.outputs, name="leave")(x)


class MultiScaleTRN(nn.Module):
    """Relations of all scales, added up.

    Attributes:
      outputs: o, such as classes or bands of a spectrum.
      bottleneck: units of every scale; 256 in the published code.
      subsets: of a scale, at most.
    """

    outputs: int
    bottleneck: int = 256
    subsets: int = SUBSETS

    @nn.compact
    def __call__(
        self, x: Float[Array, "... n d"], subsets: Subsets | None = None, *, train: bool = False
    ) -> Float[Array, "... o"]:
        """Compares n frames.

        Args:
          x: features in the order of time, n >= 2.
          subsets: to look at; by default drawn in training, else fixed.
          train: whether to draw subsets, the same ones for the whole batch; needs the random stream `subsets`.
        """
        n = x.shape[-2]
        if subsets is None:
            draw = train and not self.is_initializing()
            chosen = drawn_subsets(self.make_rng("subsets"), n, self.subsets) if draw else None
            subsets = chosen or fixed_subsets(n, self.subsets)
        total = jnp.zeros((*x.shape[:-2], self.outputs), x.dtype)
        for k, rows in enumerate(subsets):
            relation = Relation(self.outputs, self.bottleneck, name=f"scale_{k}")
            taken = x[..., rows, :]
            total = total + relation(taken.reshape(*taken.shape[:-2], -1)).sum(axis=-2)
        return total


class TRN(nn.Module):
    """The relation of all frames alone.

    Attributes:
      outputs: o.
      bottleneck: 512 in the published code.
    """

    outputs: int
    bottleneck: int = 512

    @nn.compact
    def __call__(self, x: Float[Array, "... n d"]) -> Float[Array, "... o"]:
        """Compares n frames in the order of time."""
        return Relation(self.outputs, self.bottleneck, name="relation")(x.reshape(*x.shape[:-2], -1))

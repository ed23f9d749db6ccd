"""Vector quantisation: nearest code, straight-through training, and k-means to start a codebook."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from vis2sound_jax.errors import UserError

LEGACY_WEIGHTS = {"commitment_weight": 1.0, "codebook_weight": 0.25}
"""Loss weights of the released codebooks, in which the factor 0.25 meant for the commitment term of
van den Oord et al. 2017 (eq. 3) stands before the codebook term."""


class Quantised(NamedTuple):
    """What quantisation gives.

    Attributes:
      quantised: [..., d] the chosen codes; gradients pass through to the input.
      indices: [...] int32 the chosen rows of the codebook.
      losses: weighted scalars `commitment` and `codebook`; their sum is the loss to minimise.
      perplexity: [] exp of the entropy of code use in this batch, 1 to the number of codes.
    """

    quantised: jax.Array
    indices: jax.Array
    losses: dict[str, jax.Array]
    perplexity: jax.Array


def squared_distances(z: Float[Array, "... d"], codebook: Float[Array, "k d"]) -> Float[Array, "... k"]:
    """Returns |z - code|^2 less |z|^2, which is the same for every code of one z.

    Args:
      z: vectors.
      codebook: one code a row.
    """
    return jnp.sum(codebook**2, axis=-1) - 2.0 * jnp.einsum("...d,kd->...k", z, codebook)


def nearest_code(z: Float[Array, "... d"], codebook: Float[Array, "k d"]) -> Int[Array, "..."]:
    """Returns the index of the code nearest to each vector, the first one on a tie.

    Args:
      z: vectors.
      codebook: one code a row.
    """
    return jnp.argmin(squared_distances(z, codebook), axis=-1).astype(jnp.int32)


def perplexity(indices: Int[Array, "..."], n_codes: int) -> Float[Array, ""]:
    """Returns exp of the entropy of code use: 1 if one code does everything, `n_codes` if all share.

    Args:
      indices: of codes, in [0, n_codes).
      n_codes: size of the book.
    """
    counts = jnp.zeros(n_codes).at[indices.reshape(-1)].add(1.0)
    share = counts / indices.size
    return jnp.exp(-jnp.sum(share * jnp.log(share + 1e-10)))


def quantise(
    z: Float[Array, "... d"],
    codebook: Float[Array, "k d"],
    *,
    commitment_weight: float = 0.25,
    codebook_weight: float = 1.0,
) -> Quantised:
    """Replaces each vector by its nearest code (van den Oord et al. 2017, section 3).

    Args:
      z: vectors to quantise.
      codebook: the codes.
      commitment_weight: factor of the term that pulls vectors to their codes.
      codebook_weight: factor of the term that pulls codes to their vectors. `LEGACY_WEIGHTS` holds the two
        factors the released codebooks were trained with.

    Returns:
      The codes (straight-through), their indices, the weighted losses and the batch's perplexity.
    """
    indices = nearest_code(z, codebook)
    codes = codebook[indices]
    stop = jax.lax.stop_gradient
    losses = {
        "commitment": commitment_weight * jnp.mean((stop(codes) - z) ** 2),
        "codebook": codebook_weight * jnp.mean((codes - stop(z)) ** 2),
    }
    return Quantised(
        quantised=z + stop(codes - z),
        indices=indices,
        losses=losses,
        perplexity=perplexity(indices, codebook.shape[0]),
    )


def kmeans(
    key: PRNGKeyArray,
    x: Float[Array, "n d"],
    n_codes: int,
    iterations: int = 20,
    start: Float[Array, "k d"] | None = None,
) -> Float[Array, "k d"]:
    """Fits a codebook by Lloyd's iterations from a k-means++ start (Arthur and Vassilvitskii 2007).

    A code that no row chose is moved to one of the rows farthest from their codes. The function can be
    mapped (`jax.vmap` over keys and data) to fit one book per frequency band.

    Args:
      key: random key of the start.
      x: data, one vector a row, at least `n_codes` rows.
      n_codes: number of codes.
      iterations: number of assign-and-average rounds.
      start: codes to go on from instead. Those that no row chooses then stay as they are, because they may
        stand for what these rows do not show.

    Returns:
      The codebook.

    Raises:
      UserError: if there are fewer rows than codes.
    """
    if x.shape[0] < n_codes and start is None:
        raise UserError(f"k-means of {n_codes} codes got {x.shape[0]} vectors; give more data or fewer codes")
    if start is not None:
        return jax.lax.fori_loop(0, iterations, lambda _, codes: _lloyd_round(x, codes, move_empty=False), start)
    codes = _spread_rows(key, x, n_codes)
    return jax.lax.fori_loop(0, iterations, lambda _, codes: _lloyd_round(x, codes, move_empty=True), codes)


def _spread_rows(key: Array, x: Float[Array, "n d"], n_codes: int) -> Float[Array, "k d"]:
    """Draws rows one by one with probability proportional to the squared distance to those drawn."""
    first = x[jax.random.randint(jax.random.fold_in(key, 0), (), 0, x.shape[0])]

    def draw(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        codes, distance = carry
        row = x[jax.random.categorical(jax.random.fold_in(key, i), jnp.log(distance))]
        return codes.at[i].set(row), jnp.minimum(distance, jnp.sum((x - row) ** 2, axis=-1))

    codes = jnp.zeros((n_codes, x.shape[1]), x.dtype).at[0].set(first)
    codes, _ = jax.lax.fori_loop(1, n_codes, draw, (codes, jnp.sum((x - first) ** 2, axis=-1)))
    return codes


def _lloyd_round(x: Float[Array, "n d"], codes: Float[Array, "k d"], *, move_empty: bool) -> Float[Array, "k d"]:
    """Moves each code to the mean of its rows and, if wanted, each unused code to a badly served row."""
    n_codes = codes.shape[0]
    distances = squared_distances(x, codes)
    indices = jnp.argmin(distances, axis=-1)
    sums = jax.ops.segment_sum(x, indices, n_codes)
    counts = jax.ops.segment_sum(jnp.ones(x.shape[0], x.dtype), indices, n_codes)
    means = sums / jnp.maximum(counts, 1.0)[:, None]
    if not move_empty:
        return jnp.where((counts == 0)[:, None], codes, means)
    error = jnp.min(distances, axis=-1) + jnp.sum(x**2, axis=-1)
    _, worst_rows = jax.lax.top_k(error, n_codes)
    empty = counts == 0
    replacement = x[worst_rows[jnp.cumsum(empty) - 1]]
    return jnp.where(empty[:, None], replacement, means)

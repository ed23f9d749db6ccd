"""Codes that are pieces of log-mel: one for the shape of a whole column, then one for each band's details.

A column of the grid is `frames` mel frames. Row 0 names the outline of the column, means over groups of
neighbouring bands; every further row names, low band first, what the outline leaves of its band. Decoding adds
the pieces, so no network stands between the codes and the sound. On a laptop this keeps more of a material than
an autoencoder of the same rate, whose averages sound alike.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Int, PRNGKeyArray

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.codebook import kmeans, nearest_code

KMEANS_ITERATIONS = 15
_SOFT_SHARE = 8

Books = dict[str, Array]
Columns = Float[Array, "n f w"]


class PatchCoder(nn.Module):
    """Log-mel ↔ grid of codes, by nearest pieces.

    Attributes:
      n_mels: mel bands, a multiple of `rows - 1` and of `outline`.
      rows: codes of a column: its outline and `rows - 1` bands.
      frames: mel frames in a column.
      codes: codes in each book.
      outline: groups of mel bands of which the outline holds the means.
    """

    n_mels: int = 80
    rows: int = 6
    frames: int = 8
    codes: int = 256
    outline: int = 20

    def setup(self) -> None:
        """Makes room for the books; `fit_books` fills them."""
        bands = self.rows - 1
        normal = nn.initializers.normal(0.1)
        self.outlines = self.param("outlines", normal, (self.codes, self.outline * self.frames))
        self.details = self.param("details", normal, (bands, self.codes, self.n_mels // bands * self.frames))

    def __call__(self, mel: Float[Array, "b f t"]) -> Float[Array, "b f t"]:
        """Encodes and decodes."""
        return self.decode(self.encode(mel))

    looks_around = False
    """A code depends on its own piece of the log-mel alone."""

    def codes_of(self, mel: Float[Array, "b f t"]) -> Int[Array, "b r k"]:
        """Returns the codes of log-mels in [0, 1]; the name that all coders share."""
        return self.encode(mel)

    def mel_of(self, grid: Int[Array, "b r k"]) -> Float[Array, "b f t"]:
        """Returns the log-mels in [0, 1] of grids of codes; the name that all coders share."""
        return self.decode(grid)

    def encode(self, mel: Float[Array, "b f t"]) -> Int[Array, "b r k"]:
        """Returns the codes of a log-mel in [0, 1]: the outline's row, then the bands', low to high.

        Raises:
          UserError: if the number of frames is not a multiple of `frames`.
        """
        columns = self.columns(mel)
        outline = nearest_code(self.outline_of(columns), self.outlines)
        rest = self.details_of(columns - self.drawn(self.outlines[outline]))
        details = jax.vmap(nearest_code)(rest, self.details)  # [bands, n]
        grid = jnp.concatenate([outline[None], details])
        return grid.reshape(self.rows, mel.shape[0], -1).swapaxes(0, 1)

    def decode(self, indices: Int[Array, "b r k"]) -> Float[Array, "b f t"]:
        """Returns the log-mel in [0, 1] of a grid of codes."""
        b, _, k = indices.shape
        rows = indices.swapaxes(0, 1).reshape(self.rows, -1)
        pieces = jax.vmap(lambda book, index: book[index])(self.details, rows[1:])
        pieces = pieces.reshape(self.rows - 1, b * k, -1, self.frames).swapaxes(0, 1)
        columns = self.drawn(self.outlines[rows[0]]) + pieces.reshape(b * k, self.n_mels, self.frames)
        mel = columns.reshape(b, k, self.n_mels, self.frames).swapaxes(1, 2)
        return jnp.clip(mel.reshape(b, self.n_mels, -1), 0.0, 1.0)

    def columns(self, mel: Float[Array, "b f t"]) -> Columns:
        """Cuts log-mels into columns.

        Raises:
          UserError: if the number of frames is not a multiple of `frames`.
        """
        b, f, t = mel.shape
        if t % self.frames:
            raise UserError(f"a mel of {t} frames does not divide into columns of {self.frames}; pad or cut it")
        return mel.reshape(b, f, -1, self.frames).swapaxes(1, 2).reshape(-1, f, self.frames)

    def outline_of(self, columns: Columns) -> Float[Array, "n d"]:
        """Averages columns over each group of bands."""
        n = columns.shape[0]
        return columns.reshape(n, self.outline, -1, self.frames).mean(axis=2).reshape(n, -1)

    def drawn(self, outlines: Float[Array, "n d"]) -> Columns:
        """Spreads outlines over all bands."""
        coarse = outlines.reshape(-1, self.outline, self.frames)
        return jnp.repeat(coarse, self.n_mels // self.outline, axis=1)

    def details_of(self, columns: Columns) -> Float[Array, "r n d"]:
        """Cuts columns into bands."""
        n = columns.shape[0]
        return columns.reshape(n, self.rows - 1, -1).swapaxes(0, 1)


def fit_books(
    net: PatchCoder,
    mel: Float[Array, "b f t"],
    key: PRNGKeyArray,
    *,
    start: Books | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Books:
    """Fits all books to real sound by k-means, the outlines first.

    Most columns of a recording are near silence and alike; all of the louder half but only an eighth of the
    softer half take part, so that the codes go to what is heard.

    Args:
      net: the coder.
      mel: log-mels in [0, 1]; two times as many columns as codes at the very least.
      key: random key.
      start: books to go on from; a code then keeps its meaning. None starts anew (k-means++).
      progress: called with (books done, books).

    Returns:
      The parameters of the coder.

    Raises:
      UserError: if there are fewer columns than codes.
    """
    fit = jax.jit(functools.partial(kmeans, n_codes=net.codes, iterations=KMEANS_ITERATIONS))
    call: Callable[..., Any] = functools.partial(net.apply, {"params": start or _blank(net)})
    columns = call(mel, method="columns")
    chosen = call(columns, method="outline_of")
    outlines = fit(key, _louder(chosen, columns.mean((1, 2))), start=start and start["outlines"])
    rest = columns - call(outlines[nearest_code(chosen, outlines)], method="drawn")
    bands = call(columns, method="details_of")
    details = []
    for row, band in enumerate(call(rest, method="details_of")):
        if progress:
            progress(row + 1, net.rows)
        vectors = _louder(band, bands[row].mean(axis=1))
        row_key = jax.random.fold_in(key, row)
        details.append(fit(row_key, vectors, start=start and start["details"][row]))
    if progress:
        progress(net.rows, net.rows)
    return {"outlines": outlines, "details": jnp.stack(details)}


def _blank(net: PatchCoder) -> Books:
    shapes = jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, net.n_mels, net.frames)))
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes["params"])


def _louder(vectors: Float[Array, "n d"], loudness: Float[Array, "n"]) -> Float[Array, "m d"]:
    order = jnp.argsort(-loudness)
    half = len(order) // 2
    return vectors[jnp.concatenate([order[:half], order[half::_SOFT_SHARE]])]

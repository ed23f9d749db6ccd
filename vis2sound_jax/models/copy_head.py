"""A head that copies: where a row of the code grid sounded like this before, its code there may come again.

A pointer mixture (See et al. 2017, section 2.2) over the grid: the state that predicts a code attends to earlier
columns of its own row, each known by the state that predicted the code there and by that code, and their codes share
out the attention. A gate mixes this distribution with the softmax of the usual logits.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Bool, Float, Int

from vis2sound_jax.models.layers import Linear

_LEAST = 1e-20  # below this a probability counts as this one; its logarithm stays finite


class CopyCache(NamedTuple):
    """What may be copied so far; laid out as `KVCache`, rows of the grid before heads and sequences.

    Codes are counted from the first of their row's book; one that is not in it, as the mask token, is not copied.

    Attributes:
      start_keys: [rows*heads*e, k, head_dim] of the k columns that the takes of an example share.
      start_codes: [rows, e, k] int32.
      keys: [rows*heads*b, s, head_dim] of the columns that each sequence adds.
      codes: [rows, b, s] int32.
      state: [d, b] the state that predicts the next code.
    """

    start_keys: jax.Array
    start_codes: jax.Array
    keys: jax.Array
    codes: jax.Array
    state: jax.Array


class CopyHead(nn.Module):
    """Mixes copies of a row's earlier codes into what is said of its next code.

    Attributes:
      heads: attention heads; their weights are averaged.
      width: of one head.
      rows: rows of the code grid.
      book: codes of each row's own book.
      dtype: type of the products; softmax and mixture are float32.
    """

    heads: int
    width: int
    rows: int
    book: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Builds the projections of states and codes, and the gate."""
        size = self.heads * self.width
        self.query = Linear(size, dtype=self.dtype)
        self.key = Linear(size, use_bias=False, dtype=self.dtype)
        self.code = Linear(size, use_bias=False, dtype=self.dtype)
        self.gate = Linear(1)

    def __call__(
        self,
        states: Float[Array, "b k r d"],
        embedded: Float[Array, "b k r d"],
        codes: Int[Array, "b k r"],
        logits: Float[Array, "b k r v"],
    ) -> Float[Array, "b k r v"]:
        """Mixes for all places of a grid at once.

        Args:
          states: of each code the state that predicts it.
          embedded: the codes as vectors.
          codes: the codes, counted from the first of their row's book.
          logits: of the codes of the row's book.

        Returns:
          Logarithms of the mixture's probabilities.
        """
        shape = (*codes.shape, self.heads, self.width)
        queries, keys = self.query(states).reshape(shape), self._keys(states, embedded).reshape(shape)
        scores = jnp.einsum("bqrhc,bkrhc->bhrqk", queries, keys)
        earlier = jnp.tril(jnp.ones(2 * codes.shape[1:2], bool), -1)
        allowed = earlier & self._of_the_book(codes).swapaxes(1, 2)[:, None, :, None]
        copied = jnp.einsum("brqk,bkrv->bqrv", self._weights(scores, allowed, 1), jax.nn.one_hot(codes, self.book))
        return _mixture(logits, copied, self.gate(states), -1)

    def start(
        self,
        states: Float[Array, "e k r d"],
        embedded: Float[Array, "e k r d"],
        codes: Int[Array, "e k r"],
        state: Float[Array, "d b"],
        room: int,
    ) -> CopyCache:
        """Keeps what the takes of each example share.

        Args:
          states: as in `__call__`, of the known columns.
          embedded: as in `__call__`.
          codes: as in `__call__`.
          state: the state that predicts the next code of each sequence.
          room: further codes that the cache has room for.
        """
        (e, k, _), b = codes.shape, state.shape[1]
        keys = self._keys(states, embedded).reshape(e, k, self.rows, self.heads, self.width)
        keys = keys.transpose(2, 3, 0, 1, 4).reshape(-1, k, self.width)
        columns = max(1, -(-room // self.rows))
        own = jnp.zeros((self.rows * self.heads * b, columns, self.width), keys.dtype)
        return CopyCache(keys, codes.transpose(2, 0, 1), own, jnp.zeros((self.rows, b, columns), jnp.int32), state)

    def append(
        self, cache: CopyCache, code: Int[Array, " b"], embedded: Float[Array, "d b"], slot: Int[Array, ""]
    ) -> CopyCache:
        """Makes one more code a thing to copy, once its column is over.

        Args:
          cache: with the state that predicted the code.
          code: counted from the first of its row's book.
          embedded: the code as a vector.
          slot: its place among the sequence's own codes.
        """
        column, row = slot // self.rows, slot % self.rows
        keys = self._by_head(self._keys(cache.state, embedded, columns=True))
        return cache._replace(
            keys=jax.lax.dynamic_update_slice(cache.keys, keys[:, None], (row * len(keys), column, 0)),
            codes=jax.lax.dynamic_update_slice(cache.codes, code[None, :, None].astype(jnp.int32), (row, 0, column)),
        )

    def mixed(self, cache: CopyCache, logits: Float[Array, "v b"], slot: Int[Array, ""]) -> Float[Array, "v b"]:
        """Mixes for the next code of each sequence.

        Args:
          cache: with all codes so far and the state that predicts the next.
          logits: of the codes of the row's book.
          slot: place of the next code among the sequence's own codes.

        Returns:
          Logarithms of the mixture's probabilities.
        """
        column, row = slot // self.rows, slot % self.rows
        b, (e, k) = logits.shape[1], cache.start_codes.shape[1:]
        queries = self._by_head(self.query(cache.state, columns=True))
        shared, own = (
            jax.lax.dynamic_slice_in_dim(keys, row * self.heads * n, self.heads * n)
            for keys, n in ((cache.start_keys, e), (cache.keys, b))
        )
        shared = jnp.einsum("nqc,nkc->nqk", queries.reshape(len(shared), -1, self.width), shared)
        scores = jnp.concatenate([shared.reshape(-1, k), jnp.einsum("mc,mkc->mk", queries, own)], axis=-1)
        codes = jnp.concatenate([cache.start_codes[row].repeat(b // e, axis=0), cache.codes[row]], axis=-1)
        allowed = self._of_the_book(codes) & (jnp.arange(codes.shape[1]) < k + column)
        weights = self._weights(scores.reshape(self.heads, *codes.shape), allowed, 0)
        copied = jnp.where(codes == jnp.arange(self.book)[:, None, None], weights, 0.0).sum(-1)
        return _mixture(logits, copied, self.gate(cache.state, columns=True), 0)

    def _keys(self, states: Array, embedded: Array, *, columns: bool = False) -> Array:
        return self.key(states, columns=columns) + self.code(embedded, columns=columns)

    def _of_the_book(self, codes: Array) -> Bool[Array, "..."]:
        return (codes >= 0) & (codes < self.book)

    def _weights(self, scores: Float[Array, "..."], allowed: Bool[Array, "..."], axis: int) -> Float[Array, "..."]:
        """Attention averaged over the axis of heads; it adds up to 1, or to 0 where nothing is allowed."""
        scores = jnp.where(allowed, scores.astype(jnp.float32) * self.width**-0.5, -1e9)
        return jnp.where(allowed, jax.nn.softmax(scores, axis=-1), 0.0).mean(axis)

    def _by_head(self, x: Float[Array, "d b"]) -> Float[Array, "m c"]:
        """Folds heads and sequences into one axis, heads first."""
        return x.reshape(self.heads, self.width, -1).swapaxes(1, 2).reshape(-1, self.width)


def _mixture(logits: Array, copied: Array, gate: Array, axis: int) -> Array:
    """Logarithm of `(1 - g) softmax(logits) + g copied`; g is 0 where nothing can be copied."""
    share = jax.nn.sigmoid(gate)
    kept = 1.0 - share * copied.sum(axis, keepdims=True)
    return jnp.log(jnp.maximum(kept * jax.nn.softmax(logits, axis) + share * copied, _LEAST))

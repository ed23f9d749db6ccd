"""One layer of the token decoder: over whole sequences, and over one new position with a key-value cache.

Whole sequences are rows, [b, t, d]. A new position is columns, [d, b]: a matrix stored `[out, in]` times
columns is on the CPU two to three times faster than rows times its transpose, once more than one sequence
is continued.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from vis2sound_jax.models.layers import LayerNorm, Linear

Pair = tuple[Float[Array, "..."], Float[Array, "..."]]
"""Keys and values."""

ATTENTIONS = ("own", "xla", "cudnn")
"""How whole sequences attend: by the lines below, or by that implementation of `jax.nn.dot_product_attention`."""


class Attention(nn.Module):
    """Causal multi-head self-attention. Fields as in `Transformer`."""

    heads: int
    width: int
    dtype: DTypeLike
    attention: str = "own"

    def setup(self) -> None:
        """Builds the four projections, named as in the released weights."""
        self.query = Linear(self.width, dtype=self.dtype)
        self.key = Linear(self.width, dtype=self.dtype)
        self.value = Linear(self.width, dtype=self.dtype)
        self.proj = Linear(self.width, dtype=self.dtype)

    def __call__(self, x: Float[Array, "b t d"]) -> tuple[Float[Array, "b t d"], Pair]:
        """Attends within a whole sequence.

        Returns:
          The output [b, t, d] and the keys and values [b, t, heads, head_dim]. The weights
          [b, heads, t, t] of its own attention can be read from the collection `intermediates`.
        """
        b, t, d = x.shape
        q, k, v = (
            nn.with_logical_constraint(f(x).reshape(b, t, self.heads, -1), ("batch", None, "heads", None))
            for f in (self.query, self.key, self.value)
        )
        if self.attention == "own":
            mixed = self._mixed(q, k, v)
        else:
            # The types do not know that any other name raises there.
            fused: Any = self.attention
            mixed = jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation=fused)
        return self.proj(mixed.reshape(b, t, d)), (k, v)

    def _mixed(self, q: Array, k: Array, v: Array) -> Float[Array, "b t h c"]:
        """The values that each position attends to, itself and those before it."""
        t = q.shape[1]
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k).astype(jnp.float32) * q.shape[-1] ** -0.5
        causal = jnp.tril(jnp.ones((t, t), bool))
        weights = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf), axis=-1)
        self.sow("intermediates", "attention", weights)
        return jnp.einsum("bhqk,bkhd->bqhd", weights.astype(self.dtype), v)

    def step(
        self, x: Float[Array, "d b"], start: Pair, own: Pair, slot: Int[Array, ""]
    ) -> tuple[Float[Array, "d b"], Pair]:
        """Attends from one new position to the shared start, to the sequence's own positions and to itself.

        Args:
          x: the new position of each sequence.
          start: this layer's `start_keys` and `start_values` of `KVCache`.
          own: this layer's `keys` and `values` of it.
          slot: where among its own positions the new one stands.

        Returns:
          The output and the cache `own` with the new position.
        """
        (d, b), (n, p, c) = x.shape, start[0].shape
        q, k, v = (self._by_head(f(x, columns=True)) for f in (self.query, self.key, self.value))
        keys, values = (
            jax.lax.dynamic_update_slice(old, new[:, None].astype(old.dtype), (0, slot, 0))
            for old, new in zip(own, (k, v), strict=True)
        )
        shared = jnp.einsum("nqc,npc->nqp", q.reshape(n, -1, c), start[0]).reshape(-1, p)
        scores = jnp.concatenate([shared, jnp.einsum("mc,msc->ms", q, keys)], axis=-1).astype(jnp.float32)
        seen = jnp.arange(p + keys.shape[1]) <= p + slot
        weights = jax.nn.softmax(jnp.where(seen, scores * c**-0.5, -jnp.inf), axis=-1).astype(self.dtype)
        shared = jnp.einsum("nqp,npc->nqc", weights[:, :p].reshape(n, -1, p), start[1]).reshape(-1, c)
        mixed = shared + jnp.einsum("ms,msc->mc", weights[:, p:], values)
        mixed = mixed.reshape(self.heads, b, c).swapaxes(1, 2).reshape(d, b)
        return self.proj(mixed, columns=True), (keys, values)

    def _by_head(self, x: Float[Array, "d b"]) -> Float[Array, "m c"]:
        """Folds heads and sequences into one axis, heads first."""
        b = x.shape[1]
        return x.reshape(self.heads, -1, b).swapaxes(1, 2).reshape(self.heads * b, -1)


class Block(nn.Module):
    """Pre-normalised attention and a fourfold MLP with exact GELU. Fields as in `Transformer`."""

    heads: int
    width: int
    dtype: DTypeLike
    attention: str = "own"

    def setup(self) -> None:
        """Builds the parts in the order in which data passes them."""
        self.ln1 = LayerNorm()
        self.attn = Attention(self.heads, self.width, self.dtype, self.attention)
        self.ln2 = LayerNorm()
        self.mlp_in = Linear(4 * self.width, dtype=self.dtype)
        self.mlp_out = Linear(self.width, dtype=self.dtype)

    def __call__(self, x: Float[Array, "b t d"]) -> tuple[Float[Array, "b t d"], Pair]:
        """Returns the sequence and this layer's keys and values [b, t, heads, head_dim]."""
        mixed, pair = self.attn(self.ln1(x))
        x = x + mixed
        inner = nn.with_logical_constraint(self.mlp_in(self.ln2(x)), ("batch", None, "mlp"))
        return nn.with_logical_constraint(x + self.mlp_out(_gelu(inner)), ("batch", None, None)), pair

    def step(
        self, x: Float[Array, "d b"], start: Pair, own: Pair, slot: Int[Array, ""]
    ) -> tuple[Float[Array, "d b"], Pair]:
        """Passes one new position through the layer.

        Args:
          x: the new position of each sequence.
          start: as in `Attention.step`.
          own: as in `Attention.step`.
          slot: as in `Attention.step`.

        Returns:
          The new position and the cache `own` with it.
        """
        mixed, own = self.attn.step(self.ln1(x, columns=True), start, own, slot)
        x = x + mixed
        inner = _gelu(self.mlp_in(self.ln2(x, columns=True), columns=True))
        return x + self.mlp_out(inner, columns=True), own


def _gelu(x: Array) -> Array:
    return jax.nn.gelu(x, approximate=False)

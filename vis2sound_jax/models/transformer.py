"""The autoregressive decoder over sound tokens, with its explicit key-value cache (Du et al. 2023, 3.3).

Sequence: feature vectors of the videos (prefix), then codes. Everything, features included, is causal.
Three ways to condition: a prefix of features (the paper's), features added to the token of the same
moment (time-aligned), and one style vector added everywhere.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.layers import Linear, uniform_fan_in


class KVCache(NamedTuple):
    """Keys and values of the positions seen so far; passed in and returned, never stored in a module.

    Heads are folded into the batch because XLA copies the whole cache at every step when the array has four
    axes. The leading axis counts b * heads, batch-major.

    Attributes:
      keys: per layer [b*heads, s, head_dim].
      values: per layer [b*heads, s, head_dim].
      length: [] int32 number of slots in use, the same for the whole batch.
    """

    keys: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]
    length: jax.Array


def _norm(name: str) -> nn.LayerNorm:
    return nn.LayerNorm(epsilon=1e-5, use_fast_variance=False, dtype=jnp.float32, name=name)


class Attention(nn.Module):
    """Causal multi-head self-attention. Fields as in `Transformer`."""

    heads: int
    width: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Builds the four projections, named as in the released weights."""
        self.query = Linear(self.width, dtype=self.dtype)
        self.key = Linear(self.width, dtype=self.dtype)
        self.value = Linear(self.width, dtype=self.dtype)
        self.proj = Linear(self.width, dtype=self.dtype)

    def __call__(self, x: Float[Array, "b t d"]) -> tuple[Array, Array, Array]:
        """Attends within a whole sequence.

        Returns:
          The output [b, t, d] and the keys and values [b, t, heads, head_dim]. The weights
          [b, heads, t, t] can be read from the collection `intermediates`.
        """
        b, t, d = x.shape
        q, k, v = (f(x).reshape(b, t, self.heads, -1) for f in (self.query, self.key, self.value))
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k).astype(jnp.float32) * q.shape[-1] ** -0.5
        causal = jnp.tril(jnp.ones((t, t), bool))
        weights = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf), axis=-1)
        self.sow("intermediates", "attention", weights)
        mixed = jnp.einsum("bhqk,bkhd->bqhd", weights.astype(self.dtype), v)
        return self.proj(mixed.reshape(b, t, d)), k, v

    def step(
        self, x: Float[Array, "b d"], keys: Array, values: Array, position: Int[Array, ""]
    ) -> tuple[Array, Array, Array]:
        """Attends from one new position to itself and all cached ones; returns output and new cache."""
        q, k, v = (f(x).reshape(-1, 1, self.width // self.heads) for f in (self.query, self.key, self.value))
        keys = jax.lax.dynamic_update_slice(keys, k.astype(keys.dtype), (0, position, 0))
        values = jax.lax.dynamic_update_slice(values, v.astype(values.dtype), (0, position, 0))
        scores = jnp.einsum("nqd,nsd->nqs", q, keys).astype(jnp.float32) * q.shape[-1] ** -0.5
        seen = jnp.arange(keys.shape[1]) <= position
        weights = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), axis=-1)
        mixed = jnp.einsum("nqs,nsd->nqd", weights.astype(self.dtype), values)
        return self.proj(mixed.reshape(x.shape)), keys, values


class Block(nn.Module):
    """Pre-normalised attention and a fourfold MLP with exact GELU. Fields as in `Transformer`."""

    heads: int
    width: int
    dtype: DTypeLike

    def setup(self) -> None:
        """Builds the parts in the order in which data passes them."""
        self.ln1 = _norm("ln1")
        self.attn = Attention(self.heads, self.width, self.dtype)
        self.ln2 = _norm("ln2")
        self.mlp_in = Linear(4 * self.width, dtype=self.dtype)
        self.mlp_out = Linear(self.width, dtype=self.dtype)

    def __call__(self, x: Float[Array, "b t d"]) -> tuple[Array, tuple[Array, Array]]:
        """Returns the sequence and this layer's keys and values [b, t, heads, head_dim]."""
        mixed, keys, values = self.attn(self.ln1(x))
        return self._mlp(x + mixed), (keys, values)

    def step(
        self, x: Float[Array, "b d"], keys: Array, values: Array, position: Int[Array, ""]
    ) -> tuple[Array, tuple[Array, Array]]:
        """Returns the new position and this layer's cache with it."""
        mixed, keys, values = self.attn.step(self.ln1(x), keys, values, position)
        return self._mlp(x + mixed), (keys, values)

    def _mlp(self, x: Float[Array, "... d"]) -> Float[Array, "... d"]:
        return x + self.mlp_out(jax.nn.gelu(self.mlp_in(self.ln2(x)), approximate=False))


class Transformer(nn.Module):
    """Decoder over codes, conditioned on features; the defaults are the paper's.

    The parameters of a way to condition exist only if `init` was given that input.

    Attributes:
      vocab: number of codes.
      slots: longest sequence, prefix included.
      layers: number of blocks.
      heads: attention heads; must divide `width`.
      width: size of a position's vector.
      remat: whether training recomputes each block's inside in the backward pass, to save memory.
      dtype: type of the matrix products and of the cache; parameters, normalisation, softmax and logits
        are float32.
    """

    vocab: int = 1024
    slots: int = 160
    layers: int = 24
    heads: int = 16
    width: int = 1024
    remat: bool = False
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Builds embeddings, blocks and head."""
        small = nn.initializers.normal(0.02)
        self.tok_emb = nn.Embed(self.vocab, self.width, embedding_init=small)
        self.pos_emb = self.param("pos_emb", nn.initializers.zeros, (self.slots, self.width))
        self.embedder = nn.Dense(self.width, kernel_init=uniform_fan_in)
        self.aligned_embedder = nn.Dense(self.width, kernel_init=small)
        self.style_embedder = nn.Dense(self.width, kernel_init=small)
        block = nn.remat(Block, methods=["__call__"]) if self.remat else Block
        self.blocks = [block(self.heads, self.width, self.dtype) for _ in range(self.layers)]
        self.ln_f = _norm("ln_f")
        self.head = Linear(self.vocab, use_bias=False)

    def __call__(
        self,
        tokens: Int[Array, "b t"] | None = None,
        *,
        prefix: Float[Array, "b p g"] | None = None,
        aligned: Float[Array, "b t a"] | None = None,
        style: Float[Array, "b e"] | None = None,
    ) -> Float[Array, "b n v"]:
        """Computes the logits of a whole sequence, as training needs them.

        Args:
          tokens: codes in 0 to vocab - 1.
          prefix: features that come before the codes.
          aligned: features of the moment of each code; `aligned[:, i]` is added to the vector that holds
            `tokens[:, i]` and predicts the next code.
          style: one vector an example, added to all positions.

        Returns:
          Logits of all n = p + t positions; position p + i predicts `tokens[:, i + 1]`.

        Raises:
          UserError: if there is no input, or if the sequence is longer than `slots`.
        """
        x = self._embed(tokens, prefix, aligned, style)
        for block in self.blocks:
            x, _ = block(x)
        return self.head(self.ln_f(x))

    def init_cache(self, batch: int, slots: int | None = None) -> KVCache:
        """Returns an empty cache for `batch` sequences of up to `slots` positions (default: all)."""
        shape = (batch * self.heads, slots or self.slots, self.width // self.heads)
        empty = tuple(jnp.zeros(shape, self.dtype) for _ in range(self.layers))
        return KVCache(empty, empty, jnp.zeros((), jnp.int32))

    def prefill(
        self,
        cache: KVCache,
        tokens: Int[Array, "b t"] | None = None,
        *,
        prefix: Float[Array, "b p g"] | None = None,
        aligned: Float[Array, "b t a"] | None = None,
        style: Float[Array, "b e"] | None = None,
    ) -> tuple[Float[Array, "b v"], KVCache]:
        """Runs the known start of a sequence at once and fills an empty cache with it.

        Args:
          cache: an empty cache of the same batch size.
          tokens: as in `__call__`.
          prefix: as in `__call__`.
          aligned: as in `__call__`.
          style: as in `__call__`.

        Returns:
          The logits of the last position, and the cache.

        Raises:
          UserError: as `__call__`, and if the sequence is longer than the cache.
        """
        x = self._embed(tokens, prefix, aligned, style)
        n, slots = x.shape[1], cache.keys[0].shape[1]
        if n > slots:
            raise UserError(f"a start of {n} positions does not fit a cache of {slots} slots; make it longer")
        keys, values = [], []
        for i, block in enumerate(self.blocks):
            x, (k, v) = block(x)
            keys.append(cache.keys[i].at[:, :n].set(_flat(k)))
            values.append(cache.values[i].at[:, :n].set(_flat(v)))
        return self.head(self.ln_f(x[:, -1])), KVCache(tuple(keys), tuple(values), jnp.int32(n))

    def decode_step(
        self,
        cache: KVCache,
        token: Int[Array, " b"],
        *,
        aligned: Float[Array, "b a"] | None = None,
        style: Float[Array, "b e"] | None = None,
    ) -> tuple[Float[Array, "b v"], KVCache]:
        """Appends one code and returns the logits of the next.

        Args:
          cache: cache with at least one free slot; a full one is not detected.
          token: the code to append.
          aligned: its aligned feature, if the model has them.
          style: as in `__call__`.

        Returns:
          Logits of the code after `token`, and the cache with it.
        """
        x = self.tok_emb(token) + jax.lax.dynamic_index_in_dim(self.pos_emb, cache.length, keepdims=False)
        if aligned is not None:
            x = x + self.aligned_embedder(aligned)
        if style is not None:
            x = x + self.style_embedder(style)
        keys, values = [], []
        for i, block in enumerate(self.blocks):
            x, (k, v) = block.step(x, cache.keys[i], cache.values[i], cache.length)
            keys.append(k)
            values.append(v)
        return self.head(self.ln_f(x)), KVCache(tuple(keys), tuple(values), cache.length + 1)

    def _embed(
        self, tokens: Array | None, prefix: Array | None, aligned: Array | None, style: Array | None
    ) -> Float[Array, "b n d"]:
        """Lays out prefix and codes in one sequence and adds positions, aligned features and style."""
        parts = []
        if prefix is not None:
            parts.append(self.embedder(prefix))
        if tokens is not None:
            codes = self.tok_emb(tokens)
            parts.append(codes if aligned is None else codes + self.aligned_embedder(aligned))
        if not parts:
            raise UserError("the transformer got neither tokens nor a prefix; give it at least one of them")
        x = jnp.concatenate(parts, axis=1)
        if x.shape[1] > self.slots:
            raise UserError(
                f"a sequence of {x.shape[1]} positions is longer than the transformer's {self.slots} slots; "
                "raise `slots` or shorten the sequence"
            )
        x = x + self.pos_emb[: x.shape[1]]
        return x if style is None else x + self.style_embedder(style)[:, None]


def _flat(x: Float[Array, "b t h c"]) -> Float[Array, "bh t c"]:
    """Folds heads into the batch, as the cache stores them."""
    b, t, h, c = x.shape
    return x.transpose(0, 2, 1, 3).reshape(b * h, t, c)

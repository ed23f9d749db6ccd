"""The autoregressive decoder over sound tokens, with its explicit key-value cache (Du et al. 2023, 3.3).

Sequence: feature vectors of the videos (prefix), then codes. Everything, features included, is causal.
Three ways to condition: a prefix of features (the paper's), features added to the token of the same
moment (time-aligned), and one style vector added everywhere.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.blocks import Block
from vis2sound_jax.models.copy_head import CopyCache, CopyHead
from vis2sound_jax.models.layers import LayerNorm, Linear, uniform_fan_in

REMAT = {"dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable, "full": None}
"""What is kept of a block for the backward pass, by the name of `Transformer.remat`; the rest is computed again."""
_COPY_WIDTH = 64  # of one head that copies


class KVCache(NamedTuple):
    """Keys and values of the positions seen so far; passed in and returned, never stored in a module.

    The known start of e examples is held once for all takes of each; b = e * takes sequences go on from it.
    Heads and sequences share the first axis, heads first, then examples, then takes, because XLA copies the
    whole cache at every step when the array has four axes.

    Attributes:
      start_keys: per layer [heads*e, p, head_dim].
      start_values: per layer [heads*e, p, head_dim].
      keys: per layer [heads*b, s, head_dim].
      values: per layer [heads*b, s, head_dim].
      length: [] int32 number of positions so far, the start's p included; the same for all sequences.
      copies: what the copy head may copy; None without one.
    """

    start_keys: tuple[jax.Array, ...]
    start_values: tuple[jax.Array, ...]
    keys: tuple[jax.Array, ...]
    values: tuple[jax.Array, ...]
    length: jax.Array
    copies: CopyCache | None = None


class Transformer(nn.Module):
    """Decoder over codes, conditioned on features; the defaults are the paper's.

    The parameters of a way to condition exist only if `init` was given that input.

    Attributes:
      vocab: number of codes.
      slots: longest sequence, prefix included.
      layers: number of blocks.
      heads: attention heads; must divide `width`.
      width: size of a position's vector.
      remat: what the backward pass computes again to save memory: "none"; "dots", all but products of
        matrices; or "full", the inside of each block.
      scan: whether whole sequences go through the blocks in one loop, which compiles faster. Parameters stay one
        set a block; the loop stacks a copy of them.
      copy_heads: heads of the `CopyHead`; 0 has none. With them logits are logarithms of probabilities, and -inf
        for codes that are not of the next row.
      rows: rows of the code grid; for copies only.
      book: codes of each row's own book; for copies only, which need such books.
      dtype: type of the matrix products and of the cache; parameters, normalisation, softmax and logits
        are float32.
      attention: how whole sequences attend, one of `blocks.ATTENTIONS`; names, masks and values are the same. Steps
        with a cache have one way. "cudnn" needs an NVIDIA GPU and bfloat16.
    """

    vocab: int = 1024
    slots: int = 160
    layers: int = 24
    heads: int = 16
    width: int = 1024
    remat: str = "none"
    scan: bool = False
    copy_heads: int = 0
    rows: int = 1
    book: int = 0
    dtype: DTypeLike = jnp.float32
    attention: str = "own"

    def setup(self) -> None:
        """Builds embeddings, blocks and head."""
        small = nn.initializers.normal(0.02)
        self.tok_emb = nn.Embed(self.vocab, self.width, embedding_init=small)
        self.pos_emb = self.param("pos_emb", nn.initializers.zeros, (self.slots, self.width))
        self.embedder = nn.Dense(self.width, kernel_init=uniform_fan_in)
        self.aligned_embedder = nn.Dense(self.width, kernel_init=small)
        self.style_embedder = nn.Dense(self.width, kernel_init=small)
        block = Block
        if self.remat != "none":
            block = nn.remat(Block, methods=["__call__"], policy=REMAT[self.remat])
        self.blocks = [block(self.heads, self.width, self.dtype, self.attention) for _ in range(self.layers)]
        self.ln_f = LayerNorm()
        self.head = Linear(self.vocab, use_bias=False)
        if self.copy_heads:
            self.copy_head = CopyHead(self.copy_heads, _COPY_WIDTH, self.rows, self.book, self.dtype)

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
        x = self._through(tokens, prefix, aligned, style)
        logits = nn.with_logical_constraint(self.head(x), ("batch", None, "vocabulary"))
        return self._with_copies(logits, x, tokens) if self.copy_heads and tokens is not None else logits

    def by_row(
        self,
        tokens: Int[Array, "b t"],
        *,
        rows: int,
        book: int,
        prefix: Float[Array, "b p g"] | None = None,
        aligned: Float[Array, "b t a"] | None = None,
        style: Float[Array, "b e"] | None = None,
    ) -> Float[Array, "b t c"]:
        """Computes, where every row of the grid has a book of its own, the logits of the codes that may follow.

        They are those of `__call__` without all others, and cost as much less as there are rows.

        Args:
          tokens: as in `__call__`; t + 1 is a multiple of `rows`.
          rows: rows of the grid.
          book: codes in one row's book.
          prefix: as in `__call__`.
          aligned: as in `__call__`.
          style: as in `__call__`.

        Returns:
          For each token the logits of the c = `book` codes of the row after it, counted from the row's first.
        """
        return self._own_codes(self._through(tokens, prefix, aligned, style), tokens, rows, book)

    def _own_codes(
        self, x: Float[Array, "b n d"], tokens: Int[Array, "b t"], rows: int, book: int
    ) -> Float[Array, "b t c"]:
        """Says of each token which of its row's codes follows, from what the head reads."""
        (b, t), d = tokens.shape, x.shape[-1]
        # Nothing predicts the first token; its place makes the positions whole columns.
        x = jnp.pad(x[:, -t:], ((0, 0), (1, -(t + 1) % rows), (0, 0))).reshape(-1, rows, d)
        weight = self.head.variables["params"]["weight"][: rows * book].reshape(rows, book, d)
        logits = jnp.einsum("nrd,rcd->nrc", x, weight)
        if self.copy_heads:
            # What fills the last column is not copied: no column comes after it.
            grid = jnp.pad(tokens, ((0, 0), (0, 1 + -(t + 1) % rows))).reshape(b, -1, rows)
            whole = (b, -1, rows)
            logits = self.copy_head(
                x.reshape(*whole, d), self.tok_emb(grid), self._in_books(grid), logits.reshape(*whole, book)
            )
        return logits.reshape(b, -1, book)[:, 1 : t + 1]

    def _with_copies(self, logits: Array, x: Array, tokens: Array) -> Float[Array, "b n v"]:
        """Replaces the logits after each token by those of `by_row`, and by -inf for all codes that cannot follow."""
        t = tokens.shape[1]
        own = self._own_codes(x, tokens, self.rows, self.book)
        place = jnp.arange(self.vocab) - (jnp.arange(1, t + 1) % self.rows * self.book)[:, None]
        inside = (place >= 0) & (place < self.book)
        spread = jnp.take_along_axis(own, jnp.clip(place, 0, self.book - 1)[None], axis=-1)
        return logits.at[:, -t:].set(jnp.where(inside, spread, -jnp.inf))

    def _in_books(self, grid: Int[Array, "... r"]) -> Int[Array, "... r"]:
        """Counts tokens from the first of their row's book."""
        return grid - jnp.arange(self.rows) * self.book

    def _through(
        self, tokens: Array | None, prefix: Array | None, aligned: Array | None, style: Array | None
    ) -> Float[Array, "b n d"]:
        """Sends a sequence through all blocks, to what the head reads."""
        x = nn.with_logical_constraint(self._embed(tokens, prefix, aligned, style), ("batch", None, None))
        if self.scan and not self.is_initializing():
            x = self._looped(x)
        else:
            for block in self.blocks:
                x, _ = block(x)
        return self.ln_f(x)

    def _looped(self, x: Float[Array, "b n d"]) -> Float[Array, "b n d"]:
        """Sends a sequence through the blocks as turns of one loop."""
        every = [block.variables["params"] for block in self.blocks]
        block = Block(self.heads, self.width, self.dtype, self.attention, parent=None)

        def turn(x: Array, params: Any) -> tuple[Array, None]:
            return block.apply({"params": params}, x)[0], None

        if self.remat != "none":
            turn = jax.checkpoint(turn, policy=REMAT[self.remat])
        x, _ = jax.lax.scan(turn, x, jax.tree.map(lambda *leaves: jnp.stack(leaves), *every))
        return x

    def prefill(
        self,
        tokens: Int[Array, "b t"] | None = None,
        *,
        prefix: Float[Array, "b p g"] | None = None,
        aligned: Float[Array, "b t a"] | None = None,
        style: Float[Array, "b e"] | None = None,
        takes: int = 1,
        room: int | None = None,
    ) -> tuple[Float[Array, "n v"], KVCache]:
        """Runs the known start of each example at once, for all takes of it together.

        Args:
          tokens: as in `__call__`.
          prefix: as in `__call__`.
          aligned: as in `__call__`.
          style: as in `__call__`.
          takes: number of sequences that go on from each start, side by side.
          room: further positions that the cache has room for; None stands for all that `slots` allow.

        Returns:
          The logits of the last position of n = b * takes sequences, and the cache.

        Raises:
          UserError: as `__call__`, if start and room are longer than `slots`, and if a network that copies does not
            start with whole columns of codes.
        """
        x = self._embed(tokens, prefix, aligned, style)
        b, p, _ = x.shape
        room = self.slots - p if room is None else room
        if p + room > self.slots:
            raise UserError(f"a start of {p} positions leaves no room for {room} in {self.slots} slots; raise `slots`")
        start = []
        for block in self.blocks:
            x, pair = block(x)
            start.append(tuple(_by_head(part) for part in pair))
        copies = None
        if self.copy_heads:
            logits, copies = self._start_copying(self.ln_f(x), tokens, takes, room)
        else:
            logits = jnp.repeat(self.head(self.ln_f(x[:, -1])), takes, axis=0)
        shape = (self.heads * b * takes, room, self.width // self.heads)
        empty = tuple(jnp.zeros(shape, self.dtype) for _ in range(self.layers))
        start_keys, start_values = zip(*start, strict=True)
        return logits, KVCache(start_keys, start_values, empty, empty, jnp.int32(p), copies)

    def _start_copying(
        self, x: Float[Array, "e n d"], tokens: Int[Array, "e t"] | None, takes: int, room: int
    ) -> tuple[Float[Array, "b v"], CopyCache]:
        """The logits after a start, and what of the start may be copied."""
        t = 0 if tokens is None else tokens.shape[1]
        if tokens is None or not t or t % self.rows:
            raise UserError(f"a start of {t} codes is no number of columns of {self.rows}; give whole columns")
        grid = tokens.reshape(len(tokens), -1, self.rows)
        states = jnp.pad(x[:, -t:-1], ((0, 0), (1, 0), (0, 0))).reshape(*grid.shape, -1)
        state = x[:, -1].repeat(takes, axis=0).T
        cache = self.copy_head.start(states, self.tok_emb(grid), self._in_books(grid), state, room)
        return self._mixed(cache, jnp.int32(0)), cache

    def _mixed(self, cache: CopyCache, slot: Array) -> Float[Array, "b v"]:
        """The logits of the code for a slot; the head is multiplied with the row's own book alone."""
        first = slot % self.rows * self.book
        weight = jax.lax.dynamic_slice_in_dim(self.head.variables["params"]["weight"], first, self.book)
        logits = self.copy_head.mixed(cache, weight @ cache.state, slot)
        nothing = jnp.full((cache.state.shape[1], self.vocab), -jnp.inf)
        return jax.lax.dynamic_update_slice(nothing, logits.T, (0, first))

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
        code = self.tok_emb(token)
        x = code + jax.lax.dynamic_index_in_dim(self.pos_emb, cache.length, keepdims=False)
        if aligned is not None:
            x = x + self.aligned_embedder(aligned)
        if style is not None:
            x = x + self.style_embedder(style)
        x, grown = x.T, []
        slot = cache.length - cache.start_keys[0].shape[1]
        layers = zip(zip(*cache[:2], strict=True), zip(*cache[2:4], strict=True), strict=True)
        for block, (start, own) in zip(self.blocks, layers, strict=True):
            x, own = block.step(x, start, own, slot)
            grown.append(own)
        keys, values = zip(*grown, strict=True)
        state: Array = self.ln_f(x, columns=True)
        copies = cache.copies
        if copies is None:
            logits = self.head(state, columns=True).T
        else:
            own_code = token - slot % self.rows * self.book
            copies = self.copy_head.append(copies, own_code, code.T, slot)._replace(state=state)
            logits = self._mixed(copies, slot + 1)
        return logits, cache._replace(keys=keys, values=values, length=cache.length + 1, copies=copies)

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


def _by_head(x: Float[Array, "b t h c"]) -> Float[Array, "hb t c"]:
    """Folds heads and examples into one axis, heads first, as the cache stores them."""
    b, t, h, c = x.shape
    return x.transpose(2, 0, 1, 3).reshape(h * b, t, c)

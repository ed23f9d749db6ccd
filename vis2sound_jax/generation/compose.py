"""Samples codes for a film of any length from the transformer, several takes at once.

A first window is sampled from nothing; every further window keeps half of the window before it as known
codes, so that takes go on without a seam.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num, PRNGKeyArray

from vis2sound_jax.decoding.loop import generate
from vis2sound_jax.decoding.sampling import guided, restrict, sample
from vis2sound_jax.models.conditioning import hide
from vis2sound_jax.models.grid import grid_from_tokens
from vis2sound_jax.models.transformer import Transformer

VideoFn = Callable[[int], Float[np.ndarray, "p g"]]
"""Column → video features [p, g] of the window that begins there."""


@dataclasses.dataclass(frozen=True)
class Composer:
    """The transformer with the rules of sampling.

    Attributes:
      net: the transformer; its last token is the mask token if `maskable`.
      rows: rows of the code grid.
      book: codes of one row's own book; 0 where rows share one.
      codes: codes in a book.
      columns: columns of a window.
      prefix: whether the video comes as a prefix.
      maskable: whether the network was trained with hidden conditions.
      temperature: above 0; below 1 sharpens.
      top_k: number of likeliest codes to draw from.
      guidance: 1 samples from the conditional distribution; more exaggerates what film and example change.
    """

    net: Transformer
    rows: int
    book: int
    codes: int
    columns: int
    prefix: bool
    maskable: bool
    temperature: float
    top_k: int
    guidance: float

    def window(
        self,
        params: Any,
        batch: Mapping[str, Any],
        known: Int[Array | np.ndarray, "b m"],
        key: PRNGKeyArray,
        *,
        takes: int,
    ) -> Int[Array, "s r k"]:
        """Samples the rest of one window; all takes share one prefill.

        Args:
          params: of the network.
          batch: `condition` [b, n], `condition_video`, `target_video` and `style`; see `models.conditioning`.
          known: the target's first m tokens, m a multiple of `rows`.
          key: random key.
          takes: takes of each example.

        Returns:
          Grids [b * takes, rows, columns], known columns included, takes of one example side by side.
        """
        return _window(self, takes, params, {**batch, "known": known}, key)

    def hidden(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Hides the condition of every example, but not the film."""
        everywhere = jnp.ones(len(batch["condition"]), bool)
        return hide(batch, everywhere, mask_token=self.net.vocab - 1, film=False)

    def film(
        self,
        params: Any,
        conditions: Sequence[Mapping[str, Num[np.ndarray, "..."]]],
        video: VideoFn,
        columns: int,
        key: PRNGKeyArray,
        *,
        takes: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> Int[np.ndarray, "takes r k"]:
        """Samples a whole film.

        Args:
          params: of the network.
          conditions: `condition` [n], `condition_video` [p, g] and `style` [e] of a window of the example; each
            window of the film takes the next one, and after the last the first again.
          video: features of any window of the film; beyond its end, of its last frame.
          columns: length of the film.
          key: random key.
          takes: number of takes.
          progress: called with (columns done, columns).

        Returns:
          Grids of `columns` columns.
        """
        half, starts = self.columns // 2, self.starts(columns)
        # Every window but the first keeps half of what is there and adds half a window.
        grids = np.zeros((takes, self.rows, starts[-1] + self.columns), np.int32)
        filled = 0
        for number, start in enumerate(starts):
            batch = {name: value[None] for name, value in conditions[number % len(conditions)].items()}
            batch["target_video"] = video(start)[None]
            known = np.zeros((1, 0), np.int32)
            if filled:
                batch = {name: np.repeat(value, takes, axis=0) for name, value in batch.items()}
                shifted = grids[:, :, start:filled] + np.arange(self.rows)[:, None] * self.book
                known = shifted.transpose(0, 2, 1).reshape(takes, -1).astype(np.int32)
            step_takes = 1 if filled else takes
            grid = np.asarray(self.window(params, batch, known, jax.random.fold_in(key, number), takes=step_takes))
            fresh = grid[:, :, self.columns - half :] if filled else grid
            grids[:, :, filled : filled + fresh.shape[2]] = fresh
            filled += fresh.shape[2]
            if progress:
                progress(min(filled, columns), columns)
        return grids[:, :, :columns]

    def starts(self, columns: int) -> list[int]:
        """Returns the first columns of the windows over a film of so many columns; neighbours share a half."""
        half = self.columns // 2
        return list(range(0, max(columns - self.columns, 0) + half, half)) if columns > self.columns else [0]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _window(composer: Composer, takes: int, params: Any, batch: Mapping[str, Any], key: Array) -> Array:
    known = batch["known"]
    n, m = composer.rows * composer.columns, known.shape[1]
    branches = _branches(composer, batch)
    video = jnp.concatenate([branches["condition_video"], branches["target_video"]], axis=1)
    start: dict[str, Any] = {"tokens": jnp.concatenate([branches["condition"], branches["known"]], axis=1)}
    every: dict[str, Any] = {}
    ahead = None
    if composer.prefix:
        start["prefix"] = video
    else:
        start |= {"aligned": video[:, 1 : n + m + 1], "style": branches["style"]}
        ahead = jnp.pad(video[:, n + m + 1 :], ((0, 0), (0, 1), (0, 0))).repeat(takes, axis=0)
        every["style"] = branches["style"].repeat(takes, axis=0)
    apply = functools.partial(composer.net.apply, {"params": params})
    logits, cache = apply(**start, takes=takes, room=n - m, method="prefill")

    def step(cache: Any, token: Array, inputs: Any) -> tuple[Array, Any]:
        aligned, row = inputs
        tokens = jnp.tile(token, len(video) // len(known))
        found, cache = apply(cache, tokens, aligned=aligned, **every, method="decode_step")
        return _drawable(composer, found, row[0], len(token)), cache

    rows = (jnp.arange(1, n - m + 1) % composer.rows)[None]
    first = _drawable(composer, logits, jnp.int32(0), takes * len(known))
    fresh = generate(step, cache, first, key, n - m, choose=sample, aligned=(ahead, rows))
    tokens = jnp.concatenate([known.repeat(takes, axis=0), fresh], axis=1)
    return grid_from_tokens(tokens, composer.rows, composer.book)


def _drawable(composer: Composer, logits: Array, row: Array, sequences: int) -> Array:
    """Merges the branches of guidance and leaves the likeliest codes of the row's book, to be drawn from.

    Only that book is looked at: to find the likeliest of all tokens, they would have to be sorted.
    """
    first = (0, row * composer.book)
    own = jax.lax.dynamic_slice(logits, first, (len(logits), composer.codes))
    if len(own) > sequences:
        own = guided(own[:sequences], own[sequences:], composer.guidance)
    own = restrict(own, temperature=composer.temperature, top_k=composer.top_k)
    return jax.lax.dynamic_update_slice(jnp.full((sequences, composer.net.vocab), -jnp.inf), own, first)


def _branches(composer: Composer, batch: Mapping[str, Any]) -> dict[str, Array]:
    """Doubles the batch where guidance needs a branch without film and example."""
    shown = {name: jnp.asarray(value) for name, value in batch.items()}
    if not composer.maskable or composer.guidance == 1.0:
        return shown
    everywhere = jnp.ones(shown["condition"].shape[0], bool)
    hidden = hide(shown, everywhere, mask_token=composer.net.vocab - 1, film=True)
    return {name: jnp.concatenate([value, hidden[name]]) for name, value in shown.items()}

"""Samples codes for a film of any length from the transformer, several takes at once.

A first window is sampled from nothing; every further window keeps half of the window before it as known
codes, so that takes go on without a seam.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from vis2sound_jax.decoding.loop import generate, tile_takes
from vis2sound_jax.decoding.sampling import guided, sample
from vis2sound_jax.models.conditioning import hide
from vis2sound_jax.models.grid import allowed_tokens, grid_from_tokens
from vis2sound_jax.models.transformer import Transformer

VideoFn = Callable[[int], np.ndarray]
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
        self, params: Any, batch: Mapping[str, Any], known: Int[Array | np.ndarray, "b m"], key: Array, *, takes: int
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
        condition: Mapping[str, np.ndarray],
        video: VideoFn,
        columns: int,
        key: Array,
        *,
        takes: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> Int[np.ndarray, "takes r k"]:
        """Samples a whole film.

        Args:
          params: of the network.
          condition: `condition` [n], `condition_video` [p, g] and `style` [e] of the example.
          video: features of any window of the film; beyond its end, of its last frame.
          columns: length of the film.
          key: random key.
          takes: number of takes.
          progress: called with (columns done, columns).

        Returns:
          Grids of `columns` columns.
        """
        half = self.columns // 2
        starts = list(range(0, max(columns - self.columns, 0) + half, half)) if columns > self.columns else [0]
        done: np.ndarray | None = None
        for number, start in enumerate(starts):
            batch = {name: value[None] for name, value in condition.items()}
            batch["target_video"] = video(start)[None]
            known = np.zeros((1, 0), np.int32)
            if done is not None:
                batch = {name: np.repeat(value, takes, axis=0) for name, value in batch.items()}
                shifted = done[:, :, start:] + np.arange(self.rows)[:, None] * self.book
                known = shifted.transpose(0, 2, 1).reshape(takes, -1).astype(np.int32)
            step_takes = takes if done is None else 1
            grid = self.window(params, batch, known, jax.random.fold_in(key, number), takes=step_takes)
            fresh = np.asarray(grid) if done is None else np.asarray(grid)[:, :, self.columns - half :]
            done = fresh if done is None else np.concatenate([done, fresh], axis=2)
            if progress:
                progress(min(done.shape[2], columns), columns)
        assert done is not None  # there is always a first window
        return done[:, :, :columns]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _window(composer: Composer, takes: int, params: Any, batch: Mapping[str, Any], key: Array) -> Array:
    net, b = composer.net, batch["condition"].shape[0]
    n = composer.rows * composer.columns
    m = batch["known"].shape[1]
    branches = _branches(composer, batch)
    video = jnp.concatenate([branches["condition_video"], branches["target_video"]], axis=1)
    start: dict[str, Any] = {"tokens": jnp.concatenate([branches["condition"], branches["known"]], axis=1)}
    size = branches["condition"].shape[0]
    slots = 2 * n + (video.shape[1] if composer.prefix else 0)
    style = None if composer.prefix else branches["style"]
    if composer.prefix:
        start["prefix"], steps = video, None
    else:
        start |= {"aligned": video[:, 1 : n + m + 1], "style": style}
        ahead = jnp.pad(video[:, n + m + 1 :], ((0, 0), (0, 1), (0, 0)))
        steps = tile_takes(ahead, size, takes)
        style = tile_takes(style, size, takes)
    weights = {"params": params}
    logits, cache = net.apply(weights, net.init_cache(size, slots), method="prefill", **start)
    cache, logits = tile_takes(cache, size, takes), tile_takes(logits, size, takes)
    allowed = allowed_tokens(composer.rows, composer.book, composer.codes, net.vocab)

    def merge(found: Array, row: Array) -> Array:
        halves = jnp.split(found, size // b)
        if len(halves) == 2:
            found = guided(halves[0], halves[1], composer.guidance)
        return jnp.where(allowed[row], found, -jnp.inf)

    def step(cache: Any, token: Array, inputs: Any) -> tuple[Array, Any]:
        aligned, row = inputs
        found, cache = net.apply(
            weights, cache, jnp.tile(token, size // b), aligned=aligned, style=style, method="decode_step"
        )
        return merge(found, row[0]), cache

    choose = functools.partial(sample, temperature=composer.temperature, top_k=composer.top_k)
    rows = (jnp.arange(1, n - m + 1) % composer.rows)[None]
    fresh = generate(step, cache, merge(logits, jnp.int32(0)), key, n - m, choose=choose, aligned=(steps, rows))
    known = jnp.repeat(batch["known"], takes, axis=0)
    return grid_from_tokens(jnp.concatenate([known, fresh], axis=1), composer.rows, composer.book)


def _branches(composer: Composer, batch: Mapping[str, Any]) -> dict[str, Array]:
    """Doubles the batch where guidance needs a branch without film and example."""
    shown = {name: jnp.asarray(value) for name, value in batch.items()}
    if not composer.maskable or composer.guidance == 1.0:
        return shown
    everywhere = jnp.ones(shown["condition"].shape[0], bool)
    hidden = hide(shown, everywhere, mask_token=composer.net.vocab - 1, film=True)
    return {name: jnp.concatenate([value, hidden[name]]) for name, value in shown.items()}

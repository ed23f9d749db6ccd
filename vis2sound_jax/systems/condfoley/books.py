"""Fits the books of a `PatchCoder` to the training recordings: k-means, then one checkpoint."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.models.codebook import perplexity
from vis2sound_jax.models.patch_coder import KMEANS_ITERATIONS, PatchCoder, fit_books
from vis2sound_jax.training.checkpoint import Checkpointer
from vis2sound_jax.training.keys import named_key, named_rng
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.training.writer import MetricsWriter

_COLUMNS = 40_000
"""Columns that take part at most: an hour of sound; more changes little and takes memory."""


def fit(
    net: PatchCoder,
    mels: Iterable[Float[np.ndarray, "f _"]],
    held: Iterable[Float[np.ndarray, "f _"]],
    workdir: Path,
    *,
    seed: int,
    start: Mapping[str, Any] | None = None,
) -> TrainState:
    """Fits and saves.

    Args:
      net: the coder.
      mels: log-mels [f, t] in [0, 1] of the training recordings.
      held: those of recordings held out, only measured.
      workdir: gets `checkpoints/` and `metrics.jsonl`.
      seed: chooses columns and first codes.
      start: books of an earlier run to go on from.

    Returns:
      The fitted books as a state; its step counts the rounds of k-means.

    Raises:
      UserError: if there is too little sound, or the disk is full.
    """
    columns = _columns(mels, net.frames)
    chosen = named_rng(seed, "books").permutation(len(columns))[:_COLUMNS]
    with Progress(net.rows, "codebook", unit="book") as progress:
        key, patches = named_key(seed, "books"), jnp.asarray(columns[np.sort(chosen)])
        earlier = jax.tree.map(jnp.asarray, dict(start)) if start else None
        books = fit_books(net, patches, key, start=earlier, progress=progress.reach)
    state = TrainState(jnp.int32(KMEANS_ITERATIONS), books, {}, {})
    with MetricsWriter(workdir, step=0) as writer:
        found = {"train": columns, "held_out": _columns(held, net.frames)}
        values = [_measure(net, books, part, name) for name, part in found.items() if len(part)]
        writer.write(KMEANS_ITERATIONS, {name: value for part in values for name, value in part.items()})
    with Checkpointer(workdir / "checkpoints", alone=True) as checkpointer:
        # One that was killed before it was marked as finished left the same.
        checkpointer.save(state, None, replace=True)
    return state


def _columns(mels: Iterable[Float[np.ndarray, "f _"]], frames: int) -> Float32[np.ndarray, "n f w"]:
    cut = [mel[:, : mel.shape[1] // frames * frames] for mel in mels]
    parts = [mel.reshape(len(mel), -1, frames).swapaxes(0, 1) for mel in cut]
    return np.concatenate([np.zeros((0, 1, frames)) if not parts else parts[0][:0], *parts]).astype(np.float32)


def _measure(net: PatchCoder, books: Any, columns: np.ndarray, name: str) -> dict[str, float]:
    """Mean absolute error of the log-mel and how evenly each kind of book is used."""
    grid = net.apply({"params": books}, columns, method="encode")
    error = jnp.mean(jnp.abs(jnp.asarray(net.apply({"params": books}, grid, method="decode")) - columns))
    used = [float(perplexity(row, net.codes)) for row in jnp.asarray(grid).swapaxes(0, 1)]
    return {
        f"{name}/error": float(error),
        f"{name}/perplexity_outline": used[0],
        f"{name}/perplexity_details": float(np.mean(used[1:])),
    }

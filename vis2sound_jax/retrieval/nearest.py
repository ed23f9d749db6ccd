"""Nearest neighbours in L1 distance, a block of rows at a time.

Visually Indicated Sounds copies the training sound whose cochleagram around the impact is nearest to the predicted
one, in L1 distance over the flattened window (Owens et al. 2016, section 5.2).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Float32, Int

from vis2sound_jax.errors import UserError

HIT_OFFSET, HIT_STEPS = 19, 24
"""The window of 8 frames that begins one frame before the impact, within the 45 steps of a clip."""

_ROWS = 2048  # exemplars and
_QUERIES = 64  # queries compared at a time


def nearest_l1(
    queries: Float[np.ndarray, "q w c"],
    clips: Float[np.ndarray, "e t c"],
    *,
    offset: int = 0,
    candidates: Bool[np.ndarray, "*q e"] | None = None,
) -> tuple[Int[np.ndarray, "q"], Float32[np.ndarray, "q"]]:
    """Finds the clip nearest to each query in L1 distance over all steps and channels.

    Args:
      queries: compressed envelopes; w = 45 with offset 0 compares whole clips, `HIT_STEPS` with `HIT_OFFSET` what
        follows an impact.
      clips: compressed envelopes around impacts; may be mapped from disk and is read once, block by block.
      offset: step of the clips at which the queries begin.
      candidates: clips that may be found, [e] for all queries or [q, e]; all by default.

    Returns:
      Index of each nearest clip, the first of equals, and its distance.

    Raises:
      UserError: if a query has no candidate.
      ValueError: if the queries do not fit the clips, or are not finite.
    """
    (count, width, channels), (total, steps) = queries.shape, clips.shape[:2]
    if not 0 <= offset <= steps - width or channels != clips.shape[2] or not np.isfinite(queries).all():
        raise ValueError(f"queries {queries.shape} at step {offset} must be finite and fit clips {clips.shape}")
    pool = np.broadcast_to(True if candidates is None else candidates, (count, total))
    if not pool.any(axis=1).all():
        raise UserError(f"query {pool.any(axis=1).argmin()} has no exemplar to choose from; widen its candidates")
    found, least = np.zeros(count, np.int64), np.full(count, np.inf, np.float32)
    for first in range(0, total, _ROWS):
        block = np.asarray(clips[first : first + _ROWS, offset : offset + width])
        away = _distances(
            queries.reshape(count, width * channels), block.reshape(len(block), width * channels), min(_ROWS, total)
        )
        away = np.where(pool[:, first : first + len(block)], away, np.inf)
        best = away.argmin(axis=1)
        nearer = away.min(axis=1) < least
        found, least = np.where(nearer, first + best, found), np.minimum(away.min(axis=1), least)
    return found, least


def windows_at(
    features: Float[np.ndarray, "t c"],
    impacts: Int[np.ndarray, "q"],
    *,
    before: int,
    steps: int,
) -> Float[np.ndarray, "q w c"]:
    """Cuts the windows that `nearest_l1` takes out of a long prediction.

    Args:
      features: compressed envelopes of a film.
      impacts: steps at which impacts lie.
      before: steps of a window before its impact: 22 for whole clips, 3 for windows at `HIT_OFFSET`.
      steps: length of a window.

    Returns:
      One window an impact; beyond an end of the film its last step is repeated.
    """
    places = np.asarray(impacts)[:, None] - before + np.arange(steps)
    return features[np.clip(places, 0, len(features) - 1)]


def _distances(queries: np.ndarray, rows: np.ndarray, count: int) -> Float32[np.ndarray, "q e"]:
    """Compares all queries with a block of rows, both padded so that one shape is compiled."""
    rows_there, size = jnp.asarray(_padded(rows, count)), min(_QUERIES, len(queries))
    parts = [queries[k : k + size].astype(np.float32) for k in range(0, len(queries), max(size, 1))]
    away = [np.asarray(_l1(_padded(part, size), rows_there))[: len(part), : len(rows)] for part in parts]
    return np.concatenate([np.zeros((0, len(rows)), np.float32), *away])


@jax.jit
def _l1(queries: Float[Array, "q d"], rows: Float[Array, "e d"]) -> Float[Array, "q e"]:
    """Compiled to one loop: the differences never exist all at once."""
    return jnp.abs(queries[:, None] - rows[None].astype(queries.dtype)).sum(axis=-1)


def _padded(rows: np.ndarray, count: int) -> np.ndarray:
    """Fills up with zeros, so that one shape is compiled."""
    return np.pad(rows, ((0, count - len(rows)), (0, 0)))

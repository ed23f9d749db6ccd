"""Runs the scorer of synchronisation over soundtracks of films of any length."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.moments import sound_at_frames
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.models.sync import SyncNet


def offset_logits(
    net: SyncNet,
    params: Any,
    seen: Seen,
    mels: Sequence[Float32[np.ndarray, "f s"]],
    window: int,
    *,
    hop_s: float,
    fps: float,
    first_frame_s: float = 0.0,
) -> Float32[np.ndarray, "n k"]:
    """Says how late each of several soundtracks of one film is.

    Args:
      net: the scorer.
      params: of the scorer.
      seen: what the video encoder says of the film, t frames.
      mels: log-mels in [0, 1] of the soundtracks; they are looked up at four moments of every frame.
      window: frames to compare at a time; one size is compiled. Evidence of windows adds up.
      hop_s: time between the columns of the log-mels in seconds.
      fps: frames a second of the film.
      first_frame_s: time in the soundtracks at which the first frame begins.

    Returns:
      [n, 2 lags + 1] logits; class k says that the sound is k - lags frames late.
    """
    t = len(seen.onset)
    total = np.zeros((len(mels), 2 * net.lags + 1), np.float32)
    for start in range(0, t, window):
        shown = np.minimum(start + np.arange(window), t - 1)
        mask = (start + np.arange(window) < t).astype(np.float32)
        film = seen.features[shown].astype(np.float32), seen.onset[shown].astype(np.float32)
        n = min(window, t - start)
        sounds = np.stack([sound_at_frames(mel, hop_s, fps, first_frame_s, n, first=start) for mel in mels])
        held = np.pad(sounds, ((0, 0), (0, window - n), (0, 0), (0, 0)), mode="edge")
        total += np.asarray(_compare(net, params, *film, held, mask))
    return total


@functools.partial(jax.jit, static_argnums=0)
def _compare(
    net: SyncNet, params: Any, features: jax.Array, onset: jax.Array, sounds: jax.Array, mask: jax.Array
) -> jax.Array:
    """One window of film beside all soundtracks."""
    n = len(sounds)
    film = [jnp.broadcast_to(x, (n, *x.shape)) for x in (features, onset)]
    return net.apply({"params": params}, *film, sounds, jnp.broadcast_to(mask, (n, *mask.shape)))

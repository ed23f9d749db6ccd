"""Runs the video encoder over films of any length, in windows of one size."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from vis2sound_jax.models.impact_net import ImpactNet

WINDOW_FRAMES = 150
_OVERLAP_FRAMES = 50


class Seen(NamedTuple):
    """What the encoder says of a film.

    Attributes:
      features: [t, d] float32, one vector a frame.
      onset: [t] float32, probability that an event begins in the frame.
    """

    features: np.ndarray
    onset: np.ndarray


@dataclasses.dataclass(frozen=True)
class Watcher:
    """The encoder with its rate.

    Attributes:
      net: the encoder.
      mirrored: also watch the mirror image and average; twice the work, somewhat surer onsets.
    """

    net: ImpactNet
    mirrored: bool = False

    def watch(self, params: Any, frames: UInt8[np.ndarray, "t h w"]) -> Seen:
        """Watches a film.

        Args:
          params: of the encoder.
          frames: grey frames at the rate that the encoder was trained on, at least one.

        Returns:
          Features and onset probability of every frame; overlapping windows are cross-faded.
        """
        t = len(frames)
        step = WINDOW_FRAMES - _OVERLAP_FRAMES
        starts = [*range(0, max(t - WINDOW_FRAMES, 0), step), max(t - WINDOW_FRAMES, 0)]
        features = np.zeros((t, self.net.width), np.float32)
        logits, weight = np.zeros(t, np.float32), np.zeros(t, np.float32)
        for start in starts:
            clip = frames[start : start + WINDOW_FRAMES]
            shown = len(clip)
            # One size of window is compiled. A shorter film goes on backwards, so that its contrast of motion,
            # to which the encoder relates everything, stays what it is.
            held = np.pad(clip, ((0, WINDOW_FRAMES - shown), (0, 0), (0, 0)), mode="symmetric")
            seen = jax.device_get(_see(self.net, self.mirrored, params, held))
            fade = np.minimum(np.arange(1, shown + 1), np.arange(shown, 0, -1)).clip(max=_OVERLAP_FRAMES)
            place = slice(start, start + shown)
            features[place] += seen.features[:shown] * fade[:, None]
            logits[place] += seen.onset[:shown] * fade
            weight[place] += fade
        probability = 1.0 / (1.0 + np.exp(-logits / weight))
        return Seen(features / weight[:, None], probability.astype(np.float32))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _see(net: ImpactNet, mirrored: bool, params: Any, frames: UInt8[np.ndarray, "t h w"]) -> Seen:
    grey = frames[None].astype(jnp.float32) / 255.0
    views = jnp.concatenate([grey, grey[..., ::-1]]) if mirrored else grey
    found = net.apply({"params": params}, views)
    return Seen(found.features.mean(0), found.onset.mean(0))

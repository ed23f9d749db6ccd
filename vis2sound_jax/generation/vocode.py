"""A vocoder network behind the call that Griffin-Lim has."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from vis2sound_jax.models.vocoder import MelGAN

_FRAMES = 64


@dataclasses.dataclass(frozen=True)
class NetVocoder:
    """See `audio.synthesis.Vocoder`; deterministic.

    Attributes:
      net: the network.
      params: its weights.
    """

    net: MelGAN
    params: Any

    def __call__(self, logmel: Float[Array, "b f t"], key: Array) -> Float[Array, "b n"]:
        """Returns waveforms of t * hop samples; a few lengths are compiled, whatever t is."""
        t = logmel.shape[-1]
        padded = jnp.pad(logmel, ((0, 0), (0, 0), (0, -t % _FRAMES)))
        return _sound(self.net, self.params, padded)[:, : t * self.net.hop]


@functools.partial(jax.jit, static_argnums=0)
def _sound(net: MelGAN, params: Any, logmel: Array) -> Array:
    return net.apply({"params": params}, logmel)

"""Any codebook behind one pair of functions: log-mels in [0, 1] to codes and back."""

import dataclasses
import functools
from typing import Any

import jax
from jaxtyping import Array, Float, Int

from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.patch_coder import PatchCoder
from vis2sound_jax.models.vqgan import VQGAN


@dataclasses.dataclass(frozen=True)
class Coder:
    """A coder of log-mels; its weights are arguments.

    Attributes:
      net: the network. A VQGAN works on [-1, 1], the others on [0, 1].
    """

    net: PatchCoder | BandCoder | VQGAN

    @property
    def looks_around(self) -> bool:
        """Whether a code depends on the whole image, so that every window has to be encoded by itself."""
        return isinstance(self.net, VQGAN)

    def encode(self, params: Any, mel: Float[Array, "b f t"]) -> Int[Array, "b r k"]:
        """Returns the codes of log-mels in [0, 1]."""
        return _encode(self.net, params, mel)

    def decode(self, params: Any, grid: Int[Array, "b r k"]) -> Float[Array, "b f t"]:
        """Returns the log-mels, nominally in [0, 1], of grids of codes."""
        return _decode(self.net, params, grid)


@functools.partial(jax.jit, static_argnums=0)
def _encode(net: Any, params: Any, mel: Array) -> Array:
    return net.apply({"params": params}, 2.0 * mel - 1.0 if isinstance(net, VQGAN) else mel, method="encode")


@functools.partial(jax.jit, static_argnums=0)
def _decode(net: Any, params: Any, grid: Array) -> Array:
    if isinstance(net, VQGAN):
        return 0.5 * (net.apply({"params": params}, grid, method="decode_code") + 1.0)
    return net.apply({"params": params}, grid, method="decode")

"""LPAPS: how different two log-mels are for a network that names sounds (Iashin and Rahtu 2021, section 3).

It is LPIPS (Zhang et al. 2018, section 3) with VGGish-ish in the place of a network for images. The released codebooks
were trained with random weights in it, since their training never loaded it, and those random weights are what their
files hold.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.models.vggishish import VggFeatures

DROPOUT = 0.5
"""Share of squared differences left out in training."""


class Lpaps(nn.Module):
    """Perceptual distance of log-mels.

    Collection `constants` holds `shift` and `scale` [f], by which bands are standardised.

    Attributes:
      channels: see `VggFeatures`.
    """

    channels: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)

    @nn.compact
    def __call__(
        self, one: Float[Array, "b f t"], other: Float[Array, "b f t"], *, dropout_key: Array | None = None
    ) -> Float[Array, "b"]:
        """Measures the distance of each pair.

        Args:
          one: log-mels in [-1, 1], at least 16 bands and frames.
          other: log-mels of the same shape.
          dropout_key: random key of the dropout before each level's weights; None leaves it out.

        Returns:
          Distances, 0 for equal log-mels. With weights of both signs, as random ones are, they can be negative.
        """
        bands = one.shape[1]
        shift = self.variable("constants", "shift", jnp.zeros, (bands,)).value[:, None]
        scale = self.variable("constants", "scale", jnp.ones, (bands,)).value[:, None]
        features = VggFeatures(self.channels, name="features")
        pairs = zip(features((one - shift) / scale), features((other - shift) / scale), strict=True)
        total = jnp.zeros(one.shape[0])
        for level, (a, b) in enumerate(pairs):
            squared = (_unit(a) - _unit(b)) ** 2
            if dropout_key is not None:
                kept = jax.random.bernoulli(jax.random.fold_in(dropout_key, level), 1 - DROPOUT, squared.shape)
                squared = jnp.where(kept, squared / (1 - DROPOUT), 0.0)
            weight = self.param(f"weight_{level}", nn.initializers.uniform(0.1), (squared.shape[-1],))
            total += jnp.mean(squared @ weight, axis=(1, 2))
        return total


def _unit(x: Float[Array, "b y x c"]) -> Float[Array, "b y x c"]:
    """Features of length 1 over the channels; zeros stay zeros, with a finite gradient."""
    squares = jnp.sum(x**2, axis=-1, keepdims=True)
    length = jnp.sqrt(jnp.where(squares > 0, squares, 1.0))
    return x / (jnp.where(squares > 0, length, 0.0) + 1e-10)

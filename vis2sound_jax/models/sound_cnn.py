"""A small convolutional network that tells classes of sound by their spectrograms, to judge what others make."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.models.patches import next_patches

_HE = nn.initializers.he_normal()


class SoundCNN(nn.Module):
    """Levels of 3 x 3 convolutions, each of which halves both axes, then means over what is left.

    Attributes:
      classes: c.
      widths: channels of the levels.
      pool: columns and bins that are averaged before the first level.
    """

    classes: int
    widths: tuple[int, ...] = (16, 32, 64)
    pool: int = 4

    @nn.compact
    def __call__(self, x: Float[Array, "b k f"]) -> Float[Array, "b c"]:
        """Returns logits.

        Args:
          x: log-amplitudes, at least `pool` columns and bins.
        """
        b, k, f = x.shape
        rows, columns = k // self.pool, f // self.pool
        cut = x[:, : rows * self.pool, : columns * self.pool]
        x = cut.reshape(b, rows, self.pool, columns, self.pool).mean(axis=(2, 4))[:, None, :, :, None]
        for level, width in enumerate(self.widths):
            # Patches times a matrix are on the CPU several times faster than a convolution of so few channels.
            x = nn.relu(nn.Dense(width, kernel_init=_HE, name=f"level_{level}")(next_patches(x)))
        found = jax.nn.relu(nn.Dense(64, kernel_init=_HE, name="joined")(jnp.concatenate([x.mean(2), x.max(2)], -1)))
        return nn.Dense(self.classes, name="classes")(found.mean(axis=(1, 2)))

"""The first convolutions of VGG19 (Simonyan and Zisserman 2015), as far as style transfer looks into it."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# Pooling follows the last convolution of each block.
_POOLED = (2, 4)


class VGG19Head(nn.Module):
    """Five convolutions of 3 x 3, named `conv1` … `conv5`: an image to the responses of each.

    Attributes:
      widths: channels of the convolutions.
    """

    widths: tuple[int, ...] = (64, 64, 128, 128, 256)

    @nn.compact
    def __call__(self, images: Float[Array, "b h w 3"]) -> list[Float[Array, "b hl wl cl"]]:
        """Computes the responses before their ReLU, where Gatys et al. (2016) compare them.

        Args:
          images: RGB in [0, 1], not normalised, at least 4 x 4.

        Returns:
          One array a convolution; the sides halve after the second and the fourth.
        """
        x = (images - jnp.array(IMAGENET_MEAN)) / jnp.array(IMAGENET_STD)
        responses: list[jax.Array] = []
        for number, width in enumerate(self.widths, start=1):
            x = nn.Conv(width, (3, 3), kernel_init=nn.initializers.he_normal(), name=f"conv{number}")(x)
            responses.append(x)
            x = nn.relu(x)
            if number in _POOLED:
                x = nn.max_pool(x, (2, 2), (2, 2))
        return responses

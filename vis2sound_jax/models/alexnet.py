"""AlexNet in one tower, as torchvision has it (Krizhevsky 2014, "One weird trick for parallelizing CNNs").

Visually Indicated Sounds (Owens et al. 2016, section 5.1) looks at a frame through the features fc7 of such a network.
Where the network comes from ImageNet, its convolutions stay fixed: `pool5` can be computed once for all of training
and `fc7` be tuned from there. Dropout is left out, as in the paper.
"""

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.layers import BatchNorm

GRID = 6
"""Rows and columns of pool5, whatever the size of the image."""

SMALLEST = 63
"""Rows or columns of the smallest image of which the last pooling leaves anything."""

# Size, stride and padding of each convolution, and whether pooling follows it.
_CONVOLUTIONS = ((11, 4, 2, True), (5, 1, 2, True), (3, 1, 1, False), (3, 1, 1, False), (3, 1, 1, True))


def _bins(n: int, bins: int) -> np.ndarray:
    """[bins, n] weights of the mean over each bin; bin i reaches from floor(i n / bins) to ceil((i + 1) n / bins)."""
    weights = np.zeros((bins, n), np.float32)
    for i in range(bins):
        first, end = i * n // bins, -((i + 1) * n // -bins)
        weights[i, first:end] = 1 / (end - first)
    return weights


def adaptive_mean(x: Float[Array, "b h w c"], grid: tuple[int, int] = (GRID, GRID)) -> Float[Array, "b y x c"]:
    """Averages over a grid of bins with the borders of torch's `AdaptiveAvgPool2d`; what has that size stays as it is.

    Args:
      x: features of any height and width >= 1. Bins overlap where the size is no multiple of the grid's.
      grid: rows and columns of bins.

    Returns:
      The mean of each bin.
    """
    if x.shape[1:3] == grid:
        return x
    rows, columns = (jnp.asarray(_bins(n, bins), x.dtype) for n, bins in zip(x.shape[1:3], grid, strict=True))
    return jnp.einsum("yh,xw,bhwc->byxc", rows, columns, x)


_LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "full6", "full7")


class AlexNet(nn.Module):
    """Five convolutions and two full layers: images to features fc7, after its ReLU.

    Modules are called `conv1` … `conv5`, `full6` and `full7`. With batch normalisation each is followed by its
    `conv1_norm` … `full7_norm` and has no bias of its own.

    Attributes:
      widths: channels of the convolutions.
      hidden: width of the full layers.
      batch_norm: whether to normalise after each layer, for training from scratch; the released weights do not.
    """

    widths: tuple[int, int, int, int, int] = (64, 192, 384, 256, 256)
    hidden: int = 4096
    batch_norm: bool = False

    def setup(self) -> None:
        """Makes the layers; Linen names a module by the attribute that holds it."""
        he_normal, use_bias = nn.initializers.he_normal(), not self.batch_norm
        for i, (width, (size, stride, padding, _)) in enumerate(zip(self.widths, _CONVOLUTIONS, strict=True), start=1):
            conv = nn.Conv(width, (size, size), stride, padding, use_bias=use_bias, kernel_init=he_normal)
            setattr(self, f"conv{i}", conv)
        self.full6 = nn.Dense(self.hidden, use_bias=use_bias, kernel_init=he_normal)
        self.full7 = nn.Dense(self.hidden, use_bias=use_bias, kernel_init=he_normal)
        if self.batch_norm:
            for name in _LAYERS:
                setattr(self, f"{name}_norm", BatchNorm())

    def _layer(self, name: str, x: Array, train: bool) -> Array:
        x = getattr(self, name)(x)
        if self.batch_norm:
            x = getattr(self, f"{name}_norm")(x, use_running_average=not train)
        return nn.relu(x)

    def pool5(self, images: Float[Array, "b h w 3"], *, train: bool = False) -> Float[Array, "b 6 6 c"]:
        """Computes the features of the convolutions.

        Args:
          images: RGB in [0, 1] normalised by `r2plus1d.IMAGENET_MEAN` and `IMAGENET_STD`, or three grey frames so
            treated. 224 x 224 and 227 x 227 give 6 x 6 by themselves; other sizes are averaged to it.
          train: whether to normalise by this batch's statistics and, where `batch_stats` is mutable, update the
            stored ones. Without `batch_norm` it does nothing.

        Returns:
          Features >= 0 after the last pooling.

        Raises:
          UserError: if an image is smaller than 63 x 63.
        """
        if min(images.shape[1:3]) < SMALLEST:
            raise UserError(
                f"images are {images.shape[1]} x {images.shape[2]}; AlexNet needs at least {SMALLEST} pixels each way, "
                "enlarge them"
            )
        x = images
        for i, (_, _, _, pools) in enumerate(_CONVOLUTIONS, start=1):
            x = self._layer(f"conv{i}", x, train)
            if pools:
                x = nn.max_pool(x, (3, 3), (2, 2))
        return adaptive_mean(x)

    def fc7(self, pool5: Float[Array, "b 6 6 c"], *, train: bool = False) -> Float[Array, "b d"]:
        """Computes the features of the full layers.

        Args:
          pool5: what `pool5` computes.
          train: as in `pool5`.

        Returns:
          Features >= 0 after the last layer's ReLU.
        """
        # Rows, columns, channels: `weights.names` puts torch's channels, rows, columns into this order.
        x = pool5.reshape(pool5.shape[0], -1)
        return self._layer("full7", self._layer("full6", x, train), train)

    def __call__(self, images: Float[Array, "b h w 3"], *, train: bool = False) -> Float[Array, "b d"]:
        """Returns `fc7` of `pool5` of the images."""
        return self.fc7(self.pool5(images, train=train), train=train)

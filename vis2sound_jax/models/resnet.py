"""Residual networks in torchvision's layout, whose map of places is kept (He et al. 2016).

2.5D Visual Sound (Gao & Grauman 2019, section 3.2) looks at a frame through ResNet-18 without its last pooling: of an
image of 224 x 448 pixels 7 x 14 places are left, which say where things are. With bottleneck blocks the same module is
ResNet-50.
"""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.models.layers import BatchNorm

SHRINK = 32
"""Pixels of the image, each way, to one place of the map."""

_he_fan_out = nn.initializers.variance_scaling(2.0, "fan_out", "normal")


def _conv(channels: int, size: int, stride: int, name: str) -> nn.Conv:
    return nn.Conv(
        channels, (size, size), stride, padding=size // 2, use_bias=False, kernel_init=_he_fan_out, name=name
    )


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, or a bottleneck of three, beside a shortcut.

    Attributes:
      width: channels within the block; a bottleneck's output has four times as many.
      stride: of the first 3 x 3 convolution.
      bottleneck: whether a 1 x 1 convolution stands before and after a single 3 x 3 one, as in ResNet-50.
    """

    width: int
    stride: int
    bottleneck: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "b h w i"], *, use_running_average: bool) -> Float[Array, "b h2 w2 o"]:
        """Returns `relu(shortcut(x) + convolutions(x))`."""
        plan = [(self.width, 3, self.stride), (self.width, 3, 1)]
        if self.bottleneck:
            plan = [(self.width, 1, 1), (self.width, 3, self.stride), (4 * self.width, 1, 1)]
        mode, channels = {"use_running_average": use_running_average}, plan[-1][0]
        y = x
        for number, (outputs, size, stride) in enumerate(plan, start=1):
            y = _conv(outputs, size, stride, f"conv{number}")(y)
            y = BatchNorm(name=f"bn{number}")(y, **mode)
            y = nn.relu(y) if number < len(plan) else y
        if self.stride != 1 or x.shape[-1] != channels:
            x = _conv(channels, 1, self.stride, "downsample_0")(x)
            x = BatchNorm(name="downsample_1")(x, **mode)
        return nn.relu(x + y)


class ResNet(nn.Module):
    """The trunk of a residual network: images to a map of features. As it stands it is ResNet-18.

    Modules have torchvision's names, an index after an underscore instead of a dot: `layer1_0/conv1`.

    Attributes:
      blocks: blocks of each level; ResNet-50 has (3, 4, 6, 3).
      widths: channels within the blocks of each level.
      bottleneck: whether blocks are bottlenecks, as in ResNet-50.
    """

    blocks: tuple[int, ...] = (2, 2, 2, 2)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    bottleneck: bool = False

    @nn.compact
    def __call__(self, images: Float[Array, "b h w 3"], *, use_running_average: bool) -> Float[Array, "b y x c"]:
        """Computes the map.

        Args:
          images: RGB normalised by `r2plus1d.IMAGENET_MEAN` and `IMAGENET_STD`.
          use_running_average: whether to normalise by stored statistics instead of this batch's. Where the batch's
            are used and `batch_stats` is mutable, the stored ones are updated.

        Returns:
          Features >= 0 of every place: `SHRINK` pixels make one, a rest is rounded up.
        """
        mode = {"use_running_average": use_running_average}
        x = nn.relu(BatchNorm(name="bn1")(_conv(self.widths[0], 7, 2, "conv1")(images), **mode))
        x = nn.max_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))
        for level, (count, width) in enumerate(zip(self.blocks, self.widths, strict=True), start=1):
            for block in range(count):
                stride = 2 if level > 1 and block == 0 else 1
                name = f"layer{level}_{block}"
                x = ResidualBlock(width, stride, self.bottleneck, name=name)(x, **mode)
        return x


def pooled(features: Float[Array, "b y x c"]) -> Float[Array, "b c"]:
    """Averages a map over its places, as torchvision's classifiers see it."""
    return jnp.mean(features, (1, 2))

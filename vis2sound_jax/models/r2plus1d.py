"""R(2+1)D-18 that keeps time: one feature vector a frame (Tran et al. 2018; Du et al. 2023, section 3.3).

Each 3-D convolution is a spatial one and a temporal one; both run as 2-D convolutions with the other axes
folded away, which every backend computes faster than a 3-D convolution with a flat kernel.
"""

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, UInt8

from vis2sound_jax.models.layers import BatchNorm

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""RGB statistics, of colours in [0, 1], by which the released models normalise their frames."""

KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
KINETICS_STD = (0.22803, 0.22145, 0.216989)
"""RGB statistics, of colours in [0, 1], by which the Kinetics-400 weights were trained."""


def normalised(frames: UInt8[Array, "*b h w 3"], *, imagenet: bool = False) -> Float[Array, "*b h w 3"]:
    """Scales pixels as the weights expect it.

    Args:
      frames: red, green and blue in 0..255.
      imagenet: by ImageNet's statistics, which the released models were trained with; otherwise by those of
        Kinetics, with which their first weights had been.

    Returns:
      (frames / 255 - mean) / deviation.
    """
    mean, deviation = (IMAGENET_MEAN, IMAGENET_STD) if imagenet else (KINETICS_MEAN, KINETICS_STD)
    return (frames.astype(jnp.float32) / 255.0 - jnp.array(mean)) / jnp.array(deviation)


def _spatial(
    x: Float[Array, "b t h w i"], channels: int, size: int, stride: int, name: str
) -> Float[Array, "b t h2 w2 o"]:
    """Convolves each frame by itself."""
    b, t = x.shape[:2]
    conv = nn.Conv(
        channels,
        (size, size),
        strides=stride,
        padding=size // 2,
        use_bias=False,
        kernel_init=nn.initializers.he_normal(),
        name=name,
    )
    y = conv(x.reshape(b * t, *x.shape[2:]))
    return y.reshape(b, t, *y.shape[1:])


def _temporal(x: Float[Array, "b t h w i"], channels: int, name: str) -> Float[Array, "b t h w o"]:
    """Convolves each pixel over three frames; the number of frames stays."""
    b, t, h, w, c = x.shape
    conv = nn.Conv(
        channels,
        (3, 1),
        padding=((1, 1), (0, 0)),
        use_bias=False,
        kernel_init=nn.initializers.he_normal(),
        name=name,
    )
    return conv(x.reshape(b, t, h * w, c)).reshape(b, t, h, w, channels)


class Factored(nn.Module):
    """Spatial convolution, normalisation, ReLU, temporal convolution, normalisation.

    Attributes:
      channels: width of the output.
      middle: width between the two convolutions.
      size: side of the spatial kernel.
      stride: spatial stride.
    """

    channels: int
    middle: int
    size: int = 3
    stride: int = 1

    @nn.compact
    def __call__(self, x: Float[Array, "b t h w i"], *, use_running_average: bool) -> Float[Array, "b t h2 w2 o"]:
        """Returns the features before the last ReLU."""
        x = _spatial(x, self.middle, self.size, self.stride, "spatial")
        x = nn.relu(BatchNorm(name="spatial_norm")(x, use_running_average=use_running_average))
        x = _temporal(x, self.channels, "temporal")
        return BatchNorm(name="norm")(x, use_running_average=use_running_average)


class VideoBlock(nn.Module):
    """Two factored convolutions beside a shortcut.

    Attributes:
      channels: width of the output.
      stride: spatial stride of the first convolution.
    """

    channels: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "b t h w i"], *, use_running_average: bool) -> Float[Array, "b t h2 w2 o"]:
        """Returns `relu(shortcut(x) + conv2(relu(conv1(x))))`."""
        inputs, outputs = x.shape[-1], self.channels
        # As many parameters as a full 3x3x3 convolution (Tran et al. 2018, section 3.5); the released
        # weights use the first convolution's number for both.
        middle = 27 * inputs * outputs // (9 * inputs + 3 * outputs)
        mode = {"use_running_average": use_running_average}
        h = nn.relu(Factored(outputs, middle, stride=self.stride, name="conv1")(x, **mode))
        h = Factored(outputs, middle, name="conv2")(h, **mode)
        if self.stride != 1 or inputs != outputs:
            x = _spatial(x, outputs, 1, self.stride, "downsample")
            x = BatchNorm(name="downsample_norm")(x, **mode)
        return nn.relu(x + h)


class R2Plus1D(nn.Module):
    """Video network of 18 layers whose output has one vector a frame.

    The released Conditional Foley models never leave batch statistics, so their features depend on the clip
    alone and `use_running_average=False` reproduces them; `True` is the usual inference.

    Attributes:
      widths: width of the four levels; the last is the width of the features.
      remat: whether the backward pass computes the inside of each block again, to save memory.
    """

    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    remat: bool = False

    @nn.compact
    def __call__(self, frames: Float[Array, "b t h w 3"], *, use_running_average: bool) -> Float[Array, "b t c"]:
        """Computes the features.

        Args:
          frames: RGB normalised by `IMAGENET_MEAN` and `IMAGENET_STD`; the paper's are 112 x 112 at 15 fps.
          use_running_average: whether to normalise by stored statistics instead of this batch's. Where the
            batch's are used and `batch_stats` is mutable, the stored ones are updated.

        Returns:
          Features, averaged over the image.
        """
        mode = {"use_running_average": use_running_average}

        def through(block: nn.Module, x: Array) -> Array:
            return block(x, **mode)

        run = nn.remat(through) if self.remat else through
        first = self.widths[0]
        x = nn.relu(Factored(first, 45 * first // 64, size=7, stride=2, name="stem")(frames, **mode))
        for level, width in enumerate(self.widths, start=1):
            for block in range(2):
                stride = 2 if level > 1 and block == 0 else 1
                x = run(VideoBlock(width, stride, name=f"layer{level}_{block}"), x)
        return x.mean(axis=(2, 3))

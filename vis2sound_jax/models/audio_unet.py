"""A U-Net over spectrograms that is told what is seen (Gao & Grauman 2019, section 3.2 and figure 3).

Spectrograms are [b, f, t, c]. A complex one has two channels: real and imaginary part.
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.layers import BatchNorm

Head = Literal["complex", "ratio"]
"""Masks in (-1, 1) for real and imaginary part, or a share in (0, 1) of each magnitude."""

_normal = nn.initializers.normal(0.02)


def _near_one(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    return 1 + _normal(key, shape, dtype)


class Reduction(nn.Module):
    """A 1 x 1 convolution, normalisation and ReLU, laid flat: the map of a frame as one vector.

    Attributes:
      channels: of each place of the map.
    """

    channels: int

    @nn.compact
    def __call__(self, seen: Float[Array, "b y x c"], *, use_running_average: bool) -> Float[Array, "b d"]:
        """Returns the vector, d = channels * y * x, channels outermost as in the released weights."""
        conv = nn.Conv(self.channels, (1, 1), kernel_init=_normal, bias_init=_bias_init(seen.shape[-1]), name="conv")
        norm = BatchNorm(scale_init=_near_one, name="norm")
        reduced = nn.relu(norm(conv(seen), use_running_average=use_running_average))
        return reduced.transpose(0, 3, 1, 2).reshape(len(seen), -1)


class Down(nn.Module):
    """A convolution that halves both axes, normalisation, leaky ReLU.

    Attributes:
      channels: of the output.
    """

    channels: int

    @nn.compact
    def __call__(self, x: Float[Array, "b f t i"], *, use_running_average: bool) -> Float[Array, "b f2 t2 o"]:
        """Returns the smaller map; an odd row or column at the end is seen by no unit of its own."""
        bias = _bias_init(16 * x.shape[-1])
        conv = nn.Conv(self.channels, (4, 4), 2, padding=1, kernel_init=_normal, bias_init=bias, name="conv")
        norm = BatchNorm(scale_init=_near_one, name="norm")
        return nn.leaky_relu(norm(conv(x), use_running_average=use_running_average), 0.2)


class Up(nn.Module):
    """A transposed convolution that doubles both axes, normalisation, ReLU.

    Attributes:
      channels: of the output.
      plain: whether the convolution stands alone, as in the last layer.
    """

    channels: int
    plain: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "b f t i"], *, use_running_average: bool) -> Float[Array, "b f2 t2 o"]:
        """Returns the larger map."""
        conv = nn.ConvTranspose(
            self.channels,
            (4, 4),
            (2, 2),
            padding="SAME",
            transpose_kernel=True,
            kernel_init=_normal,
            bias_init=_bias_init(16 * self.channels),
            name="conv",
        )
        if self.plain:
            return conv(x)
        norm = BatchNorm(scale_init=_near_one, name="norm")
        return nn.relu(norm(conv(x), use_running_average=use_running_average))


def _bias_init(fan_in: int) -> nn.initializers.Initializer:
    """The reference leaves biases where torch starts them: U(-1 / sqrt(fan_in), 1 / sqrt(fan_in))."""
    reach = fan_in**-0.5
    return lambda key, shape, dtype=jnp.float32: jax.random.uniform(key, shape, dtype, -reach, reach)


class AudioUNet(nn.Module):
    """Spectrogram and what is seen to a mask.

    Attributes:
      width: channels of the first layer.
      depth: layers down, and as many up; the number of frames must be a multiple of 2**depth.
      reduced: channels of each place that is seen, once reduced.
      outputs: channels of the mask.
      head: what the mask is; see `Head`.
    """

    width: int = 64
    depth: int = 5
    reduced: int = 8
    outputs: int = 2
    head: Head = "complex"

    def setup(self) -> None:
        """Makes the layers: `reduce`, `down_1` … and `up_1` … in the order in which data passes them."""
        widths = [self.width * min(2**level, 8) for level in range(self.depth)]
        self.reduce = Reduction(self.reduced)
        self.down = [Down(width, name=f"down_{i}") for i, width in enumerate(widths, start=1)]
        ups = [Up(width, name=f"up_{i}") for i, width in enumerate(reversed(widths[:-1]), start=1)]
        self.up = [*ups, Up(self.outputs, plain=True, name=f"up_{self.depth}")]

    def code(self, seen: Float[Array, "b y x c"], *, use_running_average: bool) -> Float[Array, "b d"]:
        """Reduces what a frame's network sees to the vector that the U-Net is told, once for all its windows.

        Args:
          seen: map of a frame, from `resnet.ResNet`.
          use_running_average: as in `resnet.ResNet`.
        """
        return self.reduce(seen, use_running_average=use_running_average)

    def mask(
        self, spectra: Float[Array, "b f t c"], code: Float[Array, "b d"], *, use_running_average: bool
    ) -> Float[Array, "b f2 t o"]:
        """Computes the mask of spectrograms.

        Args:
          spectra: the lowest row is 0 Hz. Of 257 rows the last, half the sample rate, is seen but gets no mask.
          code: as `code` gives it.
          use_running_average: as in `resnet.ResNet`.

        Returns:
          The mask, of as many rows as the largest multiple of 2**depth allows.

        Raises:
          UserError: if the number of frames does not fit the depth.
        """
        _, _, t, _ = spectra.shape
        if t % 2**self.depth:
            raise UserError(
                f"a spectrogram has {t} frames; a U-Net of {self.depth} layers needs a multiple of {2**self.depth}, "
                "cut the sound to another length"
            )
        mode = {"use_running_average": use_running_average}
        x, skips = spectra, []
        for down in self.down:
            x = down(x, **mode)
            skips.append(x)
        b, f, t, _ = x.shape
        told = jnp.broadcast_to(code[:, None, None], (b, f, t, code.shape[-1]))
        # What is seen comes first: the released weights want it so.
        x = jnp.concatenate([told, x], axis=-1)
        for up, skip in zip(self.up, [None, *skips[-2::-1]], strict=True):
            x = up(x if skip is None else jnp.concatenate([x, skip], axis=-1), **mode)
        share = nn.sigmoid(x)
        return share if self.head == "ratio" else 2 * share - 1

    def __call__(
        self, spectra: Float[Array, "b f t c"], seen: Float[Array, "b y x c"], *, use_running_average: bool
    ) -> Float[Array, "b f2 t o"]:
        """Computes the mask of one spectrogram a frame.

        Args:
          spectra: as in `mask`.
          seen: as in `code`.
          use_running_average: as in `resnet.ResNet`.
        """
        mode = {"use_running_average": use_running_average}
        return self.mask(spectra, self.code(seen, **mode), **mode)


def complex_product(mask: Float[Array, "b f t 2"], spectra: Float[Array, "b g t 2"]) -> Float[Array, "b f t 2"]:
    """Multiplies complex numbers kept as pairs; rows of the spectra that have no mask are left out.

    Args:
      mask: real and imaginary part.
      spectra: likewise, with at least as many rows.
    """
    x = spectra[:, : mask.shape[1]]
    real = x[..., 0] * mask[..., 0] - x[..., 1] * mask[..., 1]
    imaginary = x[..., 0] * mask[..., 1] + x[..., 1] * mask[..., 0]
    return jnp.stack([real, imaginary], axis=-1)

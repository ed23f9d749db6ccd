"""One-dimensional convolutions with weight normalisation (Salimans and Kingma 2016), channels last.

A weight is kept as a direction `weight_v` and a length `weight_g`, as in the released files. Both kinds keep
`weight_v` as [size, ., .] with the released layout's axes reversed, so that the lengths belong to the last axis: the
outputs of a convolution, the inputs of a transposed one.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.models.layers import uniform_fan_in


def _normalised(module: nn.Module, shape: tuple[int, int, int]) -> Float[Array, "k x y"]:
    """The weight of a module; at the start the length is the direction's own."""
    v = module.param("weight_v", uniform_fan_in, shape)
    length = jnp.sqrt(jnp.sum(v**2, axis=(0, 1)))
    g = module.param("weight_g", lambda _: length)
    return v * (g / length)


class NormedConv(nn.Module):
    """Convolution.

    Attributes:
      channels: width of the output.
      size: taps of the kernel.
      stride: step between outputs.
      dilation: step between taps.
      groups: number of groups of channels that do not mix.
      padding: zeros before the first sample and after the last.
    """

    channels: int
    size: int
    stride: int = 1
    dilation: int = 1
    groups: int = 1
    padding: int = 0

    @nn.compact
    def __call__(self, x: Float[Array, "b n i"]) -> Float[Array, "b m o"]:
        """Returns the convolved signal."""
        weight = _normalised(self, (self.size, x.shape[-1] // self.groups, self.channels))
        y = jax.lax.conv_general_dilated(
            x,
            weight,
            (self.stride,),
            ((self.padding, self.padding),),
            rhs_dilation=(self.dilation,),
            dimension_numbers=("NWC", "WIO", "NWC"),
            feature_group_count=self.groups,
        )
        return y + self.param("bias", nn.initializers.zeros, (self.channels,))


class NormedUpsampling(nn.Module):
    """Transposed convolution that makes a signal `ratio` times as long with kernels of twice that length.

    Each output sees two inputs, so all `ratio` phases are computed by one convolution of two taps at the lower rate.

    Attributes:
      channels: width of the output.
      ratio: outputs per input, >= 1.
    """

    channels: int
    ratio: int

    @nn.compact
    def __call__(self, x: Float[Array, "b n i"]) -> Float[Array, "b m o"]:
        """Returns the longer signal, m = ratio * n."""
        b, n, inputs = x.shape
        weight = _normalised(self, (2 * self.ratio, self.channels, inputs))
        # The later half of a kernel meets the input before.
        taps = weight.reshape(2, self.ratio * self.channels, inputs)[::-1].transpose(0, 2, 1)
        padded = jnp.pad(x, ((0, 0), (1, 1), (0, 0)))
        phases = jax.lax.conv_general_dilated(padded, taps, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC"))
        full = phases.reshape(b, (n + 1) * self.ratio, self.channels)
        first = (self.ratio + 1) // 2
        return full[:, first : first + n * self.ratio] + self.param("bias", nn.initializers.zeros, (self.channels,))


def reflect(x: Float[Array, "b n c"], samples: int) -> Float[Array, "b m c"]:
    """Mirrors a signal at both ends, without repeating the end sample.

    Args:
      x: the signal.
      samples: how many to add at either end, in [0, n).

    Returns:
      The longer signal, m = n + 2 * samples.
    """
    return jnp.pad(x, ((0, 0), (samples, samples), (0, 0)), mode="reflect")

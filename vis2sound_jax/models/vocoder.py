"""MelGAN: log-mels to waveforms by transposed convolutions (Kumar et al. 2019, section 2.1 and appendix A)."""

import math

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.weight_norm import NormedConv, NormedUpsampling, reflect

SLOPE = 0.2
"""Of the leaky ReLUs, for negative inputs."""


class ResidualStack(nn.Module):
    """A dilated convolution and a mixing one beside a shortcut.

    Attributes:
      dilation: step between the three taps.
    """

    dilation: int

    @nn.compact
    def __call__(self, x: Float[Array, "b n c"]) -> Float[Array, "b n c"]:
        """Returns `shortcut(x) + mix(lrelu(dilated(lrelu(x))))`."""
        c = x.shape[-1]
        h = reflect(nn.leaky_relu(x, SLOPE), self.dilation)
        h = nn.leaky_relu(NormedConv(c, 3, dilation=self.dilation, name="dilated")(h), SLOPE)
        return NormedConv(c, 1, name="shortcut")(x) + NormedConv(c, 1, name="mix")(h)


class MelGAN(nn.Module):
    """Vocoder of log-mels.

    Modules are called `layer_N` after their place in the released files' sequence.

    Attributes:
      n_mels: bands of the log-mel.
      width: channels at the rate of the waveform; each level before has twice as many.
      ratios: outputs per input of each level; their product is the hop in samples.
      residual_layers: stacks a level, with dilations 1, 3, 9, …
    """

    n_mels: int = 80
    width: int = 32
    ratios: tuple[int, ...] = (8, 8, 2, 2)
    residual_layers: int = 3

    @property
    def hop(self) -> int:
        """Samples of one frame; 256 at the paper's sizes."""
        return math.prod(self.ratios)

    @nn.compact
    def __call__(self, mel: Float[Array, "b f t"]) -> Float[Array, "b n"]:
        """Makes waveforms.

        Args:
          mel: log-mels in [0, 1]. The released weights know 80 bands of 125 to 7600 Hz at 22050 Hz on the Slaney
            scale, a frame every 256 samples, where 0 is -80 dB and 1 is 20 dB.

        Returns:
          Waveforms in [-1, 1] of n = t * 256 samples.

        Raises:
          UserError: if the log-mel has other bands or too few frames to be mirrored at its ends.
        """
        _check(mel.shape, self.n_mels, self.ratios[0], self.residual_layers)
        channels = self.width * 2 ** len(self.ratios)
        x = NormedConv(channels, 7, name="layer_1")(reflect(mel.transpose(0, 2, 1), 3))
        place = 3
        for ratio in self.ratios:
            channels //= 2
            x = NormedUpsampling(channels, ratio, name=f"layer_{place}")(nn.leaky_relu(x, SLOPE))
            for i in range(self.residual_layers):
                x = ResidualStack(3**i, name=f"layer_{place + 1 + i}")(x)
            place += self.residual_layers + 2
        x = NormedConv(1, 7, name=f"layer_{place + 1}")(reflect(nn.leaky_relu(x, SLOPE), 3))
        return jnp.tanh(x[..., 0])


def _check(shape: tuple[int, ...], n_mels: int, ratio: int, residual_layers: int) -> None:
    _, bands, frames = shape
    if bands != n_mels:
        raise UserError(f"the log-mel has {bands} bands and the vocoder knows {n_mels}; compute it with {n_mels} bands")
    least = max(4, 3 ** (residual_layers - 1) // ratio + 1)
    if frames < least:
        raise UserError(f"a log-mel of {frames} frames is too short for the vocoder; give it at least {least} frames")

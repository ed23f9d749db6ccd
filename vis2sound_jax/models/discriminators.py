"""Networks that tell real from made: of log-mels piece by piece, of waveforms at three rates."""

from typing import NamedTuple

import jax
from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.models.layers import BatchNorm
from vis2sound_jax.models.weight_norm import NormedConv, reflect

SLOPE = 0.2
"""Of the leaky ReLUs, for negative inputs."""

MAX_CHANNELS = 1024
"""Widest layer of a `WaveDiscriminator`."""

_small = nn.initializers.normal(0.02)


def _around_one(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return 1.0 + _small(key, shape)


class PatchDiscriminator(nn.Module):
    """Convolutions over a log-mel, one logit for each overlapping patch (Isola et al. 2017, section 3.2.2).

    Modules are called `conv_N` and `norm_N`, counted from 0; the first and the last convolution have no normalisation
    and a bias instead.

    Attributes:
      width: channels of the first layer; each further one doubles them, up to eightfold.
      layers: convolutions of stride 2.
    """

    width: int = 64
    layers: int = 3

    @nn.compact
    def __call__(self, mel: Float[Array, "b f t"], *, use_running_average: bool) -> Float[Array, "b f2 t2"]:
        """Judges log-mels.

        Args:
          mel: log-mels in [-1, 1], at least 2 ** layers * 3 bands and frames.
          use_running_average: whether to normalise by stored statistics instead of this batch's. Where the batch's
            are used and `batch_stats` is mutable, the stored ones are updated.

        Returns:
          Logits, positive for real; 8 x 18 of them for 80 bands x 160 frames.
        """
        x = mel[..., None]
        for i in range(self.layers + 1):
            channels, stride = self.width * 2 ** min(i, 3), 2 if i < self.layers else 1
            x = _conv(channels, stride, f"conv_{i}", use_bias=i == 0)(x)
            if i:
                norm = BatchNorm(scale_init=_around_one, name=f"norm_{i}")
                x = norm(x, use_running_average=use_running_average)
            x = nn.leaky_relu(x, SLOPE)
        return _conv(1, 1, f"conv_{self.layers + 1}", use_bias=True)(x)[..., 0]


def _conv(channels: int, stride: int, name: str, *, use_bias: bool) -> nn.Conv:
    return nn.Conv(channels, (4, 4), stride, padding=1, use_bias=use_bias, kernel_init=_small, name=name)


class Judged(NamedTuple):
    """What a discriminator of waveforms finds at one rate.

    Attributes:
      features: activations of every layer but the last, each [b, n_l, c_l].
      logits: [b, m] positive for real.
    """

    features: list[jax.Array]
    logits: jax.Array


class WindowDiscriminator(nn.Module):
    """A stack of strided grouped convolutions over a waveform (Kumar et al. 2019, appendix A).

    Attributes:
      width: channels of the first layer; each strided one has `factor` times more, up to `MAX_CHANNELS`.
      layers: number of strided layers.
      factor: their stride.
    """

    width: int
    layers: int
    factor: int

    @nn.compact
    def __call__(self, wav: Float[Array, "b n"]) -> Judged:
        """Judges overlapping windows of waveforms in [-1, 1]."""
        x = nn.leaky_relu(NormedConv(self.width, 15, name="layer_0")(reflect(wav[..., None], 7)), SLOPE)
        features, channels = [x], self.width
        for i in range(1, self.layers + 1):
            # Four channels a group, and taps for ten strides: wide windows at little cost.
            groups, channels = max(channels // 4, 1), min(channels * self.factor, MAX_CHANNELS)
            size, padding = 10 * self.factor + 1, 5 * self.factor
            conv = NormedConv(channels, size, self.factor, groups=groups, padding=padding, name=f"layer_{i}")
            x = nn.leaky_relu(conv(x), SLOPE)
            features.append(x)
        wide = NormedConv(min(2 * channels, MAX_CHANNELS), 5, padding=2, name=f"layer_{self.layers + 1}")
        features.append(nn.leaky_relu(wide(x), SLOPE))
        last = NormedConv(1, 3, padding=1, name=f"layer_{self.layers + 2}")
        return Judged(features, last(features[-1])[..., 0])


class WaveDiscriminator(nn.Module):
    """The same stack, with its own weights, at the full rate and at halves of it (Kumar et al. 2019, section 2.2).

    Attributes:
      scales: number of rates.
      width: see `WindowDiscriminator`.
      layers: see `WindowDiscriminator`.
      factor: see `WindowDiscriminator`.
    """

    scales: int = 3
    width: int = 16
    layers: int = 4
    factor: int = 4

    @nn.compact
    def __call__(self, wav: Float[Array, "b n"]) -> list[Judged]:
        """Judges waveforms in [-1, 1]; one result a rate, the full rate first."""
        found = []
        for scale in range(self.scales):
            found.append(WindowDiscriminator(self.width, self.layers, self.factor, name=f"scale_{scale}")(wav))
            wav = halve(wav)
        return found


def halve(wav: Float[Array, "b n"]) -> Float[Array, "b m"]:
    """Averages four samples every two, at the ends those that exist; m = n // 2."""
    mean = nn.avg_pool(wav[..., None], (4,), (2,), ((1, 1),), count_include_pad=False)
    return mean[..., 0]

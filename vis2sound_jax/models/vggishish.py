"""VGGish-ish: VGG-16 over log-mels, which names what is heard (Iashin and Rahtu 2021).

The standard VGG-16 of Simonyan and Zisserman 2015 (table 1, column D) with one input channel. Its convolutions alone
are what `perceptual.Lpaps` compares sounds by.
"""

from flax import linen as nn
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.alexnet import adaptive_mean
from vis2sound_jax.models.layers import uniform_fan_in

DEPTHS = (2, 2, 3, 3, 3)
"""Convolutions of each level."""

GRID = (5, 10)
"""Rows and columns that the full layers see, whatever the length of the sound."""

SMALLEST = 2 ** (len(DEPTHS) - 1)
"""Bands or frames of the smallest log-mel of which the last level sees anything."""


class VggFeatures(nn.Module):
    """The 13 convolutions of VGG-16, called `conv1_1` … `conv5_3`.

    Attributes:
      channels: width of each level; between levels both axes are halved.
    """

    channels: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)

    @nn.compact
    def __call__(self, mel: Float[Array, "b f t"]) -> list[Float[Array, "b y x c"]]:
        """Returns each level's last features, after their ReLU and before pooling.

        Raises:
          UserError: if an axis of `mel` is shorter than 16.
        """
        if min(mel.shape[1:]) < SMALLEST:
            raise UserError(
                f"a log-mel of {mel.shape[1]} bands x {mel.shape[2]} frames is too small for VGG-16; "
                f"give it at least {SMALLEST} of both"
            )
        x, found = mel[..., None], []
        for level, (width, depth) in enumerate(zip(self.channels, DEPTHS, strict=True), start=1):
            if level > 1:
                x = nn.max_pool(x, (2, 2), (2, 2))
            for i in range(1, depth + 1):
                conv = nn.Conv(width, (3, 3), padding=1, kernel_init=uniform_fan_in, name=f"conv{level}_{i}")
                x = nn.relu(conv(x))
            found.append(x)
        return found


class Vggishish(nn.Module):
    """Classifier of log-mels.

    Attributes:
      classes: number of classes: 309 of VGGSound, 17 materials, 2 actions, 34 of both.
      channels: see `VggFeatures`.
      hidden: width of the two full layers.
    """

    classes: int = 309
    channels: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)
    hidden: int = 4096

    @nn.compact
    def __call__(self, mel: Float[Array, "b f t"]) -> Float[Array, "b k"]:
        """Computes logits.

        Args:
          mel: log-mels scaled to [-1, 1], then standardised band by band; 80 bands x 160 frames in the paper, at
            least 16 of both.

        Returns:
          Logits of the classes.
        """
        x = adaptive_mean(VggFeatures(self.channels, name="features")(mel)[-1], GRID)
        # Rows, columns, channels: `weights.names` puts torch's channels, rows, columns into this order.
        x = x.reshape(x.shape[0], -1)
        x = nn.relu(nn.Dense(self.hidden, kernel_init=uniform_fan_in, name="full1")(x))
        x = nn.relu(nn.Dense(self.hidden, kernel_init=uniform_fan_in, name="full2")(x))
        return nn.Dense(self.classes, kernel_init=uniform_fan_in, name="head")(x)

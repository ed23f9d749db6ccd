"""When a silent film sounds: one onset logit a frame, the network of the onset transfer baseline of Du et al. 2023."""

from typing import Any, NamedTuple

import jax
from flax import linen as nn
from jaxtyping import Array, Float, UInt8

from vis2sound_jax.models.layers import uniform_fan_in
from vis2sound_jax.models.r2plus1d import R2Plus1D, normalised


class SeenOnsets(NamedTuple):
    """What the network sees in films.

    Attributes:
      features: [b, t, c] of the video network, 512 wide at the paper's size.
      onset: [b, t] logits that a sound begins in a frame.
    """

    features: jax.Array
    onset: jax.Array


class VideoOnsetNet(nn.Module):
    """R(2+1)D-18 and two full layers on each of its frames.

    Attributes:
      widths: see `R2Plus1D`.
      hidden: width between the full layers.
    """

    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    hidden: int = 128

    grey = False
    """It takes frames in colour."""

    @property
    def feature_width(self) -> int:
        """Size of the feature of a frame."""
        return self.widths[-1]

    def see(self, variables: Any, frames: UInt8[Array, "b t h w 3"]) -> SeenOnsets:
        """Looks at clips of pixels as films give them, by the stored statistics.

        Args:
          variables: `params` and `batch_stats` of the network.
          frames: red green blue from 0 to 255, cut to the middle.

        Returns:
          What it sees of every frame.
        """
        return self.apply(variables, normalised(frames), use_running_average=True)

    @nn.compact
    def __call__(self, frames: Float[Array, "b t h w 3"], *, use_running_average: bool) -> SeenOnsets:
        """Looks at films.

        Args:
          frames: RGB normalised by `r2plus1d.IMAGENET_MEAN` and `IMAGENET_STD`; the paper's are 112 x 112 at 15 fps.
          use_running_average: see `R2Plus1D`; here the released models' inference uses the stored statistics.

        Returns:
          Features and onset logits of every frame.
        """
        features = R2Plus1D(self.widths, name="net")(frames, use_running_average=use_running_average)
        x = nn.relu(nn.Dense(self.hidden, kernel_init=uniform_fan_in, name="hidden_layer")(features))
        return SeenOnsets(features, nn.Dense(1, kernel_init=uniform_fan_in, name="onset_layer")(x)[..., 0])

"""A small video encoder that sees impacts: grey film in, one feature and one onset logit a frame out.

Only differences between frames enter: they transfer from procedural film to real film, colour and texture
do not. How strongly each part of the picture moves is kept from end to end: to normalise every position, as one
would elsewhere, makes noise as loud as a stick. All convolutions are written as patches times a matrix, which
XLA's CPU backend runs several times faster, backward pass included, than its own convolutions on so few channels.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Array, Float, UInt8

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.patches import (
    frame_differences,
    motion_energy,
    motion_grid,
    neighbours,
    next_patches,
    pixel_cells,
)


@struct.dataclass
class Impacts:
    """What the encoder says of a film, frame by frame.

    Attributes:
      features: [b, t, d] the vector that conditions a sound model, >= 0.
      onset: [b, t] logit that an audible event begins in the frame.
      bands: [b, t, f] predicted log-mel of the frame's sound in coarse bands, about [0, 1].
    """

    features: jax.Array
    onset: jax.Array
    bands: jax.Array


class ImpactNet(nn.Module):
    """Levels of patches in space, pooled beside plain motion and where it is, then residual temporal convolutions.

    Attributes:
      widths: channels of the levels; each halves height and width, the first of them cells of 4 pixels.
      width: size of the feature of a frame.
      dilations: of the residual convolutions after pooling; each looks at 5 frames so far apart.
      bands: number of coarse mel bands to predict.
      dropout: share of pooled channels dropped in training, the same ones for a whole clip.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    width: int = 128
    dilations: tuple[int, ...] = (1, 1, 2, 4)
    bands: int = 16
    dropout: float = 0.1

    grey = True
    """It takes grey frames."""

    @property
    def feature_width(self) -> int:
        """Size of the feature of a frame."""
        return self.width

    def see(self, variables: Any, frames: UInt8[Array, "b t h w"]) -> Impacts:
        """Looks at clips of pixels as films give them.

        Args:
          variables: `params` of the network.
          frames: grey values from 0 to 255.

        Returns:
          What it sees of every frame.
        """
        return self.apply(variables, frames.astype(jnp.float32) / 255.0)

    @nn.compact
    def __call__(self, frames: Float[Array, "b t h w"], *, train: bool = False) -> Impacts:
        """Looks at clips.

        Args:
          frames: grey values in [0, 1]; height and width multiples of 4. Any frame rate near the one trained on.
          train: whether to drop channels; needs the random stream `dropout`.

        Returns:
          Features and onsets of every frame; those near the ends of the clip see less context.

        Raises:
          UserError: if the size is not a multiple of 4.
        """
        if frames.shape[2] % 4 or frames.shape[3] % 4:
            raise UserError(
                f"frames are {frames.shape[2]} x {frames.shape[3]}; the encoder needs multiples of 4 pixels"
            )
        cells = pixel_cells(frame_differences(frames))
        he_normal = nn.initializers.he_normal()
        x = neighbours(cells, 1)
        for level, width in enumerate(self.widths):
            if level:
                x = next_patches(x)
            x = nn.relu(nn.Dense(width, kernel_init=he_normal, name=f"patch_{level}")(x))
        x = nn.relu(x + nn.Dense(self.widths[-1], kernel_init=he_normal, name="time")(neighbours(x, 1)))
        pooled = jnp.concatenate([x.mean((2, 3)), x.max((2, 3))], axis=-1)
        pooled = nn.Dropout(self.dropout, broadcast_dims=(1,))(pooled, deterministic=not train)
        pooled = jnp.concatenate([pooled, motion_grid(cells), motion_energy(frames)], axis=-1)
        x = nn.Dense(self.width, kernel_init=he_normal, name="pooled")(pooled)
        for i, dilation in enumerate(self.dilations):
            y = nn.relu(nn.LayerNorm(epsilon=1e-3, name=f"temporal_norm_{i}")(x))
            x = x + nn.Dense(self.width, kernel_init=he_normal, name=f"temporal_{i}")(neighbours(y, 2, dilation))
        features = nn.relu(x)
        small = nn.initializers.variance_scaling(0.1, "fan_in", "normal")
        heads = nn.Dense(1 + self.bands, kernel_init=small, name="heads")(features)
        return Impacts(features=features, onset=heads[..., 0], bands=heads[..., 1:])

"""A small video encoder that sees impacts: grey film in, one feature and one onset logit a frame out.

Only differences between frames enter: they transfer from procedural film to real film, colour and texture
do not. How strongly each part of the picture moves is kept from end to end: to normalise every position, as one
would elsewhere, makes noise as loud as a stick. All convolutions are written as patches times a matrix, which
XLA's CPU backend runs several times faster, backward pass included, than its own convolutions on so few channels.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError

CONTRAST_FLOOR = 0.004
"""Added to a clip's own contrast of motion (grey values in [0, 1]), so that sensor noise stays small."""


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


def frame_differences(frames: Float[Array, "b t h w"]) -> Float[Array, "b t h w"]:
    """Returns each frame less the one before, relative to the clip's contrast and compressed like a log.

    Args:
      frames: grey values in [0, 1].

    Returns:
      sign(d) log(1 + |d| / s) with s the root mean square of all differences of the clip; zero at t = 0.
    """
    moved = jnp.diff(frames, axis=1, prepend=frames[:, :1])
    scale = jnp.sqrt(jnp.mean(moved**2, axis=(1, 2, 3), keepdims=True)) + CONTRAST_FLOOR
    return jnp.sign(moved) * jnp.log1p(jnp.abs(moved) / scale)


def _cells(x: Float[Array, "b t h w"]) -> Float[Array, "b t y x p"]:
    """Cuts cells of 4 x 4 pixels."""
    b, t, h, w = x.shape
    return x.reshape(b, t, h // 4, 4, w // 4, 4).transpose(0, 1, 2, 4, 3, 5).reshape(b, t, h // 4, w // 4, 16)


def _motion_grid(cells: Float[Array, "b t y x p"]) -> Float[Array, "b t g"]:
    """Mean size of the differences in regions of 12 x 16 pixels, and in the whole picture."""
    b, t, h, w, _ = cells.shape
    size = jnp.abs(cells).mean(axis=-1)
    padded = jnp.pad(size, ((0, 0), (0, 0), (0, -h % 3), (0, -w % 4)))
    regions = padded.reshape(b, t, padded.shape[2] // 3, 3, padded.shape[3] // 4, 4).mean((3, 5)).reshape(b, t, -1)
    return jnp.concatenate([regions, regions.mean(axis=-1, keepdims=True)], axis=-1)


def _next_patches(x: Float[Array, "b t h w c"]) -> Float[Array, "b t y x p"]:
    """Cuts 3 x 3 patches every 2 cells."""
    h, w = (x.shape[2] + 1) // 2, (x.shape[3] + 1) // 2
    x = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)))
    cells = [x[:, :, i : i + 2 * h - 1 : 2, j : j + 2 * w - 1 : 2] for i in range(3) for j in range(3)]
    return jnp.concatenate(cells, axis=-1)


def neighbours(x: Float[Array, "b t ... c"], reach: int) -> Float[Array, "b t ... d"]:
    """Concatenates each step with the `reach` steps before and after it; zeros beyond the ends."""
    t = x.shape[1]
    padded = jnp.pad(x, ((0, 0), (reach, reach)) + ((0, 0),) * (x.ndim - 2))
    return jnp.concatenate([padded[:, i : i + t] for i in range(2 * reach + 1)], axis=-1)


class ImpactNet(nn.Module):
    """Levels of patches in space, pooled beside a map of where it moves, then residual temporal convolutions.

    Attributes:
      widths: channels of the levels; each halves height and width, the first of them cells of 4 pixels.
      width: size of the feature of a frame.
      temporal_blocks: residual convolutions over 5 frames after pooling.
      bands: number of coarse mel bands to predict.
      dropout: share of pooled channels dropped in training, the same ones for a whole clip.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    width: int = 128
    temporal_blocks: int = 3
    bands: int = 16
    dropout: float = 0.1

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
        cells = _cells(frame_differences(frames))
        he_normal = nn.initializers.he_normal()
        x = neighbours(cells, 1)
        for level, width in enumerate(self.widths):
            if level:
                x = _next_patches(x)
            x = nn.relu(nn.Dense(width, kernel_init=he_normal, name=f"patch_{level}")(x))
        x = nn.relu(x + nn.Dense(self.widths[-1], kernel_init=he_normal, name="time")(neighbours(x, 1)))
        pooled = jnp.concatenate([x.mean((2, 3)), x.max((2, 3))], axis=-1)
        pooled = nn.Dropout(self.dropout, broadcast_dims=(1,))(pooled, deterministic=not train)
        pooled = jnp.concatenate([pooled, _motion_grid(cells)], axis=-1)
        x = nn.Dense(self.width, kernel_init=he_normal, name="pooled")(pooled)
        for i in range(self.temporal_blocks):
            y = nn.relu(nn.LayerNorm(epsilon=1e-3, name=f"temporal_norm_{i}")(x))
            x = x + nn.Dense(self.width, kernel_init=he_normal, name=f"temporal_{i}")(neighbours(y, 2))
        features = nn.relu(x)
        small = nn.initializers.variance_scaling(0.1, "fan_in", "normal")
        heads = nn.Dense(1 + self.bands, kernel_init=small, name="heads")(features)
        return Impacts(features=features, onset=heads[..., 0], bands=heads[..., 1:])

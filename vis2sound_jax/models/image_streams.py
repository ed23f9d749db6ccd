"""The two eyes of the laptop's network for impacts: one sees motion, one sees what things look like.

They stand where Visually Indicated Sounds has AlexNet (Owens et al. 2016, section 5.1): the features of a space-time
image, which is the previous, current and next frame in grey, and those of a colour frame. What they see of one
frame depends on these three frames only, so all memory is the recurrent network's. `SoundGuess` teaches them
before that network is trained, as ImageNet taught the paper's: they must say from the film what is heard.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.patches import frame_differences, motion_grid, neighbours, next_patches, pixel_cells

_HE = nn.initializers.he_normal()


class SpacetimeStream(nn.Module):
    """Levels of patches over a space-time image, pooled, beside a map of where it moves.

    Attributes:
      widths: channels of the levels; the first is of cells of 4 pixels, each next halves height and width.
    """

    widths: tuple[int, ...] = (32, 64, 128)

    @nn.compact
    def __call__(self, frames: Float[Array, "b t h w"]) -> Float[Array, "b t d"]:
        """Looks at every frame and its two neighbours in time.

        Args:
          frames: grey values in [0, 1]; height and width multiples of 4.

        Returns:
          One vector a frame; the first and the last frame of the clip are their own neighbours.

        Raises:
          UserError: if the size is not a multiple of 4.
        """
        _check_size(frames.shape[2:])
        cells = pixel_cells(frame_differences(frames))
        after = jnp.pad(cells, ((0, 0), (0, 1)) + ((0, 0),) * 3)[:, 1:]
        x, _ = _levels(jnp.concatenate([cells, after], axis=-1), self.widths)
        return jnp.concatenate([x.mean((2, 3)), x.max((2, 3)), motion_grid(cells), motion_grid(after)], axis=-1)


class ColourStream(nn.Module):
    """Levels of patches over a colour frame, each pooled: what there is of every texture and colour.

    Attributes:
      widths: channels of the levels, as in `SpacetimeStream`.
    """

    widths: tuple[int, ...] = (32, 64, 96)

    @nn.compact
    def __call__(self, images: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
        """Looks at pictures.

        Args:
          images: red, green and blue in [0, 1]; height and width multiples of 4.

        Returns:
          One vector a picture.

        Raises:
          UserError: if the size is not a multiple of 4.
        """
        n, h, w, _ = images.shape
        _check_size((h, w))
        cells = pixel_cells(jnp.moveaxis(images - 0.5, -1, 1))  # colours where time would be
        cells = jnp.moveaxis(cells, 1, -2).reshape(n, 1, h // 4, w // 4, 48)
        x, means = _levels(cells, self.widths)
        return jnp.concatenate([*means, x.max((2, 3))], axis=-1)[:, 0]


def _levels(x: Array, widths: tuple[int, ...]) -> tuple[Array, list[Array]]:
    """Patches times matrices, level by level: the last level and the mean of every one."""
    means = []
    for level, width in enumerate(widths):
        if level:
            x = next_patches(x)
        x = nn.relu(nn.Dense(width, kernel_init=_HE, name=f"patch_{level}")(x))
        means.append(x.mean((2, 3)))
    return x, means


def _check_size(size: tuple[int, ...]) -> None:
    if size[0] % 4 or size[1] % 4:
        raise UserError(f"frames are {size[0]} x {size[1]}; the streams need multiples of 4 pixels")


@struct.dataclass
class Guess:
    """What is guessed of a film's sound, frame by frame.

    Attributes:
      onset: [b, t] logit that an audible event begins in the frame.
      sound: [b, t, s] the sound during the frame, in the units of the training target.
    """

    onset: jax.Array
    sound: jax.Array


class SoundGuess(nn.Module):
    """Both streams and temporal convolutions that guess the sound; only the streams are kept afterwards.

    Attributes:
      spacetime_widths: of `SpacetimeStream`.
      colour_widths: of `ColourStream`.
      width: channels of the temporal convolutions.
      blocks: number of them, each over 5 frames.
      sound: numbers that describe the sound of a frame.
      dropout: share of motion features dropped in training; of colour features three times as many.
    """

    spacetime_widths: tuple[int, ...] = (32, 64, 128)
    colour_widths: tuple[int, ...] = (32, 64, 96)
    width: int = 128
    blocks: int = 3
    sound: int = 30
    dropout: float = 0.1

    def setup(self) -> None:
        """Makes the parts; the two streams can be applied alone."""
        self.spacetime = SpacetimeStream(self.spacetime_widths)
        self.colour = ColourStream(self.colour_widths)
        self.still = nn.Dense(self.width // 2)
        self.enter = nn.Dense(self.width, kernel_init=_HE)
        self.norms = [nn.LayerNorm(epsilon=1e-3) for _ in range(self.blocks)]
        self.temporal = [nn.Dense(self.width, kernel_init=_HE) for _ in range(self.blocks)]
        self.drop_motion = nn.Dropout(self.dropout, broadcast_dims=(1,))
        self.drop_colour = nn.Dropout(3 * self.dropout)
        small = nn.initializers.variance_scaling(0.1, "fan_in", "normal")
        self.heads = nn.Dense(1 + self.sound, kernel_init=small)

    def __call__(
        self, frames: Float[Array, "b t h w"], first: Float[Array, "b h w 3"], *, train: bool = False
    ) -> Guess:
        """Guesses from the motion and from the look of the first frame.

        Args:
          frames: grey values in [0, 1].
          first: the clip's first frame in colour, in [0, 1].
          train: whether to drop features; needs the random stream `dropout`.

        Returns:
          Onset and sound of every frame.
        """
        motion = self.drop_motion(self.spacetime(frames), deterministic=not train)
        look = nn.relu(self.still(self.drop_colour(self.colour(first), deterministic=not train)))
        held = jnp.broadcast_to(look[:, None], (*motion.shape[:2], look.shape[-1]))
        x = self.enter(jnp.concatenate([motion, held], axis=-1))
        for norm, dense in zip(self.norms, self.temporal, strict=True):
            x = x + dense(neighbours(nn.relu(norm(x)), 2))
        found = self.heads(nn.relu(x))
        return Guess(onset=found[..., 0], sound=found[..., 1:])

    def see_motion(self, frames: Float[Array, "b t h w"]) -> Float[Array, "b t d"]:
        """Applies the stream of motion alone."""
        return self.spacetime(frames)

    def see_colour(self, images: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
        """Applies the stream of colour alone."""
        return self.colour(images)

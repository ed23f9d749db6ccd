"""The two eyes of the laptop's network for impacts: one sees motion, one sees what things look like.

They stand where Visually Indicated Sounds has AlexNet (Owens et al. 2016, section 5.1): the features of a space-time
image, which is the previous, current and next frame in grey, and those of a colour frame. What they see of one
frame depends on these frames only, so all memory is the recurrent network's. One thing is added: the eye of motion
says where it moves, and there the eye of colour looks. A picture holds many materials, of which one is struck.
`SoundGuess` teaches both before the recurrent network is trained, as ImageNet taught the paper's: they must say
from the film what is heard.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Array, Float

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.patches import frame_differences, motion_grid, neighbours, next_patches, pixel_cells

_HE = nn.initializers.he_normal()


@struct.dataclass
class Moved:
    """What the eye of motion sees of every frame.

    Attributes:
      features: [b, t, d].
      places: [b, t, p, a] logits of a places to look at, over p cells of 8 x 8 pixels.
    """

    features: jax.Array
    places: jax.Array


class SpacetimeStream(nn.Module):
    """Levels of patches over a space-time image, pooled, beside a map of where it moves.

    Attributes:
      widths: channels of the levels, at least two; the first is of cells of 4 pixels, each next halves height and
        width.
      places: how many places to look at.
    """

    widths: tuple[int, ...] = (32, 64, 128)
    places: int = 2

    @nn.compact
    def __call__(self, frames: Float[Array, "b t h w"]) -> Moved:
        """Looks at every frame and its two neighbours in time.

        Args:
          frames: grey values in [0, 1]; height and width multiples of 4.

        Returns:
          What is seen; the first and the last frame of the clip are their own neighbours.

        Raises:
          UserError: if the size is not a multiple of 4.
        """
        _check_size(frames.shape[2:])
        cells = pixel_cells(frame_differences(frames))
        after = jnp.pad(cells, ((0, 0), (0, 1)) + ((0, 0),) * 3)[:, 1:]
        levels = _levels(jnp.concatenate([cells, after], axis=-1), self.widths)
        where = nn.Dense(self.places, name="places")(levels[1])
        x = levels[-1]
        features = [x.mean((2, 3)), x.max((2, 3)), motion_grid(cells), motion_grid(after)]
        return Moved(jnp.concatenate(features, axis=-1), where.reshape(*where.shape[:2], -1, self.places))


class ColourStream(nn.Module):
    """Two levels of patches over colour frames and one more look at each cell's surroundings.

    Attributes:
      widths: channels of the levels: cells of 4 pixels, cells of 8, the surroundings.
    """

    widths: tuple[int, int, int] = (32, 64, 64)

    @nn.compact
    def __call__(self, images: Float[Array, "b k h w 3"]) -> Float[Array, "b k p d"]:
        """Looks at pictures.

        Args:
          images: red, green and blue in [0, 1]; height and width multiples of 4.

        Returns:
          A vector for each of the p cells of 8 x 8 pixels of each picture.

        Raises:
          UserError: if the size is not a multiple of 4.
        """
        b, k, h, w, _ = images.shape
        _check_size((h, w))
        cells = pixel_cells(jnp.moveaxis(images - 0.5, -1, 2).reshape(b * k, 3, h, w))  # colours where time is
        cells = jnp.moveaxis(cells, 1, -2).reshape(b, k, h // 4, w // 4, 48)
        x = _levels(cells, self.widths[:2])[-1]
        rows, columns = x.shape[2:4]
        padded = jnp.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        around = [padded[:, :, i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
        x = nn.Dense(self.widths[2], kernel_init=_HE, name="surroundings")(jnp.concatenate(around, axis=-1))
        return nn.relu(x).reshape(b, k, rows * columns, -1)


def look(maps: Float[Array, "b k p d"], places: Float[Array, "b t p a"], every: int) -> Float[Array, "b t e"]:
    """Reads maps of colour frames where it moves.

    Args:
      maps: one map for `every` frames, the first frame's first.
      places: logits.
      every: frames that share a map.

    Returns:
      The mean of the map under each of the a softmaxes, e = a d.
    """
    b, t, p, a = places.shape
    held = jnp.repeat(maps, every, axis=1)[:, :t]
    return jnp.einsum("btpa,btpd->btad", jax.nn.softmax(places, axis=2), held).reshape(b, t, -1)


def overview(maps: Float[Array, "... p d"]) -> Float[Array, "... e"]:
    """Sums up whole maps: mean and maximum over the cells, e = 2 d."""
    return jnp.concatenate([maps.mean(-2), maps.max(-2)], axis=-1)


def _levels(x: Array, widths: tuple[int, ...]) -> list[Array]:
    """Patches times matrices, level by level."""
    found = []
    for level, width in enumerate(widths):
        if level:
            x = next_patches(x)
        x = nn.relu(nn.Dense(width, kernel_init=_HE, name=f"patch_{level}")(x))
        found.append(x)
    return found


def _check_size(size: tuple[int, ...]) -> None:
    if size[0] % 4 or size[1] % 4:
        raise UserError(f"frames are {size[0]} x {size[1]}; the streams need multiples of 4 pixels")


@struct.dataclass
class Guess:
    """What is guessed of a film's sound, frame by frame.

    Attributes:
      onset: [b, t] logit that an audible event begins in the frame.
      sound: [b, t, s] the sound during the frame, in the units of the training target.
      timbre: [b, t, k] logits of the kind of sound of what is struck.
    """

    onset: jax.Array
    sound: jax.Array
    timbre: jax.Array


class SoundGuess(nn.Module):
    """Both streams and temporal convolutions that guess the sound; only the streams are kept afterwards.

    Attributes:
      spacetime_widths: of `SpacetimeStream`.
      colour_widths: of `ColourStream`.
      places: to look at in colour.
      every: frames that share a colour frame.
      width: channels of the temporal convolutions.
      blocks: number of them, each over 5 frames.
      sound: numbers that describe the sound of a frame.
      timbres: kinds of sound to tell apart.
      dropout: share of features dropped in training, the same ones for a whole clip.
    """

    spacetime_widths: tuple[int, ...] = (32, 64, 128)
    colour_widths: tuple[int, int, int] = (32, 64, 64)
    places: int = 2
    every: int = 6
    width: int = 128
    blocks: int = 3
    sound: int = 30
    timbres: int = 32
    dropout: float = 0.1

    def setup(self) -> None:
        """Makes the parts; the two streams can be applied alone."""
        self.spacetime = SpacetimeStream(self.spacetime_widths, self.places)
        self.colour = ColourStream(self.colour_widths)
        self.enter = nn.Dense(self.width, kernel_init=_HE)
        self.norms = [nn.LayerNorm(epsilon=1e-3) for _ in range(self.blocks)]
        self.temporal = [nn.Dense(self.width, kernel_init=_HE) for _ in range(self.blocks)]
        self.drop = nn.Dropout(self.dropout, broadcast_dims=(1,))
        small = nn.initializers.variance_scaling(0.1, "fan_in", "normal")
        self.heads = nn.Dense(1 + self.sound + self.timbres, kernel_init=small)

    def __call__(
        self, frames: Float[Array, "b t h w"], stills: Float[Array, "b k h w 3"], *, train: bool = False
    ) -> Guess:
        """Guesses the sound of clips.

        Args:
          frames: grey values in [0, 1].
          stills: every `every`-th frame in colour, in [0, 1].
          train: whether to drop features; needs the random stream `dropout`.

        Returns:
          Onset and sound of every frame.
        """
        moved, maps = self.spacetime(frames), self.colour(stills)
        held = jnp.repeat(overview(maps), self.every, axis=1)[:, : frames.shape[1]]
        seen = jnp.concatenate([moved.features, look(maps, moved.places, self.every), held], axis=-1)
        x = self.enter(self.drop(seen, deterministic=not train))
        for norm, dense in zip(self.norms, self.temporal, strict=True):
            x = x + dense(neighbours(nn.relu(norm(x)), 2))
        found = self.heads(nn.relu(x))
        onset, sound, timbre = jnp.split(found, [1, 1 + self.sound], axis=-1)
        return Guess(onset[..., 0], sound, timbre)

    def watch(
        self, frames: Float[Array, "b s h w"], colours: Float[Array, "b k h w 3"]
    ) -> tuple[Float[Array, "b t d"], Float[Array, "b t e"]]:
        """Applies the streams alone.

        Args:
          frames: grey values in [0, 1], with one frame more at either end.
          colours: the frames themselves in colour, all of them or every `every`-th, which takes half the time; t
            is a multiple of `every`.

        Returns:
          What moves and what is looked at there, and an overview of each frame's colours, held where there are
          fewer.
        """
        moved, maps = self.spacetime(frames), self.colour(colours)
        held = (frames.shape[1] - 2) // colours.shape[1]
        seen = look(maps[:, :: self.every // held], moved.places[:, 1:-1], self.every)
        motion = jnp.concatenate([moved.features[:, 1:-1], seen], axis=-1)
        return motion, jnp.repeat(overview(maps), held, axis=1)

"""The two networks of AutoFoley (Ghose & Prevost 2020): from film to a class of sound and a residual spectrum.

Both say for every column of a spectrogram by how much it differs from the mean of the class. The frame-sequence network
reads the film with a fast-slow LSTM, the frame-relation network compares frames around each column. What sees the
frames is a small encoder, after `models.image_streams`. The method sections of the paper are not public: what is
chosen here is listed in the page of the system.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Array, Float

from vis2sound_jax.models.fs_lstm import FSLSTM
from vis2sound_jax.models.image_streams import ColourStream, SpacetimeStream, overview
from vis2sound_jax.models.trn import MultiScaleTRN

_SMALL = nn.initializers.variance_scaling(0.1, "fan_in", "normal")


@struct.dataclass
class Foley:
    """What is predicted of a window of film.

    Attributes:
      logits: [b, c] of the classes.
      residual: [b, k, f] amplitudes less the mean of the class, at every column and bin.
    """

    logits: jax.Array
    residual: jax.Array


def blend(x: Float[Array, "b t ..."], places: Float[Array, "k"]) -> Float[Array, "b k ..."]:
    """Reads frames, or what is seen in them, between frames: a linear blend of the two neighbours in time.

    Args:
      x: one value a frame.
      places: where to read, in frames from the first; beyond the ends the last and the first are held.

    Returns:
      One value a place.
    """
    last = x.shape[1] - 1
    at = jnp.clip(places, 0, last)
    before = jnp.minimum(jnp.floor(at).astype(jnp.int32), max(last - 1, 0))
    share = (at - before).reshape(-1, *(1,) * (x.ndim - 2))
    return x[:, before] * (1 - share) + x[:, jnp.minimum(before + 1, last)] * share


class FilmEye(nn.Module):
    """What is seen of every frame: the space-time image of it and its neighbours, and the colours nearest to it.

    Attributes:
      spacetime_widths: of `SpacetimeStream`.
      colour_widths: of `ColourStream`.
      width: of a row, d.
    """

    spacetime_widths: tuple[int, ...] = (16, 32, 64)
    colour_widths: tuple[int, int, int] = (16, 32, 32)
    width: int = 128

    @nn.compact
    def __call__(self, frames: Float[Array, "b t h w"], stills: Float[Array, "b m h w 3"]) -> Float[Array, "b t d"]:
        """Looks at clips.

        Args:
          frames: grey values in [0, 1].
          stills: frames in colour, evenly spread over the clip; 1 or more.

        Returns:
          One row a frame; motion reaches one frame ahead, colour is blended between stills.
        """
        moved = SpacetimeStream(self.spacetime_widths, places=1, name="spacetime")(frames)
        looks = overview(ColourStream(self.colour_widths, name="colour")(stills))
        t, m = frames.shape[1], stills.shape[1]
        held = blend(looks, (jnp.arange(t) + 0.5) * m / t - 0.5)
        x = jnp.concatenate([moved.features, held], axis=-1)
        norm = nn.LayerNorm(epsilon=1e-3, name="norm")
        return nn.relu(norm(nn.Dense(self.width, kernel_init=nn.initializers.he_normal(), name="enter")(x)))


class FrameSequence(nn.Module):
    """The first network: a fast-slow LSTM over columns.

    Attributes:
      classes: c.
      bands: f, bins of a column.
      width: of the LSTM's states; 512 in the paper's sizes.
      fast: number of fast cells.
      keep_h: see `fs_lstm.drawn_masks`; 1 for no zoneout.
      keep_c: see `fs_lstm.drawn_masks`.
      dropout: of the LSTM's inputs and outputs.
      last: whether the class is told by the last step; else by the mean of all.
    """

    classes: int
    bands: int
    width: int = 512
    fast: int = 2
    keep_h: float = 1.0
    keep_c: float = 1.0
    dropout: float = 0.0
    last: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "b k d"], *, train: bool = False) -> Foley:
        """Predicts a window.

        Args:
          x: one row a column.
          train: whether to drop and to zone out; needs the random stream `dropout`.
        """
        run = FSLSTM(self.width, self.fast, self.keep_h, self.keep_c, self.dropout, name="fs_lstm")
        h, _ = run(x, train=train)
        told = h[:, -1] if self.last else h.mean(axis=1)
        logits = nn.Dense(self.classes, name="classes")(told)
        return Foley(logits, nn.Dense(self.bands, kernel_init=_SMALL, name="residual")(h))


class FrameRelation(nn.Module):
    """The second network: temporal relations of the whole clip tell the class, those around a column its residual.

    Attributes:
      classes: c.
      bands: f, bins of a column.
      width: of the projected rows that are compared; 256 in the paper's sizes.
      bottleneck: of the relations.
      frames: n, frames that are compared; 8 in the paper's sizes.
      every: columns from one compared frame to the next, in the window around a column.
      dropout: of the rows.
    """

    classes: int
    bands: int
    width: int = 256
    bottleneck: int = 256
    frames: int = 8
    every: int = 3
    dropout: float = 0.0

    @nn.compact
    def __call__(self, x: Float[Array, "b k d"], *, train: bool = False) -> Foley:
        """Predicts a window.

        Args:
          x: one row a column.
          train: whether to drop and to draw subsets; needs the random streams `dropout` and `subsets`.
        """
        rows = nn.Dense(self.width, name="project")(x)
        rows = nn.Dropout(self.dropout, broadcast_dims=(1,), name="drop")(rows, deterministic=not train)
        k, n = x.shape[1], self.frames
        spread = jnp.round((jnp.arange(n) + 0.5) * k / n - 0.5).astype(jnp.int32)
        logits = MultiScaleTRN(self.classes, self.bottleneck, name="class_relations")(rows[:, spread], train=train)
        around = jnp.arange(k)[:, None] + self.every * (jnp.arange(n) - (n - 1) // 2)
        windows = rows[:, jnp.clip(around, 0, k - 1)]
        found = MultiScaleTRN(self.bottleneck, self.bottleneck, name="relations")(windows, train=train)
        return Foley(logits, nn.Dense(self.bands, kernel_init=_SMALL, name="residual")(nn.relu(found)))


class AutoFoley(nn.Module):
    """Eye, blend to the columns of the spectrogram, head.

    Attributes:
      eye: sees frames; `FilmEye` or a network of the same form.
      head: `FrameSequence` or `FrameRelation`.
      columns: k of a window.
      frames_a_column: the film's rate over that of the columns.
      ahead: frames that a column sees ahead of its own time; the paper has none.
      blend_pixels: whether the frames themselves are blended to the rate of the columns before they are seen, as the
        paper interpolates them; otherwise what is seen of them is, which costs as much less as there are more columns.
    """

    eye: Any
    head: Any
    columns: int
    frames_a_column: float
    ahead: float = 0.0
    blend_pixels: bool = False

    @nn.compact
    def __call__(
        self, frames: Float[Array, "b t h w"], stills: Float[Array, "b m h w 3"], *, train: bool = False
    ) -> Foley:
        """Predicts a window of film.

        Args:
          frames: grey values in [0, 1].
          stills: frames in colour, evenly spread over the window.
          train: whether to draw what is drawn in training; needs the random streams `dropout` and `subsets`.
        """
        places = jnp.arange(self.columns) * self.frames_a_column + self.ahead
        if self.blend_pixels:
            seen = self.eye(blend(frames, places), stills)
        else:
            seen = blend(self.eye(frames, stills), places)
        return self.head(seen, train=train)

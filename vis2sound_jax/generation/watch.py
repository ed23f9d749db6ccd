"""Runs video networks over films of any length, in windows of one size."""

import collections
import dataclasses
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, UInt8

from vis2sound_jax.models.r2plus1d import R2Plus1D, normalised
from vis2sound_jax.video.motion import MAP_SHAPE, motion_maps

WINDOW_FRAMES = 150
_OVERLAP_FRAMES = 50
_KEPT = 7 / 8  # the paper cuts the middle 112 out of 128 pixels


class Seen(NamedTuple):
    """What the encoder says of a film.

    Attributes:
      features: [t, d] float32, one vector a frame.
      onset: [t] float32, probability that an event begins in the frame.
      maps: [t, r, c] float32, where each picture moves; see `video.motion.motion_maps`. Empty where nobody asked.
    """

    features: np.ndarray
    onset: np.ndarray
    maps: np.ndarray = np.zeros((0, *MAP_SHAPE), np.float32)


class VideoEncoder(Protocol):
    """What a network that sees onsets offers: `ImpactNet` and `VideoOnsetNet` do."""

    grey: bool
    """Whether it takes grey frames, or frames in colour, cut to the middle."""

    @property
    def feature_width(self) -> int:
        """Size of the feature of a frame."""
        ...

    def see(self, variables: Any, frames: UInt8[Array, "b t h w *c"]) -> Any:
        """Looks at clips.

        Args:
          variables: `params` and, where the network has it, `batch_stats`.
          frames: clips, grey or in colour as `grey` says.

        Returns:
          A named tuple with `features` [b, t, d] and `onset` logits [b, t].
        """
        ...


class Frames(Protocol):
    """The frames of a film in order, such as an array [t, h, w, *c] or `video.film.Pictures`."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """One frame [h, w, *c] uint8 after another."""
        ...


@dataclasses.dataclass(frozen=True)
class Watcher:
    """The encoder with its rate.

    Attributes:
      net: the encoder.
      mirrored: also watch the mirror image and average; twice the work, somewhat surer onsets.
    """

    net: VideoEncoder
    mirrored: bool = False

    @property
    def grey(self) -> bool:
        """Whether the encoder takes grey frames, or colour ones."""
        return self.net.grey

    def watch(self, variables: Any, frames: Frames) -> Seen:
        """Watches a film; no more than a window of it is in memory at once.

        Args:
          variables: of the encoder: `params` and what else it has.
          frames: grey or colour frames at the rate that the encoder was trained on, at least one.

        Returns:
          Features and onset probability of every frame; overlapping windows are cross-faded.
        """
        t = len(frames)
        step = WINDOW_FRAMES - _OVERLAP_FRAMES
        starts = [*range(0, max(t - WINDOW_FRAMES, 0), step), max(t - WINDOW_FRAMES, 0)]
        features = np.zeros((t, self.net.feature_width), np.float32)
        logits, weight = np.zeros(t, np.float32), np.zeros(t, np.float32)
        maps: list[np.ndarray] = []
        for start, clip in windows_of(frames, starts, WINDOW_FRAMES):
            shown = len(clip)
            maps.append(_fresh_maps(clip, sum(map(len, maps)) - start))
            # One size of window is compiled. A shorter film goes on backwards, so that its contrast of motion,
            # to which the encoder relates everything, stays what it is.
            missing = [(0, WINDOW_FRAMES - shown)] + [(0, 0)] * (clip.ndim - 1)
            held = np.pad(clip if self.grey else middle(clip), missing, mode="symmetric")
            found, onset = jax.device_get(_see(self.net, self.mirrored, variables, held))
            fade = np.minimum(np.arange(1, shown + 1), np.arange(shown, 0, -1)).clip(max=_OVERLAP_FRAMES)
            place = slice(start, start + shown)
            features[place] += found[:shown] * fade[:, None]
            logits[place] += onset[:shown] * fade
            weight[place] += fade
        features /= weight[:, None]
        probability = 1.0 / (1.0 + np.exp(-logits / weight))
        return Seen(features, probability.astype(np.float32), np.concatenate(maps))


def _fresh_maps(clip: UInt8[np.ndarray, "n h w *c"], known: int) -> Float32[np.ndarray, "m r c"]:
    """Maps of motion of the frames of a window that the windows before it did not have."""
    return motion_maps(clip[known:], clip[known - 1] if known else None)


def windows_of(
    frames: Frames, starts: Sequence[int], length: int
) -> Iterator[tuple[int, UInt8[np.ndarray, "n h w *c"]]]:
    """Cuts windows out of a film that is read once, from its beginning to its end.

    Args:
      frames: the film.
      starts: first frame of each window, ascending.
      length: frames of a window; those beyond the film's end are left out.

    Yields:
      The start and the window's frames.
    """
    source, held, first = iter(frames), collections.deque[np.ndarray](), 0
    for start in starts:
        while first < start:
            if held:
                held.popleft()
            elif next(source, None) is None:
                break
            first += 1
        held.extend(itertools.islice(source, length - len(held)))
        yield start, np.stack(held)


@dataclasses.dataclass(frozen=True)
class ClipWatcher:
    """A transformer's own video network, which sees one clip at a time, as in training (Du et al. 2023, section 3.3).

    Attributes:
      net: the network.
      compat: see `see_clips`.
    """

    net: R2Plus1D
    compat: bool = False

    def watch(self, variables: Any, frames: UInt8[np.ndarray, "t h w 3"]) -> Float32[np.ndarray, "t d"]:
        """Computes the features of a clip.

        Args:
          variables: `params` and `batch_stats`.
          frames: a clip as `read_frames` gives it, before the middle is cut.

        Returns:
          One vector a frame.
        """
        return np.asarray(_clip(self.net, self.compat, variables, middle(frames)[None]))[0]


def middle(frames: UInt8[np.ndarray, "t h w 3"]) -> UInt8[np.ndarray, "t i j 3"]:
    """Cuts the middle seven eighths out of frames: of the paper's 128 pixels, 112."""
    height, width = frames.shape[1:3]
    rows, columns = round(_KEPT * height), round(_KEPT * width)
    top, left = (height - rows) // 2, (width - columns) // 2
    return frames[:, top : top + rows, left : left + columns]


def see_clips(
    net: R2Plus1D, variables: Any, frames: UInt8[Array, "b t h w 3"], *, compat: bool
) -> Float[Array, "b t d"]:
    """Runs R(2+1)D on clips without changing its statistics.

    Args:
      net: the network.
      variables: `params` and `batch_stats`.
      frames: colour frames, cut to the middle.
      compat: as the released weights need it: normalised by the statistics of this very batch, and colours scaled by
        ImageNet's. Otherwise by the stored statistics, and Kinetics' colours.
    """
    return net.apply(variables, normalised(frames, imagenet=compat), use_running_average=not compat)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _clip(net: R2Plus1D, compat: bool, variables: Any, frames: Array) -> Array:
    return see_clips(net, variables, frames, compat=compat)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _see(
    net: VideoEncoder, mirrored: bool, variables: Any, frames: UInt8[np.ndarray, "t h w *c"]
) -> tuple[Array, Array]:
    clip = jnp.asarray(frames)[None]
    views = jnp.concatenate([clip, jnp.flip(clip, 3)]) if mirrored else clip
    found = net.see(variables, views)
    return found.features.mean(0), found.onset.mean(0)

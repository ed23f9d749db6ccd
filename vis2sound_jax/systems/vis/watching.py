"""Watches films of any length with the streams of motion and colour, in windows of one size."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, UInt8

from vis2sound_jax.models.image_streams import SoundGuess
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.systems.vis import build
from vis2sound_jax.training.checkpoint import load_params

WINDOW_FRAMES = 90
"""Frames watched at once, a multiple of the frames that share a colour frame."""

Rows = tuple[Float32[np.ndarray, "t d"], Float32[np.ndarray, "t e"]]
"""What is seen of every frame: how it moves, and what it looks like."""


class Pairs(Protocol):
    """The frames of a film in order, each in grey [h, w] and in colour [h, w, 3], such as `video.film.Pictures`."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """One pair of uint8 frames after another."""
        ...


@dataclass(frozen=True)
class Shot:
    """A film as arrays.

    Attributes:
      grey: [t, h, w] uint8.
      colour: [t, h, w, 3] uint8, the same frames.
    """

    grey: UInt8[np.ndarray, "t h w"]
    colour: UInt8[np.ndarray, "t h w 3"]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.grey)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """One pair of frames after another."""
        return zip(self.grey, self.colour, strict=True)


class FilmWatcher(Protocol):
    """What the streams offer, whatever they are: `StreamWatcher` and `pretrained.AlexNetWatcher` do."""

    def watch(self, frames: Pairs, *, sparse: bool = False) -> Rows:
        """Watches a film; with `sparse` an overview of few colour frames is enough.

        Args:
          frames: of the film.
          sparse: whether an overview of few colour frames is enough.
        """
        ...


class StreamWatcher:
    """The trained streams, ready to watch films of any length."""

    def __init__(self, net: SoundGuess, params: Any) -> None:
        """Takes the network and its averaged weights."""
        self.net, self.params = net, params

    @classmethod
    def load(cls, config: Any, workdir: Path) -> "StreamWatcher":
        """Loads the streams of a run.

        Args:
          config: the settings.
          workdir: of the run.
        """
        params = load_params(checkpoints_dir(workdir, "streams"), item="variables")["ema"]
        return cls(build.streams_net(config), params)

    def watch(self, frames: Pairs, *, sparse: bool = False) -> Rows:
        """Watches a film; no more than two windows of it are in memory at once.

        Args:
          frames: of the film, at least one.
          sparse: take an overview of few colour frames, which takes half the time.

        Returns:
          Rows of motion [t, d] and of colour [t, e].
        """
        step = self.net.every if sparse else 1
        parts = [_watch(self.net, self.params, grey, colour[::step]) for grey, colour in film_windows(frames)]
        motion, look = (np.concatenate([part[k] for part in jax.device_get(parts)]) for k in (0, 1))
        return motion[: len(frames)], look[: len(frames)]


def film_windows(
    frames: Pairs,
) -> Iterator[tuple[UInt8[np.ndarray, "n h w"], UInt8[np.ndarray, "m h w 3"]]]:
    """Cuts a film into windows of `WINDOW_FRAMES`, one after another.

    A short last window goes on backwards, so that its contrast of motion stays what it is; its colour is held.

    Args:
      frames: of the film, read once.

    Yields:
      Grey frames with one more at either end, its own neighbour at the film's ends, and frames in colour.
    """
    t = len(frames)
    places = np.pad(np.arange(t), (1, 1 + -t % WINDOW_FRAMES), mode="symmetric")
    source, first = iter(frames), 0
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, t, WINDOW_FRAMES):
        # The window before is kept for a last one that goes on backwards.
        drop = max(start - WINDOW_FRAMES - 1 - first, 0)
        held, first = held[drop:], first + drop
        while first + len(held) < min(start + WINDOW_FRAMES + 1, t):
            held.append(next(source))
        grey = np.stack([held[k - first][0] for k in places[start : start + WINDOW_FRAMES + 2]])
        shown = np.minimum(np.arange(start, start + WINDOW_FRAMES), t - 1)
        yield grey, np.stack([held[k - first][1] for k in shown])


@functools.partial(jax.jit, static_argnums=0)
def _watch(net: SoundGuess, params: Any, grey: np.ndarray, colour: np.ndarray) -> tuple[jax.Array, jax.Array]:
    clip, stills = (jnp.asarray(x, jnp.float32)[None] / 255.0 for x in (grey, colour))
    motion, look = net.apply({"params": params}, clip, stills, method="watch")
    return motion[0], look[0]

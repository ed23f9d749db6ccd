"""Predictions of a trained network: residual spectra of whole films, in windows that are joined."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, UInt8

from vis2sound_jax.audio.joining import join_windows, window_starts
from vis2sound_jax.data.class_means import ClassMeans
from vis2sound_jax.data.foley_clips import FoleyWindow, looped, still_places
from vis2sound_jax.models.autofoley import AutoFoley
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.systems.autofoley import build
from vis2sound_jax.systems.autofoley.sounds import open_means
from vis2sound_jax.training.checkpoint import load_params

OVERLAP = 0.2
"""Share of a window that it has in common with the next."""


class Pairs(Protocol):
    """The frames of a film in order, each in grey [h, w] and in colour [h, w, 3], such as `video.film.Pictures`."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """One pair of uint8 frames after another."""
        ...


@dataclass(frozen=True)
class Seen:
    """What is predicted of a film.

    Attributes:
      logits: [c] mean over the windows.
      residuals: of each window, [k, f].
      starts: first column of each window.
      columns: of the whole film.
    """

    logits: np.ndarray
    residuals: tuple[np.ndarray, ...]
    starts: tuple[int, ...]
    columns: int


@dataclass(frozen=True)
class Predictor:
    """A trained network, ready for films of any length.

    Attributes:
      net: the network.
      params: its averaged weights.
      size: of its windows.
      means: of the classes.
      kind: which mean residuals are added to.
    """

    net: AutoFoley
    params: Any
    size: FoleyWindow
    means: ClassMeans
    kind: str

    @classmethod
    def load(cls, config: Any, workdir: Path, model: str) -> "Predictor":
        """Loads what a stage trained.

        Args:
          config: the settings.
          workdir: of the run.
          model: "sequence" or "relation".

        Raises:
          UserError: if it is not there.
        """
        params = load_params(checkpoints_dir(workdir, model), item="variables")["ema"]
        size, means = build.window(config), open_means(workdir)
        return cls(
            build.foley_net(config, model, size, len(means.classes)), params, size, means, build.mean_kind(config)
        )

    def film(self, frames: Pairs) -> Seen:
        """Watches a film; no more than two windows of it are in memory at once.

        Args:
          frames: of the film, at least one; a film shorter than a window is looped.

        Returns:
          What is predicted.
        """
        rate, logits, residuals, starts = self.size.columns_hz / self.size.fps, [], [], []
        for first, grey, colour in windows(frames, self.size.frames, round(OVERLAP * self.size.frames)):
            told, residual = jax.device_get(_predict(self.net, self.params, grey, colour))
            logits.append(told)
            residuals.append(residual)
            starts.append(round(first * rate))
        columns = round(len(frames) * rate)
        return Seen(np.mean(logits, axis=0), tuple(residuals), tuple(starts), max(columns, 2))

    def amplitudes(self, seen: Seen, label: int) -> Float32[np.ndarray, "k f"]:
        """The spectrogram of a film whose class is known.

        Args:
          seen: what `film` gave.
          label: the class.

        Returns:
          Windows with the mean of the class, joined where they differ least.
        """
        mean = self.means.of(label, self.size.columns, self.kind)
        rows = [residual + mean for residual in seen.residuals]
        joined = join_windows(rows, seen.starts)
        return joined[looped(0, seen.columns, len(joined))] if len(joined) < seen.columns else joined[: seen.columns]


def windows(
    frames: Pairs, length: int, overlap: int
) -> Iterator[tuple[int, UInt8[np.ndarray, "n h w"], UInt8[np.ndarray, "m h w 3"]]]:
    """Cuts a film into overlapping windows, one after another.

    Args:
      frames: of the film, read once.
      length: frames of a window.
      overlap: frames that neighbours share.

    Yields:
      First frame, grey frames, and some frames in colour; a film shorter than a window is looped.
    """
    total, source, first = len(frames), iter(frames), 0
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for start in window_starts(total, length, overlap):
        held, first = held[start - first :], start
        while first + len(held) < min(start + length, total):
            held.append(next(source))
        shown = looped(0, length, len(held))
        yield start, np.stack([held[k][0] for k in shown]), np.stack([held[k][1] for k in shown[still_places(length)]])


@functools.partial(jax.jit, static_argnums=0)
def _predict(net: AutoFoley, params: Any, grey: np.ndarray, colour: np.ndarray) -> tuple[jax.Array, jax.Array]:
    clip, stills = (jnp.asarray(x, jnp.float32)[None] / 255.0 for x in (grey, colour))
    found = net.apply({"params": params}, clip, stills)
    return found.logits[0], found.residual[0]

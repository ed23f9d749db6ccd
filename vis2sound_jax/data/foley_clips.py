"""Windows of film and sound for AutoFoley: pictures of a window, its spectrogram less the mean of its class."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Int, UInt8

from vis2sound_jax.data.class_means import ClassMeans
from vis2sound_jax.data.decoded import GreyFilm, grey_at
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.frames import sample_grey_augmentation

STILLS = 3
"""Frames of a window that are seen in colour."""


class FoleyWindow(NamedTuple):
    """Size of a window.

    Attributes:
      frames: t.
      columns: k of its spectrogram.
      fps: frames a second.
      columns_hz: columns a second.
    """

    frames: int
    columns: int
    fps: float
    columns_hz: float

    @classmethod
    def of(cls, seconds: float, fps: float, columns_hz: float) -> "FoleyWindow":
        """Rounds the numbers of a window.

        Args:
          seconds: its length.
          fps: frames a second.
          columns_hz: columns a second.
        """
        return cls(round(seconds * fps), round(seconds * columns_hz), fps, columns_hz)


class FoleyClip(NamedTuple):
    """A clip to cut windows from.

    Attributes:
      record: its film, encoded.
      label: index of its class.
      rows: [k, f] its spectrogram.
      film: its frames in grey, where they are decoded already.
    """

    record: Record
    label: int
    rows: np.ndarray
    film: GreyFilm = None


def foley_clips(records: Records, sounds: Rows, classes: Sequence[str]) -> list[FoleyClip]:
    """Puts the films of a split and their spectrograms together; clips of classes that are not known are left out.

    Args:
      records: the films.
      sounds: their spectrograms.
      classes: names of the classes.
    """
    known = {name: k for k, name in enumerate(classes)}
    return [
        FoleyClip(record, known[record["label"]], sounds[record["id"]])
        for record in records
        if record["label"] in known
    ]


def looped(start: int, count: int, total: int) -> Int[np.ndarray, "n"]:
    """Indices from `start` on; what is shorter begins again, picture and sound alike.

    Args:
      start: first index.
      count: how many.
      total: of what is there, >= 1.
    """
    return (start + np.arange(count)) % total


def still_places(frames: int) -> Int[np.ndarray, "m"]:
    """Which frames of a window are seen in colour: the middles of `STILLS` equal parts.

    Args:
      frames: of the window.
    """
    return ((np.arange(STILLS) + 0.5) * frames / STILLS).astype(int)


def window_of(
    clip: FoleyClip, first: int, size: FoleyWindow
) -> tuple[UInt8[np.ndarray, "t h w"], UInt8[np.ndarray, "m h w 3"], Float32[np.ndarray, "k f"]]:
    """Cuts a window.

    Args:
      clip: the clip.
      first: its first frame.
      size: of the window.

    Returns:
      Grey frames, frames in colour, and the spectrogram.
    """
    frames = clip.record["frames"]
    shown = looped(first, size.frames, len(frames))
    grey = grey_at(clip.film, frames, shown)
    stills = np.stack([decode_jpeg(frames[k]) for k in shown[still_places(size.frames)]])
    column = round(first / size.fps * size.columns_hz)
    # Sound and picture are looped at the same moment: the sound of as many columns as the film has frames.
    total = min(len(clip.rows), max(1, round(len(frames) / size.fps * size.columns_hz)))
    return grey, stills, np.asarray(clip.rows[looped(column, size.columns, total)], np.float32)


def foley_example(
    clip: FoleyClip,
    rng: np.random.Generator,
    *,
    size: FoleyWindow,
    means: ClassMeans,
    kind: str,
    augment: bool = True,
) -> dict[str, Any]:
    """Cuts a window for `FoleyTask`.

    Args:
      clip: the clip.
      rng: source of the place and of how the view is altered.
      size: of the window.
      means: of the classes.
      kind: which mean is taken off; see `ClassMeans.of`.
      augment: whether the pictures are altered: nearer, mirrored, in other light.

    Returns:
      `frames`, `stills`, `residual` [k, f], `label`, and where altered `view` and `view_seed`.
    """
    last = len(clip.record["frames"]) - size.frames
    first = int(rng.integers(0, last + 1)) if last > 0 else 0
    grey, stills, rows = window_of(clip, first, size)
    found = {"frames": grey, "stills": stills, "label": np.int32(clip.label)}
    found["residual"] = rows - means.of(clip.label, size.columns, kind)
    if augment:
        draw = sample_grey_augmentation(rng, grey.shape[1], grey.shape[2])
        found |= {"view": draw.numbers, "view_seed": np.uint32(draw.seed)}
    return found

"""Examples for a transformer that looks at frames itself: pairs of clips, to be altered in training."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from vis2sound_jax.data.tokens import TokenRecording, clip_places, sample_starts
from vis2sound_jax.data.transforms import sample_pair
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.frames import centre_crop, sample_augmentation

_KEPT = 7 / 8  # of the paper's 128 pixels, 112
_NUMBERS = 13  # of a draw


class FilmRecording(NamedTuple):
    """A recording as codes and as encoded frames.

    Attributes:
      tokens: its codes.
      frames: JPEG of every frame.
    """

    tokens: TokenRecording
    frames: list[bytes]


def altered_size(height: int, width: int, *, augment: bool = True) -> tuple[int, int]:
    """Says how large frames are that a network is shown.

    Args:
      height: of the frames before.
      width: of the frames before.
      augment: False for frames of which the middle is cut out.

    Returns:
      Height and width; with alterations both are of the height.
    """
    return round(_KEPT * height), round(_KEPT * (height if augment else width))


def clip_shapes(height: int, width: int, frames: int, name: str = "", *, augment: bool = True) -> dict[str, Any]:
    """Says what arrays `clip_arrays` makes.

    Args:
      height: of the frames.
      width: of the frames.
      frames: length of the clip.
      name: of the clip.
      augment: whether it is to be altered.

    Returns:
      Name → shape and type.
    """
    size = (height, width) if augment else altered_size(height, width, augment=False)
    shapes: dict[str, Any] = {f"{name}frames": ((frames, *size, 3), np.uint8)}
    return {**shapes, f"{name}view": ((_NUMBERS,), np.float32)} if augment else shapes


def clip_arrays(
    frames: UInt8[np.ndarray, "t h w 3"], rng: np.random.Generator | None, name: str = ""
) -> dict[str, Any]:
    """Makes a clip to be altered as the paper's training does, all frames alike (Du et al. 2023, released code).

    It is the task that alters it; see `models.views.colour_views`.

    Args:
      frames: the clip; to be altered, h = w.
      rng: source of the draw; None cuts out the middle instead.
      name: of the clip, before the names of its arrays.

    Returns:
      `frames` uint8 [t, h, w, 3], and `view` float32 [13] where they are to be altered.
    """
    height, width = frames.shape[1:3]
    if rng is None:
        return {f"{name}frames": centre_crop(frames, *altered_size(height, width, augment=False))}
    draw = sample_augmentation(rng, height, width, size=altered_size(height, width)[0])
    return {f"{name}frames": frames, f"{name}view": draw.numbers}


def frames_at(frames: Sequence[bytes], places: Int[np.ndarray, "t"]) -> UInt8[np.ndarray, "t h w 3"]:
    """Decodes the frames at some places, each of them once.

    Args:
      frames: JPEG images of a film in colour.
      places: which of them, each in [0, len(frames)).
    """
    shown = {int(k): decode_jpeg(frames[k]) for k in np.unique(places)}
    return np.stack([shown[int(k)] for k in places])


def film_pair_example(
    recording: FilmRecording, rng: np.random.Generator, *, columns: int, frames: int, augment: bool = True
) -> dict[str, Any]:
    """Cuts a training example for `FilmTransformerTask`, example and target of one recording.

    Args:
      recording: at least two windows of `columns` columns long.
      rng: source of the windows and of the alterations, each clip's own.
      columns: length of target and condition.
      frames: frames of each clip.
      augment: whether to alter the pictures.

    Returns:
      `condition`, `target`, `condition_frames`, `target_frames`, and to alter these `condition_view`, `target_view`.
    """
    tokens = recording.tokens
    starts = dict(zip(("target", "condition"), sample_starts(tokens, rng, columns), strict=True))
    example: dict[str, Any] = {}
    for name, start in starts.items():
        start_s = tokens.offset_s + start * tokens.column_s
        places = clip_places(start_s, tokens.fps, len(recording.frames), frames)
        example |= clip_arrays(frames_at(recording.frames, places), rng if augment else None, f"{name}_")
        example[name] = tokens.codes_from(start, columns).astype(np.int32).T.reshape(-1)
    return example


def published_pair_example(
    record: Record, rng: np.random.Generator, *, duration_s: float, augment: bool = True
) -> dict[str, Any]:
    """Cuts an example as the published code does, with what is wrong in it; see `transforms.sample_pair`.

    Args:
      record: the recording.
      rng: source of the hits, of the shifts and of the alterations.
      duration_s: length of each clip in seconds.
      augment: whether to alter the pictures.

    Returns:
      `condition_wav`, `target_wav`, `condition_frames`, `target_frames`, `condition_view`, `target_view`.
    """
    pair = sample_pair(record, rng, duration_s, compat=True)
    example: dict[str, Any] = {}
    for name in ("target", "condition"):
        window = getattr(pair, name)
        example[f"{name}_wav"] = window.wav
        example |= clip_arrays(window.frames, rng if augment else None, f"{name}_")
    return example

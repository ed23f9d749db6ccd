"""Examples for the transformer: recordings as codes and video features, computed once, cut by columns.

A column of the code grid is the unit of time here: windows begin at columns, and the video is looked up at
the column's own time on the film's clock.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from vis2sound_jax.whole import write_arrays

_MOMENTS = (0.25, 0.75)
_ONSET_MOMENTS = (0.125, 0.375, 0.625, 0.875)
_LOUD_SHARE = 0.1
# A window begins up to this share of its length before one of its events.
_LEAD_SHARE = 0.75


@dataclasses.dataclass(frozen=True)
class TokenRecording:
    """A recording as the transformer sees it.

    Attributes:
      id: name of the recording.
      codes: [r, k] codes of its sound, rows as the coder orders them.
      windows: [s, r, c] codes of the window that begins at each column, for coders to which a code depends on the
        window; [0, r, 0] where any piece of `codes` will do.
      offset_s: time of column 0 in the recording, in seconds.
      motion: [t, m] curves of motion energy, float16; see `video.motion.motion_curves`.
      mel: [f, t] its log-mel in [0, 1], float16; may be empty where the video is a prefix.
      features: [t, d] the video encoder's features, float16.
      onset: [t] the video encoder's onset probability.
      fps: rate of `features` and `onset`.
      column_s: length of a column of `codes` in seconds.
      event_s: times of the known events in seconds from column 0: the annotated ones, or those that can be heard in
        a recording that nobody annotated.
    """

    id: str
    codes: np.ndarray
    mel: np.ndarray
    features: np.ndarray
    onset: np.ndarray
    fps: float
    column_s: float
    event_s: np.ndarray
    windows: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0, 0), np.int16))
    offset_s: float = 0.0
    motion: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 4), np.float16))

    def codes_from(self, start: int, columns: int) -> Int[np.ndarray, "r k"]:
        """Returns the codes of a window.

        Args:
          start: first column of the window.
          columns: its length, that of `windows` where there are any.
        """
        return self.windows[start] if self.windows.size else self.codes[:, start : start + columns]


def aligned_features(
    features: Float[np.ndarray, "t d"],
    onset: Float[np.ndarray, "t"],
    fps: float,
    start_s: float,
    column_s: float,
    columns: int,
) -> Float32[np.ndarray, "k g"]:
    """Looks up what the video shows during each column.

    Args:
      features: one vector a frame; frame k is at (k + 0.5) / fps.
      onset: one probability a frame.
      fps: their rate.
      start_s: time of the first column.
      column_s: length of a column.
      columns: number of columns.

    Returns:
      [columns, 2 d + 4]: the features at a quarter and three quarters of the column and the onset
      probability at four moments of it, interpolated; beyond the film the nearest frame.
    """
    start = start_s + np.arange(columns) * column_s
    parts = [_interpolate(features, (start + m * column_s) * fps - 0.5) for m in _MOMENTS]
    parts += [_interpolate(onset[:, None], (start + m * column_s) * fps - 0.5) for m in _ONSET_MOMENTS]
    return np.concatenate(parts, axis=1).astype(np.float32)


def frame_features(
    features: Float[np.ndarray, "t d"], fps: float, start_s: float, duration_s: float, frames: int
) -> Float32[np.ndarray, "p d"]:
    """Looks up the features of a window at a fixed number of frames, as the paper's prefix needs them.

    Args:
      features: one vector a frame; frame k is at (k + 0.5) / fps.
      fps: their rate.
      start_s: when the window begins in the film, in seconds.
      duration_s: length of the window in seconds.
      frames: how many to look at, p, evenly spread over the window.

    Returns:
      The features at these moments, interpolated; beyond the film the nearest frame.
    """
    at_s = start_s + (np.arange(frames) + 0.5) * duration_s / frames
    return _interpolate(features, at_s * fps - 0.5).astype(np.float32)


def _interpolate(values: np.ndarray, position: np.ndarray) -> np.ndarray:
    position = np.clip(position, 0, len(values) - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, len(values) - 1)
    share = (position - low)[:, None]
    return values[low] * (1 - share) + values[high] * share


def style_of(mel: Float[np.ndarray, "f t"]) -> Float32[np.ndarray, "e"]:
    """Summarises the timbre of an example, wherever in it the sounds lie.

    Args:
      mel: log-mel in [0, 1].

    Returns:
      [3 f]: mean, maximum, and mean over the loudest tenth of the frames, of every band.
    """
    mel = np.asarray(mel, np.float32)
    loud = np.argsort(mel.mean(axis=0))[-max(1, round(_LOUD_SHARE * mel.shape[1])) :]
    return np.concatenate([mel.mean(axis=1), mel.max(axis=1), mel[:, loud].mean(axis=1)])


def window_start(
    event_s: Float[np.ndarray, "e"], columns: int, column_s: float, last: int, rng: np.random.Generator
) -> int:
    """Draws the first column of a window around a random event; anywhere if there is none.

    Args:
      event_s: times of the events, in seconds from column 0.
      columns: length of the window.
      column_s: length of a column in seconds.
      last: last column at which a window may begin.
      rng: source of the choice.

    Returns:
      The column, in [0, last].
    """
    if not len(event_s):
        return int(rng.integers(0, last + 1))
    event = float(event_s[rng.integers(len(event_s))]) / column_s
    return int(np.clip(np.floor(event - rng.uniform(0, _LEAD_SHARE) * columns), 0, last))


def sample_starts(recording: TokenRecording, rng: np.random.Generator, columns: int) -> tuple[int, int]:
    """Draws target and condition windows of one recording (Du et al. 2023, section 4.1).

    Args:
      recording: at least two windows long; see `two_windows_long`.
      rng: source of the choice.
      columns: length of both windows.

    Returns:
      First columns of target and condition. They never overlap, or the target's own codes would stand in its prompt;
      the condition is around an event where one lies outside of the target.

    Raises:
      ValueError: if the recording is shorter.
    """
    last = recording.codes.shape[1] - columns
    if last < columns:
        length = f"{last + columns} columns, less than two windows of {columns}"
        raise ValueError(f"{recording.id} has {length}; leave it out")
    target = window_start(recording.event_s, columns, recording.column_s, last, rng)
    begin, end = target * recording.column_s, (target + columns) * recording.column_s
    elsewhere = recording.event_s[(recording.event_s < begin) | (recording.event_s >= end)]
    for _ in range(8):
        condition = window_start(elsewhere, columns, recording.column_s, last, rng)
        if abs(condition - target) >= columns:
            return target, condition
    # The end that is further away; where it is not far enough, the target makes room.
    return (max(target, columns), 0) if target > last - target else (min(target, last - columns), last)


def two_windows_long(recordings: Sequence[TokenRecording], columns: int) -> tuple[list[TokenRecording], dict[str, int]]:
    """Leaves out recordings in which a target and its condition would overlap.

    Args:
      recordings: to train on, each perhaps several times.
      columns: length of a window.

    Returns:
      Those of at least two windows; and for a summary how many there are, `recordings`, and how many were left out,
      `too_short`.
    """
    kept = [one for one in recordings if one.codes.shape[1] >= 2 * columns]
    every, long = ({one.id for one in some} for some in (recordings, kept))
    return kept, {"recordings": len(long), "too_short": len(every - long)}


def pair_example(
    recording: TokenRecording,
    rng: np.random.Generator,
    *,
    columns: int,
    book: int,
    prefix_frames: int = 0,
) -> dict[str, Any]:
    """Cuts a training example for `TransformerTask`.

    Args:
      recording: where from, at least two windows long.
      rng: source of the windows.
      columns: length of target and condition.
      book: codes of one row's book, 0 where rows share one; see `models.grid`.
      prefix_frames: frames of video for each window as a prefix; 0 aligns the video to the tokens instead.

    Returns:
      `condition`, `target`, `condition_video`, `target_video` and, unless the video is a prefix, `style`.
    """
    target, condition = sample_starts(recording, rng, columns)
    return window_pair(recording, target, recording, condition, columns=columns, book=book, prefix_frames=prefix_frames)


def window_pair(
    target: TokenRecording,
    target_start: int,
    condition: TokenRecording,
    condition_start: int,
    *,
    columns: int,
    book: int,
    prefix_frames: int = 0,
) -> dict[str, Any]:
    """Cuts an example whose condition may come from another recording.

    Args:
      target: recording of the target.
      target_start: first column of the target.
      condition: recording of the condition.
      condition_start: first column of the condition.
      columns: length of target and condition.
      book: codes of one row's book, 0 where rows share one; see `models.grid`.
      prefix_frames: frames of video for each window as a prefix; 0 aligns the video to the tokens instead.

    Returns:
      As `pair_example`.
    """
    example: dict[str, Any] = {}
    for name, recording, start in (
        ("condition", condition, condition_start),
        ("target", target, target_start),
    ):
        codes = recording.codes_from(start, columns)
        shifted = codes.astype(np.int32) + np.arange(len(codes), dtype=np.int32)[:, None] * book
        example[name] = shifted.T.reshape(-1)
        example[f"{name}_video"] = video_window(recording, start, columns, prefix_frames)
    if not prefix_frames:
        frames = condition.mel.shape[1] // condition.codes.shape[1]
        cut = condition.mel[:, condition_start * frames : (condition_start + columns) * frames]
        example["style"] = style_of(cut)
    return example


def video_window(recording: TokenRecording, start: int, columns: int, prefix_frames: int) -> Float32[np.ndarray, "p g"]:
    """Looks up the video of a window.

    Args:
      recording: where from.
      start: first column of the window.
      columns: its length.
      prefix_frames: frames of a prefix; 0 looks up one row for every token instead.

    Returns:
      For a prefix what `frame_features` gives; otherwise p = rows * columns rows, each what `aligned_features` gives
      for its token's column.
    """
    start_s = recording.offset_s + start * recording.column_s
    if prefix_frames:
        duration_s = columns * recording.column_s
        return frame_features(recording.features, recording.fps, start_s, duration_s, prefix_frames)
    rows = aligned_features(recording.features, recording.onset, recording.fps, start_s, recording.column_s, columns)
    return np.repeat(rows, recording.codes.shape[0], axis=0)


def clip_places(start_s: float, fps: float, total: int, frames: int) -> Int[np.ndarray, "p"]:
    """Returns which frames of a film a clip shows, the last one held where the film ends.

    Args:
      start_s: when the clip begins in the film, in seconds.
      fps: rate of the film.
      total: frames of the film.
      frames: length of the clip, p.
    """
    return np.clip(round(start_s * fps) + np.arange(frames), 0, total - 1)


def save_recordings(path: Path, recordings: Sequence[TokenRecording]) -> None:
    """Writes recordings to one file, whole or not at all.

    Args:
      path: of the file; folders above it are made.
      recordings: what to write.
    """
    arrays: dict[str, Any] = {"count": np.array(len(recordings))}
    for k, recording in enumerate(recordings):
        for field in dataclasses.fields(recording):
            arrays[f"{k}/{field.name}"] = np.asarray(getattr(recording, field.name))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_arrays(path, arrays)


def load_recordings(path: Path) -> list[TokenRecording]:
    """Reads what `save_recordings` wrote."""
    with np.load(path) as arrays:
        recordings = []
        for k in range(int(arrays["count"])):
            names = [field.name for field in dataclasses.fields(TokenRecording)]
            values: dict[str, Any] = {name: arrays[f"{k}/{name}"] for name in names}
            values |= {name: float(values[name]) for name in ("fps", "column_s", "offset_s")}
            recordings.append(TokenRecording(**{**values, "id": str(values["id"])}))
    return recordings

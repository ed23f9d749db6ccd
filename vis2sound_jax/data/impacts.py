"""Views of the recordings for Visually Indicated Sounds: clips centred on impacts, and longer sequences.

Features of sound and film are computed once (`data.rows`); an example is a slice of them. A frame of film
has three steps of sound (Owens et al. 2016, section 5.1).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.cochlear_pca import RootPCA, root_norm, to_targets
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.prepare.records import UNLABELLED, Record
from vis2sound_jax.video.spacetime import CLIP_FRAMES, centred_frames

STEPS = 3
"""Steps of sound in a frame of film."""

_NEAR_S = 0.1  # an amplitude peak belongs to an annotated event that is no further away
_LEAST_SPREAD = 1e-3
_LATE_S = 0.02  # peaks of the amplitude come this much after contact


@dataclasses.dataclass(frozen=True)
class FilmNotes:
    """What is known of a recording besides its features.

    Attributes:
      id: its name.
      frames: frames of film.
      fps: their rate.
      duration_s: length in seconds.
      event_s: [e] annotated times in seconds; where nobody annotated, those of the onsets that can be heard.
      material: [e] labels, "None" where unlabelled; so for action and reaction.
      action: see material.
      reaction: see material.
      span_s: the annotated part.
      peak_s: [p] times of the sound's amplitude peaks.
      peak_height: [p] amplitude there.
      annotated: whether somebody looked for events; what was noted before there was such a field, somebody did.
    """

    id: str
    frames: int
    fps: float
    duration_s: float
    event_s: list[float]
    material: list[str]
    action: list[str]
    reaction: list[str]
    span_s: tuple[float, float]
    peak_s: list[float]
    peak_height: list[float]
    annotated: bool = True

    @classmethod
    def of(cls, record: Record, peaks: tuple[Float[np.ndarray, "p"], Float[np.ndarray, "p"]]) -> Self:
        """Notes down a record and the peaks of its sound.

        Args:
          record: a prepared recording.
          peaks: times in seconds and heights of its sound's amplitude peaks.
        """
        return cls(
            id=record["id"],
            frames=len(record["frames"]),
            fps=record["fps"],
            duration_s=record["duration_s"],
            event_s=[round(float(t), 5) for t in record["event_time_s"]],
            material=list(record["event_material"]),
            action=list(record["event_action"]),
            reaction=list(record["event_reaction"]),
            span_s=(float(record["span_s"][0]), float(record["span_s"][1])),
            peak_s=[round(float(t), 5) for t in peaks[0]],
            peak_height=[round(float(a), 6) for a in peaks[1]],
            annotated=record["annotated"],
        )

    def as_dict(self) -> dict[str, Any]:
        """The notes as a JSON value."""
        return dataclasses.asdict(self)


class Clip(NamedTuple):
    """A piece of a recording.

    Attributes:
      recording: its name.
      first: first frame.
      event: place of the event in the recording's lists; -1 where the clip is not about one event.
    """

    recording: str
    first: int
    event: int = -1


def impact_times(notes: FilmNotes) -> list[float]:
    """Moves each annotated event to the amplitude peak that belongs to it, if there is one within 0.1 s.

    In the full Greatest Hits the annotated times are such peaks; other annotations are rounded or mark contact.
    """
    peaks = np.asarray(notes.peak_s)
    times = []
    for event_s in notes.event_s:
        wanted = event_s + _LATE_S
        nearest = peaks[np.argmin(np.abs(peaks - wanted))] if len(peaks) else np.inf
        times.append(float(nearest) if abs(nearest - wanted) <= _NEAR_S else event_s)
    return times


def centred_clips(films: Sequence[FilmNotes], frames: int = CLIP_FRAMES) -> list[Clip]:
    """Cuts a clip around every annotated event; those too near to an end of their film are left out.

    Args:
      films: the recordings.
      frames: length, odd; the impact lies in the middle frame.

    Returns:
      The clips in order.
    """
    clips = []
    for notes in films:
        for k, time_s in enumerate(impact_times(notes)):
            first = centred_frames(time_s, notes.fps, frames)
            if 0 <= first <= notes.frames - frames:
                clips.append(Clip(notes.id, first, k))
    return clips


def sequences(films: Sequence[FilmNotes], frames: int, stride_s: float = 0.5) -> list[Clip]:
    """Cuts sequences that overlap, for detection (Owens et al. 2016, section 6: about 2 s, every 0.5 s).

    Args:
      films: the recordings; those shorter than a sequence give none.
      frames: length of a sequence.
      stride_s: time from one to the next.

    Returns:
      The sequences in order.
    """
    clips = []
    for notes in films:
        stride = max(1, round(stride_s * notes.fps))
        clips += [Clip(notes.id, first) for first in range(0, notes.frames - frames + 1, stride)]
    return clips


def labels(clips: Sequence[Clip], films: Mapping[str, FilmNotes], kind: str) -> list[str]:
    """Looks up the label of each clip's event.

    Args:
      clips: the clips.
      films: notes by name of the recording.
      kind: "material", "action" or "reaction".

    Returns:
      One label a clip, "None" where there is none.
    """
    return [getattr(films[c.recording], kind)[c.event] if c.event >= 0 else UNLABELLED for c in clips]


def sound_steps(
    sounds: Rows, clip: Clip, frames: int, lag: int = 0
) -> tuple[Float32[np.ndarray, "n c"], Float32[np.ndarray, "n"]]:
    """Looks up the cochleagram of a clip.

    Args:
      sounds: the cochleagrams.
      clip: which part.
      frames: its length.
      lag: frames by which sound comes later than film in the example.

    Returns:
      n = 3 * frames steps, and a mask that is 0 where there is no sound of the recording.
    """
    rows = sounds[clip.recording]
    wanted = np.arange(STEPS * (clip.first - lag), STEPS * (clip.first - lag + frames))
    inside = (wanted >= 0) & (wanted < len(rows))
    return np.asarray(rows[np.clip(wanted, 0, len(rows) - 1)], np.float32), inside.astype(np.float32)


class Scale(NamedTuple):
    """Brings features >= 0 of very different sizes to one: log(1 + x), less its mean, over its spread.

    The same for every frame: relative to a frame's own mean, still and violent motion would look alike.

    Attributes:
      mean: [d] of training frames.
      spread: [d] standard deviation of training frames, > 0.
    """

    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """Measures the rows of all recordings, one at a time."""
        count, total, squares = 0, np.zeros(rows.width), np.zeros(rows.width)
        for recording in rows.recordings:
            values = np.log1p(np.maximum(np.asarray(rows[recording], np.float64), 0))
            count, total, squares = count + len(values), total + values.sum(0), squares + (values**2).sum(0)
        mean = total / max(count, 1)
        spread = np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 0)) + _LEAST_SPREAD
        return cls(mean.astype(np.float32), spread.astype(np.float32))

    def apply(self, rows: Float[np.ndarray, "*t d"]) -> Float32[np.ndarray, "*t d"]:
        """Scales rows."""
        return (np.log1p(np.maximum(np.asarray(rows, np.float32), 0)) - self.mean) / self.spread


class Scales(NamedTuple):
    """The scales of both features of film.

    Attributes:
      motion: of what moves; None leaves features as they are.
      still: of the look.
    """

    motion: Scale | None = None
    still: Scale | None = None

    def apply(
        self, motion: Float[np.ndarray, "*t d"], still: Float[np.ndarray, "*s e"]
    ) -> tuple[Float32[np.ndarray, "*t d"], Float32[np.ndarray, "*s e"]]:
        """Scales features.

        Args:
          motion: rows of the first input.
          still: rows of the second input, or one.
        """
        pairs = zip((motion, still), self, strict=True)
        moved, looks = (np.asarray(x, np.float32) if scale is None else scale.apply(x) for x, scale in pairs)
        return moved, looks


@dataclasses.dataclass(frozen=True)
class Streams:
    """The features of film: one store for what moves, one for the look.

    Attributes:
      motion: rows of the first input, for every frame.
      still: rows of the second input, of which a clip takes its first frame's.
      scales: of both.
    """

    motion: Rows
    still: Rows
    scales: Scales = Scales()

    def cut(self, clip: Clip, frames: int) -> tuple[Float32[np.ndarray, "t d"], Float32[np.ndarray, "e"]]:
        """Looks up the features of a clip.

        Args:
          clip: which part of which recording.
          frames: its length t.

        Returns:
          Those of its frames, the last held beyond the film, and those of its first frame.
        """
        rows = self.motion[clip.recording]
        shown = np.minimum(np.arange(clip.first, clip.first + frames), len(rows) - 1)
        return self.scales.apply(rows[shown], self.still[clip.recording][clip.first])

    def whole(self, recording: str) -> tuple[Float32[np.ndarray, "t d"], Float32[np.ndarray, "t e"]]:
        """Returns the features of all frames of a recording."""
        return self.scales.apply(self.motion[recording], self.still[recording])


def impact_example(
    clip: Clip,
    rng: np.random.Generator,
    *,
    views: Sequence[Streams],
    sounds: Rows,
    pca: RootPCA,
    frames: int,
    lag: int = 0,
) -> dict[str, Float32[np.ndarray, "..."]]:
    """Makes a training example of a clip.

    Args:
      clip: which part of which recording.
      rng: chooses the view.
      views: the streams as seen directly and, as augmentation, mirrored.
      sounds: the cochleagrams.
      pca: of the square roots of training cochleagrams.
      frames: length of the clip.
      lag: frames by which the network may look ahead (2 in the paper's detection model).

    Returns:
      `motion` [t, d], `still` [e], `target` [3 t, k] in the space of the PCA, `norm` [3 t] of the whole
      square-rooted cochleagram, `mask` [3 t].
    """
    motion, still = views[int(rng.integers(len(views)))].cut(clip, frames)
    heard, mask = sound_steps(sounds, clip, frames, lag)
    norm = np.asarray(root_norm(heard))
    target = np.asarray(to_targets(heard, pca), np.float32)
    return {"motion": motion, "still": still, "target": target, "norm": norm.astype(np.float32), "mask": mask}

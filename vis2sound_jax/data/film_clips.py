"""Examples for the streams of motion and colour: a clip of grey film, some frames in colour, and what is heard."""

from typing import Any, NamedTuple

import numpy as np

from vis2sound_jax.audio.cochlear_pca import RootPCA, to_targets
from vis2sound_jax.data.impacts import STEPS, FilmNotes, impact_times
from vis2sound_jax.data.records import Record
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.data.sources import Records
from vis2sound_jax.data.targets import onset_curve
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.frames import apply_grey_augmentation, sample_grey_augmentation

_AT_EVENTS = 0.7  # share of the clips that are around an event
_SPEED_RANGE = 0.25
_STRUCK = (1, 5)  # frames before and after that belong to an impact


class HeardFilm(NamedTuple):
    """A recording and what is heard in it.

    Attributes:
      record: its film, encoded.
      notes: its events.
      sound: [t, 3 k] principal components of the three steps of every frame, of about unit variance.
      timbre: [t, c] colour of the impact that a frame belongs to, without its level, of about unit variance.
      struck: [t] whether a frame belongs to an impact.
      onset_s: times of its events in seconds.
    """

    record: Record
    notes: FilmNotes
    sound: np.ndarray
    timbre: np.ndarray
    struck: np.ndarray
    onset_s: np.ndarray


def heard_films(records: Records, sounds: Rows, films: list[FilmNotes], pca: RootPCA) -> list[HeardFilm]:
    """Puts the films of a split and their sounds together; the films stay encoded.

    The onsets are the annotated events or, where a recording has none, its amplitude peaks.
    """
    by_id = {notes.id: notes for notes in films}
    found = []
    for record in records:
        notes = by_id[record["id"]]
        heard = np.asarray(sounds[notes.id], np.float32)
        targets = np.asarray(to_targets(heard, pca)).reshape(notes.frames, -1)
        onset_s = np.asarray(notes.event_s if notes.event_s else notes.peak_s, float)
        found.append(HeardFilm(record, notes, targets, *_timbre(heard, notes), onset_s))
    level = np.sqrt(np.mean([np.mean(one.sound**2) for one in found])) + 1e-9
    colour = np.sqrt(np.mean(np.concatenate([one.timbre[one.struck] for one in found]) ** 2)) + 1e-9
    return [
        one._replace(sound=(one.sound / level).astype(np.float16), timbre=(one.timbre / colour).astype(np.float16))
        for one in found
    ]


def _timbre(heard: np.ndarray, notes: FilmNotes) -> tuple[np.ndarray, np.ndarray]:
    """The mean square-rooted cochleagram of each impact less its level, at the frames around the impact."""
    root = np.sqrt(np.maximum(heard, 0))
    timbre, struck = np.zeros((notes.frames, heard.shape[1]), np.float32), np.zeros(notes.frames, bool)
    for time_s in impact_times(notes) or notes.peak_s:
        frame = int(time_s * notes.fps)
        near = slice(max(0, frame - _STRUCK[0]), frame + _STRUCK[1])
        spectrum = root[STEPS * frame : STEPS * (frame + _STRUCK[1])]
        if len(spectrum):
            timbre[near] = spectrum.mean(axis=0) - spectrum.mean()
            struck[near] = True
    return timbre, struck


def stream_example(
    film: HeardFilm, rng: np.random.Generator, *, frames: int, every: int, spread_s: float, augment: bool = True
) -> dict[str, Any]:
    """Cuts a clip for `StreamsTask`.

    Args:
      film: the recording; a shorter one is held on its last frame and masked there.
      rng: source of the place and the augmentation.
      frames: length of the clip, a multiple of `every`.
      every: frames from one colour frame to the next.
      spread_s: standard deviation of the bump that marks an onset.
      augment: play up to a quarter faster or slower, zoom, mirror and change the light.

    Returns:
      `frames` uint8 [t, h, w], `stills` uint8 [t / every, h, w, 3], `onset` [t], `sound` [t, s], `timbre`
      [t, c], `struck` [t], `mask` [t].
    """
    record = film.record
    speed = float(np.exp(rng.uniform(-_SPEED_RANGE, _SPEED_RANGE))) if augment else 1.0
    total = len(record["frames"])
    start = _start(film, rng, int(np.ceil(frames * speed)) + 1)
    wanted = start + (np.arange(frames) * speed).astype(int)
    shown = np.minimum(wanted, total - 1)
    decoded = {int(k): decode_jpeg(record["frames"][k], grey=True) for k in np.unique(shown)}
    clip = np.stack([decoded[int(k)] for k in shown])
    stills = np.stack([decode_jpeg(record["frames"][k]) for k in shown[::every]])
    if augment:
        draw = sample_grey_augmentation(rng, clip.shape[1], clip.shape[2])
        clip, stills = apply_grey_augmentation(clip, draw), apply_grey_augmentation(stills, draw)
        clip = 255 - clip if rng.random() < 0.5 else clip
    middle_s = (wanted + 0.5) / record["fps"]
    onset = onset_curve(film.onset_s, np.ones(len(film.onset_s)), middle_s, spread_s)
    inside = (wanted < total) & (middle_s >= film.notes.span_s[0]) & (middle_s <= film.notes.span_s[1])
    return {
        "frames": clip,
        "stills": stills,
        "onset": onset,
        "sound": film.sound[shown].astype(np.float32),
        "timbre": film.timbre[shown].astype(np.float32),
        "struck": (film.struck[shown] & inside).astype(np.float32),
        "mask": inside.astype(np.float32),
    }


def _start(film: HeardFilm, rng: np.random.Generator, length: int) -> int:
    """Draws a first frame, mostly so that an event lies in the clip."""
    last = max(0, film.notes.frames - length)
    times = impact_times(film.notes) or list(film.onset_s)
    if not times or rng.random() > _AT_EVENTS:
        return int(rng.integers(0, last + 1))
    at = times[int(rng.integers(len(times)))] * film.notes.fps
    return int(np.clip(np.floor(at - rng.uniform(0.15, 0.8) * length), 0, last))

"""Examples for the streams of motion and colour: a clip of grey film, some frames in colour, and what is heard."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from sklearn.cluster import MiniBatchKMeans

from vis2sound_jax.audio.cochlear_pca import RootPCA, to_targets
from vis2sound_jax.data.decoded import GreyFilm, grey_at
from vis2sound_jax.data.impacts import STEPS, FilmNotes, impact_times
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.data.targets import grey_view, onset_curve
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.video.files import decode_jpeg

_AT_EVENTS = 0.7  # share of the clips that are around an event
_SPEED_RANGE = 0.25
_STRUCK = (1, 5)  # frames before and after that belong to an impact


class HeardFilm(NamedTuple):
    """A recording and what is heard in it.

    Attributes:
      record: its film, encoded.
      notes: its events.
      sound: [t, 3 k] principal components of the three steps of every frame, of about unit variance.
      timbre: [t] int, the kind of sound of the impact that a frame belongs to; -1 where it belongs to none.
      onset_s: times of its events in seconds.
      film: its frames in grey, where they are decoded already.
    """

    record: Record
    notes: FilmNotes
    sound: np.ndarray
    timbre: np.ndarray
    onset_s: np.ndarray
    film: GreyFilm = None


def find_timbres(sounds: Rows, films: Sequence[FilmNotes], count: int, seed: int) -> Float32[np.ndarray, "k d"]:
    """Groups the impacts of training recordings by their sound alone, as Owens et al. (ECCV 2016) group ambience.

    Args:
      sounds: cochleagrams.
      films: notes on the recordings.
      count: kinds of sound wanted; fewer where there are fewer impacts.
      seed: of k-means.

    Returns:
      The centre of each kind, in the space of `_timbre`; none where there is no impact.
    """
    every = [_timbre(sounds, notes, time_s) for notes in films for time_s in _struck_s(notes)]
    if not every:
        return np.zeros((0, 1), np.float32)
    means = MiniBatchKMeans(min(count, len(every)), n_init=3, random_state=seed).fit(np.stack(every))
    return means.cluster_centers_.astype(np.float32)


def heard_films(
    records: Records, sounds: Rows, films: Sequence[FilmNotes], pca: RootPCA, timbres: Float[np.ndarray, "k d"]
) -> list[HeardFilm]:
    """Puts the films of a split and their sounds together; the films stay encoded.

    The onsets are the annotated events or, where nobody annotated a recording, its amplitude peaks.

    Args:
      records: the films.
      sounds: cochleagrams.
      films: notes on the films.
      pca: of the training cochleagrams.
      timbres: as `find_timbres` found them.

    Returns:
      One entry a recording.
    """
    by_id = {notes.id: notes for notes in films}
    found = []
    for record in records:
        notes = by_id[record["id"]]
        targets = np.asarray(to_targets(np.asarray(sounds[notes.id], np.float32), pca)).reshape(notes.frames, -1)
        onset_s = np.asarray(notes.event_s if notes.annotated else notes.peak_s, float)
        found.append(HeardFilm(record, notes, targets, _kinds(sounds, notes, timbres), onset_s))
    level = np.sqrt(np.mean([np.mean(one.sound**2) for one in found])) + 1e-9
    return [one._replace(sound=(one.sound / level).astype(np.float16)) for one in found]


def _struck_s(notes: FilmNotes) -> Sequence[float]:
    return impact_times(notes) if notes.annotated else notes.peak_s


def _timbre(sounds: Rows, notes: FilmNotes, time_s: float) -> np.ndarray:
    """The square-rooted cochleagram of an impact, early and late, less its level."""
    step = STEPS * int(time_s * notes.fps)
    heard = np.asarray(sounds[notes.id][step : step + STEPS * _STRUCK[1]], np.float32)
    heard = np.pad(np.sqrt(np.maximum(heard, 0)), ((0, STEPS * _STRUCK[1] - len(heard)), (0, 0)))
    parts = np.stack([heard[: 2 * STEPS].mean(axis=0), heard[2 * STEPS :].mean(axis=0)])
    return (parts - parts.mean()).ravel()


def _kinds(sounds: Rows, notes: FilmNotes, timbres: np.ndarray) -> np.ndarray:
    """The kind of sound at every frame around an impact."""
    kinds = np.full(notes.frames, -1, np.int32)
    for time_s in _struck_s(notes) if len(timbres) else ():
        frame = int(time_s * notes.fps)
        distance = ((timbres - _timbre(sounds, notes, time_s)) ** 2).sum(axis=1)
        kinds[max(0, frame - _STRUCK[0]) : frame + _STRUCK[1]] = int(distance.argmin())
    return kinds


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
      int [t], `mask` [t], and where it is altered `view` and `view_seed`, by which `StreamsTask` does it.
    """
    record = film.record
    speed = float(np.exp(rng.uniform(-_SPEED_RANGE, _SPEED_RANGE))) if augment else 1.0
    total = len(record["frames"])
    start = _start(film, rng, int(np.ceil(frames * speed)) + 1)
    wanted = start + (np.arange(frames) * speed).astype(int)
    shown = np.minimum(wanted, total - 1)
    clip = grey_at(film.film, record["frames"], shown)
    stills = np.stack([decode_jpeg(record["frames"][k]) for k in shown[::every]])
    middle_s = (wanted + 0.5) / record["fps"]
    onset = onset_curve(film.onset_s, np.ones(len(film.onset_s)), middle_s, spread_s)
    inside = (wanted < total) & (middle_s >= film.notes.span_s[0]) & (middle_s <= film.notes.span_s[1])
    return {
        "frames": clip,
        "stills": stills,
        "onset": onset,
        "sound": film.sound[shown].astype(np.float32),
        "timbre": np.where(inside, film.timbre[shown], -1),
        "mask": inside.astype(np.float32),
        **(grey_view(rng, clip.shape[1], clip.shape[2]) if augment else {}),
    }


def _start(film: HeardFilm, rng: np.random.Generator, length: int) -> int:
    """Draws a first frame, mostly so that an event lies in the clip."""
    last = max(0, film.notes.frames - length)
    times = impact_times(film.notes) or list(film.onset_s)
    if not times or rng.random() > _AT_EVENTS:
        return int(rng.integers(0, last + 1))
    at = times[int(rng.integers(len(times)))] * film.notes.fps
    return int(np.clip(np.floor(at - rng.uniform(0.15, 0.8) * length), 0, last))

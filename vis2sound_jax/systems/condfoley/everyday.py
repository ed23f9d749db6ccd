"""Procedural films of everyday events, from which the video encoder learns beside the recordings."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vis2sound_jax.data.decoded import mapped_films, remove_films
from vis2sound_jax.data.event_clips import EventRecording
from vis2sound_jax.data.targets import SilentFilm
from vis2sound_jax.generation.watch import Watcher
from vis2sound_jax.run import hosts
from vis2sound_jax.run.workdir import decoded_dir
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.training.progress import Progress, track
from vis2sound_jax.video.motion import motion_curves
from vis2sound_jax.world.everyday.clip import VERSION, FilmForm, everyday_clip

_NAME = "everyday"
_LATE_S = 0.06  # in films as people make them, sound comes so much after contact is seen; see docs/decisions.md
_EVERY = 20  # of so many films one is for validation

Item = TypeVar("Item")


def everyday_films(config: Any, workdir: Path, split: str = "train") -> list[SilentFilm]:
    """Draws the everyday films of a run, or opens them if they were drawn.

    Args:
      config: the settings; `config.encoder.everyday` is their number.
      workdir: of the run.
      split: "train", or "validation": every twentieth film, from which nothing is learned.

    Returns:
      The films, which stay on disk.

    Raises:
      UserError: if the pictures have a size that cannot be drawn, or what is kept is damaged or cannot be written.
    """
    data, count, seed = config.data, config.encoder.everyday, config.seed
    if not count:
        return []
    form = FilmForm(config.encoder.everyday_frames, data.fps, data.height, data.width)
    with hosts.first_then_others("everyday films"), Progress(count, "drawing", unit="film") as progress:
        found = mapped_films(
            decoded_dir(workdir),
            _NAME,
            f"{count} everyday films, rules {VERSION}, seed {seed}, {form}",
            [form.frames] * count,
            (form.height, form.width),
            lambda: _drawn(seed, count, form),
            progress=progress.reach,
        )
    times = [np.array(note, float) + _LATE_S for note in found.notes]
    films = [SilentFilm(film, data.fps, onset_s) for film, onset_s in zip(found.films, times, strict=True)]
    return [film for k, film in enumerate(films) if (k % _EVERY == 0) == (split == "validation")]


def remove_everyday(workdir: Path) -> None:
    """Removes the films from disk; whoever needs them again draws them again.

    Args:
      workdir: of the run.
    """
    remove_films(decoded_dir(workdir), _NAME)


def everyday_recordings(config: Any, workdir: Path, split: str) -> list[EventRecording]:
    """Watches the everyday films as the event reader learns from them; nobody says what kind of event is one of them.

    Args:
      config: the settings.
      workdir: of a run whose encoder is trained.
      split: "train" or "validation".

    Returns:
      One entry a film.
    """
    films = everyday_films(config, workdir, split)
    if not films:
        return []
    watcher, variables = Watcher(build.encoder_net(config)), trained.encoder_variables(config, workdir)
    return [_watched(watcher, variables, film) for film in track(films, f"everyday films, {split}", unit="film")]


def _watched(watcher: Watcher, variables: Any, film: SilentFilm) -> EventRecording:
    seen, events = watcher.watch(variables, film.film), film.onset_s[film.onset_s >= 0]
    return EventRecording(
        features=seen.features.astype(np.float16),
        onset=seen.onset,
        motion=motion_curves(seen.maps).astype(np.float16),
        fps=film.fps,
        event_s=events,
        action=("",) * len(events),
        loudness_db=None,
        span_s=(0.0, len(film.film) / film.fps),
    )


def _drawn(seed: int, count: int, form: FilmForm) -> Iterator[tuple[np.ndarray, list[float]]]:
    for index in range(count):
        clip = everyday_clip(seed, index, form)
        yield clip.frames, [round(float(time_s), 4) for time_s in clip.event_s]


def mixed(heard: Sequence[Item], silent: Sequence[Item], share: float) -> list[Item]:
    """Mixes recordings and films so that a pass over all has a given share of films.

    Args:
      heard: the recordings.
      silent: the films.
      share: of films, from 0 to 1; what there is too little of comes several times.

    Returns:
      Recordings, then films.
    """
    if not silent or share <= 0:
        return list(heard)
    if not heard or share >= 1:
        return list(silent)
    total = max(len(heard) / (1 - share), len(silent) / share)
    counts = (round(total * (1 - share)), round(total * share))
    return [part[k % len(part)] for part, count in zip((heard, silent), counts, strict=True) for k in range(count)]

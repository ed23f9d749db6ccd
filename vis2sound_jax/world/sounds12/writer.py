"""Writes the world of twelve classes in the layout `<class>/<clip>.mp4`, with times of contacts beside the films."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.form import MediaForm
from vis2sound_jax.video.mux import write_film
from vis2sound_jax.whole import write_whole
from vis2sound_jax.world.sounds12 import CLASSES, IMPULSIVE
from vis2sound_jax.world.sounds12.clip import render_clip

README_NAME = "README.txt"
TIMES_ENDING = "_times.txt"
CRF = 20

_VERSION = 1  # of the drawing rules: raise it when the same seed gives other clips
_README = """\
Procedural clips of {count} classes, written by vis2sound_jax.world.sounds12 (drawing rules version {version}).
Nobody filmed or recorded anything here: every picture and every sound is drawn from a seed.

  <class>/<clip>.mp4         film with its sound
  <class>/<clip>_times.txt   when things touch, seconds, one a line; only where something is struck
  train.txt test.txt         <class>/<clip>

seed {seed}
seconds {seconds}
{form}
"""


def clip_id(split: str, index: int) -> str:
    """Names a clip.

    Args:
      split: "train" or "test".
      index: number of the clip in its class and split.
    """
    return f"procedural-{split}-{index:04d}"


def write_sounds12(
    directory: str | os.PathLike[str],
    *,
    train: int,
    test: int,
    seconds: float,
    form: MediaForm,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes clips of all classes, on all cores; finished clips in the directory are kept.

    Files appear whole or not at all and the lists last, so that an interrupted call can be repeated.

    Args:
      directory: where to write; made if missing.
      train: training clips of each class, at least 2.
      test: test clips of each class, at least 1.
      seconds: length of each.
      form: rates and picture size.
      seed: of the world.
      progress: called with (done, total) after each clip.

    Raises:
      UserError: for too few clips or a form that cannot be drawn, or if the directory holds other clips.
    """
    if train < 2 or test < 1:
        raise UserError(f"a world of {train} training and {test} test clips a class; it needs at least 2 and 1")
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    _claim(directory, seconds, form, seed)
    counts = {"train": train, "test": test}
    jobs = [(split, name, k) for split, count in counts.items() for k in range(count) for name in CLASSES]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        futures = [pool.submit(_write, directory, seed, *job, seconds, form) for job in jobs]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if progress is not None:
                    progress(done, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for split, count in counts.items():
        lines = (f"{name}/{clip_id(split, k)}\n" for name in CLASSES for k in range(count))
        write_whole(directory / f"{split}.txt", "".join(lines))


def _write(directory: Path, seed: int, split: str, name: str, index: int, seconds: float, form: MediaForm) -> None:
    folder = directory / name
    folder.mkdir(exist_ok=True)
    film, times = folder / f"{clip_id(split, index)}.mp4", folder / f"{clip_id(split, index)}{TIMES_ENDING}"
    if film.exists():  # written after the times
        return
    clip = render_clip(seed, split, name, index, seconds, form)
    if name in IMPULSIVE:
        write_whole(times, "".join(f"{at:.6f}\n" for at in clip.contact_s))
    write_film(film, clip.frames, form.fps, wav=clip.wav, rate_hz=form.rate_hz, crf=CRF)


def _claim(directory: Path, seconds: float, form: MediaForm, seed: int) -> None:
    """Says what the directory holds, or finds out that it holds something else."""
    lines = "\n".join(f"{name} {value}" for name, value in asdict(form).items())
    readme = _README.format(count=len(CLASSES), version=_VERSION, seed=seed, seconds=seconds, form=lines)
    path = directory / README_NAME
    if not path.exists():
        write_whole(path, readme)
    elif path.read_text(encoding="utf-8") != readme:
        raise file_error(path, "describes clips of another seed or other measures", "write to an empty directory")

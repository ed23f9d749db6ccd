"""Writes a procedural world to disk in the layout of Greatest Hits, so that the same builder reads both."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import file_error
from vis2sound_jax.video.form import MediaForm
from vis2sound_jax.video.mux import write_film
from vis2sound_jax.whole import write_whole
from vis2sound_jax.world.recording import Measures, Recording, recording_rng, render_recording

README_NAME = "README.txt"
CRF_RANGE = (18, 32)

_VERSION = 1  # of the drawing rules: raise it when the same seed gives other recordings
_README = """\
Procedural recordings, written by vis2sound_jax.world (drawing rules version {version}).
Nobody filmed or recorded anything here: every picture and every sound is drawn from a seed.

Layout of Greatest Hits (Owens et al. 2016):
  <id>_denoised.mp4    film with the sound
  <id>_denoised.wav    the sound
  <id>_times.txt       <seconds> <material> <action> <reaction>
  train.txt test.txt   ids

seed {seed}
seconds {seconds}
fps {fps}
height {height}
width {width}
rate_hz {rate_hz}
close_up {close_up}
"""


def recording_id(split: str, index: int) -> str:
    """Names a recording.

    Args:
      split: "train" or "test".
      index: number of the recording in its split, >= 0.

    Returns:
      Its id, such as procedural-train-00012.
    """
    return f"procedural-{split}-{index:05d}"


def write_world(
    directory: str | os.PathLike[str],
    *,
    train: int,
    test: int,
    seconds: float,
    form: MediaForm,
    seed: int,
    close_up: float = 0.0,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes a world of recordings, on all cores; finished recordings in the directory are kept.

    Files appear whole or not at all, a recording's times last, `train.txt` and `test.txt` after all
    recordings: an interrupted call can be repeated, and a directory with lists is complete. A call with
    larger `train` and `test` adds recordings.

    Args:
      directory: where to write; made if missing.
      train: number of training recordings.
      test: number of test recordings.
      seconds: length of each.
      form: rates and picture size; height and width must be even.
      seed: the world.
      close_up: share of the recordings in which one target fills much of the frame.
      progress: called with (done, total) after each recording.

    Raises:
      UserError: a measure is out of range, or the directory holds a world of another seed or other measures.
    """
    measures = Measures(seconds=seconds, **asdict(form))
    measures.check()
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    _claim(directory, _README.format(version=_VERSION, seed=seed, **{**asdict(measures), "close_up": close_up}))
    ids = {"train": range(train), "test": range(test)}
    jobs = [(split, index) for split, indices in ids.items() for index in indices]
    _run([partial(_write, directory, seed, split, index, measures, close_up) for split, index in jobs], progress)
    for split, indices in ids.items():
        write_whole(directory / f"{split}.txt", "".join(f"{recording_id(split, index)}\n" for index in indices))


def _run(jobs: Sequence[Callable[[], None]], progress: Callable[[int, int], None] | None) -> None:
    """Runs jobs in threads: drawing and encoding release the interpreter, and jax must not be forked."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if progress is not None:
                    progress(done, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write(directory: Path, seed: int, split: str, index: int, measures: Measures, close_up: float) -> None:
    name = recording_id(split, index)
    if not is_complete(directory, name):
        crf_rng, near_rng = recording_rng(seed, split, index).spawn(6)[-2:]
        near = replace(measures, close_up=bool(near_rng.random() < close_up))
        recording = render_recording(seed, split, index, near)
        crf = int(crf_rng.integers(CRF_RANGE[0], CRF_RANGE[1] + 1))
        write_recording(directory, name, recording, crf=crf)


def write_recording(directory: Path, name: str, recording: Recording, *, crf: int) -> None:
    """Writes one recording: sound, film, then the times that mark it as complete.

    Args:
      directory: an existing directory.
      name: id of the recording.
      recording: what to write.
      crf: quality of the film's pictures, x264's constant rate factor.
    """
    write_wav(directory / f"{name}_denoised.wav", recording.wav, recording.rate_hz)
    film = directory / f"{name}_denoised.mp4"
    write_film(film, recording.frames, recording.fps, wav=recording.wav, rate_hz=recording.rate_hz, crf=crf)
    lines = (f"{e.time_s:.6f} {e.material} {e.action} {e.reaction}\n" for e in recording.events)
    write_whole(directory / f"{name}_times.txt", "".join(lines))


def is_complete(directory: Path, name: str) -> bool:
    """Asks whether a recording is complete; each of its files is written whole, the times last.

    Args:
      directory: of the world.
      name: id of the recording.

    Returns:
      Whether film, sound and times are there.
    """
    endings = ("_denoised.wav", "_denoised.mp4", "_times.txt")
    return all((directory / f"{name}{ending}").exists() for ending in endings)


def _claim(directory: Path, readme: str) -> None:
    """Says what the directory holds, or finds out that it holds something else."""
    path = directory / README_NAME
    if not path.exists():
        write_whole(path, readme)
    elif path.read_text(encoding="utf-8") != readme:
        raise file_error(path, "describes recordings of another seed or other measures", "write to an empty directory")

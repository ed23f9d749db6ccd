"""Listens to all clips once: spectrograms, and the mean of every class."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.amplitudes import AmplitudeSpec, amplitudes
from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.data.class_means import ClassMeans, class_means
from vis2sound_jax.data.foley_clips import looped
from vis2sound_jax.data.rows import Rows, RowWriter, has_rows
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.sources import SPLITS, prepared_settings
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.autofoley import build
from vis2sound_jax.training.progress import track

LOUDEST = 60000.0
"""What rows are cut at: half precision ends there."""
_PAD_S = 5.0  # sounds are extended with silence to a multiple of this, so that few lengths are compiled


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Fills `workdir/sounds`: spectrograms of every split, and `means.npz` of the training split.

    Args:
      config: the settings; `config.sound` says how to listen.
      workdir: of a run whose clips are prepared.

    Returns:
      How many clips, and the classes.

    Raises:
      UserError: if the clips have no classes.
    """
    folder = sounds_dir(workdir)
    for split in SPLITS:
        if split in prepared_settings(prepared_dir(workdir))["splits"] and not has_rows(folder, split):
            _listen(config, workdir, split)
    rows = Rows(folder, "train")
    classes = sorted(set(rows.notes.values()))
    means = class_means(_windows(config, rows, classes), classes)
    means.save(means_path(workdir))
    return {"sounds": str(folder), "clips": len(rows), "classes": classes}


def sounds_dir(workdir: Path) -> Path:
    """Where a run keeps its spectrograms."""
    return workdir / "sounds"


def means_path(workdir: Path) -> Path:
    """Where a run keeps the means of its classes."""
    return sounds_dir(workdir) / "means.npz"


def open_means(workdir: Path) -> ClassMeans:
    """Opens the means of a run.

    Raises:
      UserError: if they are not there.
    """
    return ClassMeans.load(means_path(workdir))


def hear_rows(wav: Float32[np.ndarray, "n"], spec: AmplitudeSpec) -> Float32[np.ndarray, "k f"]:
    """Computes the spectrogram of a sound of any length.

    Args:
      wav: the sound.
      spec: how to listen.

    Returns:
      k = n // hop columns.
    """
    step = round(_PAD_S * spec.rate_hz)
    padded = np.pad(wav, (0, -len(wav) % step if len(wav) else step))
    return np.asarray(amplitudes(jnp.asarray(padded, jnp.float32), spec))[: len(wav) // spec.hop]


def _listen(config: Any, workdir: Path, split: str) -> None:
    spec, records = build.amplitude_spec(config), open_split(config, prepared_dir(workdir), split)
    with RowWriter(sounds_dir(workdir), split) as writer:
        for k in track(range(len(records)), f"spectrograms, {split}", unit="clip"):
            record = records[k]
            if "label" not in record:
                raise UserError(
                    f"clip {record['id']} has no class; AutoFoley learns from <class>/<clip>.mp4: set "
                    "config.data.builder=clips_by_class"
                )
            wav, _ = decode_flac(record["audio"])
            rows = hear_rows(np.pad(wav, (0, max(0, spec.hop - len(wav)))), spec)
            writer.add(record["id"], np.minimum(rows, LOUDEST), record["label"])


def _windows(config: Any, rows: Rows, classes: list[str]) -> Iterator[tuple[int, np.ndarray]]:
    """The first window of every clip, a shorter one looped."""
    columns = build.window(config).columns
    for name in rows.recordings:
        clip = rows[name]
        yield classes.index(rows.notes[name]), np.asarray(clip[looped(0, columns, len(clip))], np.float32)

"""The training recordings of a run, as what learns from their sound takes them."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.mel import MelSpec, levelled, log_mel
from vis2sound_jax.data.targets import Heard, hear
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.training.progress import Progress, track


def training_records(config: Any, workdir: Path) -> list[Record]:
    """Reads the training recordings.

    Args:
      config: the settings.
      workdir: of a run whose recordings are prepared.
    """
    return list(open_split(config, prepared_dir(workdir), "train"))


def heard_onsets(config: Any, workdir: Path) -> list[Heard]:
    """Listens to the training recordings as `config.encoder` says; see `data.targets.hear`.

    Args:
      config: the settings.
      workdir: of a run whose recordings are prepared.
    """
    records, encoder = training_records(config, workdir), config.encoder
    with Progress(len(records), "listening", unit="recording") as progress:
        return hear(records, bands=encoder.bands, sound=encoder.targets == "sound", progress=progress.reach)


def heard_mels(config: Any, workdir: Path, spec: MelSpec) -> list[Float16[np.ndarray, "f _"]]:
    """Computes the log-mels of the training recordings at the level of `config.codebook`.

    Args:
      config: the settings.
      workdir: of a run whose recordings are prepared.
      spec: of the log-mels.

    Returns:
      [f, t] of each.
    """
    records = track(training_records(config, workdir), "listening", unit="recording")
    return [recording_mel(record, spec, config.codebook.rms) for record in records]


def recording_mel(record: Record, spec: MelSpec, rms: float = 0.0) -> Float16[np.ndarray, "f t"]:
    """Computes the log-mel of a recording, in half precision.

    Args:
      record: the recording.
      spec: of the log-mel.
      rms: level to which the sound is brought first; see `audio.mel.levelled`.

    Returns:
      Values in [0, 1].
    """
    wav, _ = decode_flac(record["audio"])
    return np.asarray(log_mel(levelled(wav, rms), spec), np.float16)

"""Codes and video features of recordings, computed once and kept in the workdir."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax import build
from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.mel import log_mel
from vis2sound_jax.data.records import Record
from vis2sound_jax.data.sources import Records
from vis2sound_jax.data.tokens import TokenRecording, load_recordings, save_recordings
from vis2sound_jax.generation.watch import Watcher
from vis2sound_jax.jobs.prepare import open_split, prepared_dir
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg


def token_recordings(config: Any, workdir: Path, split: str, *, prepared: Path | None = None) -> list[TokenRecording]:
    """Returns a split as codes and features; the first call computes them, later ones read the file.

    Args:
      config: the settings of a run whose encoder and codebook are trained.
      workdir: of that run.
      split: "train", "validation" or "test".
      prepared: records elsewhere than in the workdir; they are not cached there.

    Returns:
      One entry a recording.
    """
    path = workdir / "cache" / f"{split}.npz"
    if prepared is None and path.exists():
        return load_recordings(path)
    records = open_split(config, prepared or prepared_dir(workdir), split)
    found = tokens_of(config, workdir, records, f"codes and features, {split}")
    if prepared is None:
        save_recordings(path, found)
    return found


def tokens_of(
    config: Any, workdir: Path, records: Records | Sequence[Record], description: str
) -> list[TokenRecording]:
    """Computes codes and features of any records; nothing is kept.

    Args:
      config: the settings of a run whose encoder and codebook are trained.
      workdir: of that run.
      records: what to turn into tokens.
      description: of the progress.

    Returns:
      One entry a record.
    """
    maker = _Maker(config, workdir)
    return [maker.make(records[k]) for k in track(range(len(records)), description)]


class _Maker:
    """Encoder and codebook of a run, ready to turn records into tokens."""

    def __init__(self, config: Any, workdir: Path) -> None:
        self._spec = build.mel_spec(config)
        self._coder = build.codebook_net(config)
        self._frames = config.codebook.frames
        self._watcher = Watcher(build.encoder_net(config))
        self._encoder_params = load_params(workdir / "encoder" / "checkpoints", item="variables")["ema"]
        self._coder_params = load_params(workdir / "codebook" / "checkpoints")
        self._encode = jax.jit(lambda params, mel: self._coder.apply({"params": params}, mel, method="encode"))

    def make(self, record: Record) -> TokenRecording:
        wav, _ = decode_flac(record["audio"])
        mel = np.asarray(log_mel(wav, self._spec))
        frames = self._frames
        mel = mel[:, : mel.shape[1] // frames * frames]
        codes = np.asarray(self._encode(self._coder_params, jnp.asarray(mel[None])))[0]
        film = np.stack([decode_jpeg(data, grey=True) for data in record["frames"]])
        seen = self._watcher.watch(self._encoder_params, film)
        return TokenRecording(
            id=record["id"],
            codes=codes.astype(np.int16),
            mel=mel.astype(np.float16),
            features=seen.features.astype(np.float16),
            onset=seen.onset,
            fps=record["fps"],
            column_s=frames * self._spec.hop / self._spec.rate_hz,
            event_s=record["event_time_s"].astype(float),
        )

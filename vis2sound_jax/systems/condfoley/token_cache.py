"""Codes and video features of recordings, computed once and kept in the workdir."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.mel import levelled, log_mel
from vis2sound_jax.data.known_events import known_events
from vis2sound_jax.data.tokens import TokenRecording, load_recordings, save_recordings
from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.generation.watch import Watcher
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.run import hosts
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.motion import motion_curves

_BATCH = 16


def token_recordings(config: Any, workdir: Path, split: str, *, prepared: Path | None = None) -> list[TokenRecording]:
    """Returns a split as codes and features; the first call computes them, later ones read the file.

    Args:
      config: the settings of a run whose encoder and codebook are trained.
      workdir: of that run.
      split: "train", "validation" or "test".
      prepared: records elsewhere than in the workdir; they are not cached there.

    Returns:
      One entry a recording; of the training split `config.transformer.phases`, each beginning a little later.
    """
    path = workdir / "cache" / f"tokens_{split}.npz"
    with hosts.first_then_others(f"codes and features, {split}"):
        if prepared is None and path.exists():
            return load_recordings(path)
        records = open_split(config, prepared or prepared_dir(workdir), split)
        phases = config.transformer.phases if split == "train" else 1
        found = tokens_of(config, workdir, records, f"codes and features, {split}", phases)
        if prepared is None:
            save_recordings(path, found)
        return found


def tokens_of(
    config: Any, workdir: Path, records: Records | Sequence[Record], description: str, phases: int = 1
) -> list[TokenRecording]:
    """Computes codes and features of any records; nothing is kept.

    Args:
      config: the settings of a run whose encoder and codebook are trained.
      workdir: of that run.
      records: what to turn into tokens.
      description: of the progress.
      phases: places in a column at which to begin.

    Returns:
      `phases` entries a record.
    """
    maker = _Maker(config, workdir)
    return [one for k in track(range(len(records)), description) for one in maker.make(records[k], phases)]


class _Maker:
    """Encoder and codebook of a run, ready to turn records into tokens."""

    def __init__(self, config: Any, workdir: Path) -> None:
        self._spec = build.mel_spec(config)
        self._coder = Coder(build.codebook_net(config))
        self._frames, self._columns = config.codebook.frames, config.transformer.columns
        self._rms = config.codebook.rms
        self._featured = config.transformer.video == "cached"
        self._watcher = Watcher(build.encoder_net(config))
        self._encoder = trained.encoder_variables(config, workdir)
        self._params = trained.codebook_params(workdir)

    def make(self, record: Record, phases: int) -> Iterator[TokenRecording]:
        """Yields the recording as tokens, once for each phase."""
        wav, rate_hz = decode_flac(record["audio"])
        film = np.stack([decode_jpeg(data, grey=self._watcher.grey) for data in record["frames"]])
        seen = self._watcher.watch(self._encoder, film)
        events = known_events(record).time_s
        step = self._frames * self._spec.hop
        for phase in range(phases):
            first = phase * step // phases
            mel = np.asarray(log_mel(levelled(wav[first:], self._rms), self._spec))
            mel = mel[:, : mel.shape[1] // self._frames * self._frames]
            codes, windows = self._codes(mel)
            yield TokenRecording(
                id=record["id"],
                codes=codes.astype(np.int16),
                # A transformer with a video network of its own reads neither; what does is content with phase 0.
                mel=mel.astype(np.float16) if self._featured or not phase else mel[:, :0].astype(np.float16),
                features=(seen.features if self._featured or not phase else seen.features[:, :0]).astype(np.float16),
                onset=seen.onset,
                fps=record["fps"],
                column_s=step / rate_hz,
                event_s=events[events >= first / rate_hz] - first / rate_hz,
                windows=windows.astype(np.int16),
                offset_s=first / rate_hz,
                motion=motion_curves(seen.maps).astype(np.float16),
            )

    def _codes(self, mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The codes of all columns, and of every window where they depend on it."""
        total, columns, frames = mel.shape[1] // self._frames, self._columns, self._frames
        if not self._coder.looks_around or total < columns:
            codes = np.asarray(self._coder.encode(self._params, jnp.asarray(mel[None])))[0]
            return codes, np.zeros((0, len(codes), columns))
        starts = np.arange(total - columns + 1)
        cuts = np.stack([mel[:, start * frames : (start + columns) * frames] for start in starts])
        windows = []
        for first in range(0, len(cuts), _BATCH):
            batch = cuts[first : first + _BATCH]
            padded = np.pad(batch, ((0, _BATCH - len(batch)), (0, 0), (0, 0)))
            windows.append(np.asarray(self._coder.encode(self._params, jnp.asarray(padded)))[: len(batch)])
        every = np.concatenate(windows)
        return np.concatenate([every[:, :, 0].T, every[-1][:, 1:]], axis=1), every

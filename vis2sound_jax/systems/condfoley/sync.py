"""Trains the scorer that ranks takes, on what the trained video encoder sees of the recordings."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from vis2sound_jax.audio.moments import MOMENTS
from vis2sound_jax.data.shifted import LEAST_S, sync_example
from vis2sound_jax.data.tokens import TokenRecording
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.training import Material, Training
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.tasks.sync import SyncTask

_HELD_OUT_EXAMPLES = 128


def training(config: Any) -> Training:
    """Says how the scorer is trained."""
    section, net = config.sync, build.sync_net(config)
    task = SyncTask(
        net,
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        accumulate=config.training.accumulate,
    )
    t = build.sync_frames(config)
    shapes = {
        "features": ((t, config.encoder.width), np.float32),
        "onset": ((t,), np.float32),
        "sound": ((t, MOMENTS, config.mel.n_mels), np.float32),
        "mask": ((t,), np.float32),
        "late": ((), np.int32),
    }
    open_data = functools.partial(_open, config, net.lags)
    return Training(task, shapes, section.batch, section.steps, "sync", open_data)


def _open(config: Any, lags: int, workdir: Path) -> Material:
    spec = build.mel_spec(config)
    example = functools.partial(
        sync_example, frames=build.sync_frames(config), lags=lags, hop_s=spec.hop / spec.rate_hz
    )
    recordings = _usable(config, workdir, "train", lags)
    if not recordings:
        raise UserError(
            f"no training recording lasts {LEAST_S + config.sync.reach_s:.1f} s; give longer recordings or lower "
            "config.sync.reach_s"
        )
    held = Held(_usable(config, workdir, "validation", lags), example, batches=1, size=_HELD_OUT_EXAMPLES)
    # Takes are heard through the codebook, so half of what it learns from is too.
    return Material(recordings + _through_codebook(config, workdir, recordings), example, held)


def _usable(config: Any, workdir: Path, split: str, lags: int) -> list[TokenRecording]:
    least = round(LEAST_S * config.data.fps) + lags
    # Recordings that begin later are the same ones again.
    whole = (one for one in token_recordings(config, workdir, split) if not one.offset_s)
    return [one for one in whole if len(one.onset) >= least]


def _through_codebook(config: Any, workdir: Path, recordings: Sequence[TokenRecording]) -> list[TokenRecording]:
    """The same recordings, their sound as the codebook gives it back."""
    coder, params = Coder(build.codebook_net(config)), trained.codebook_params(workdir)
    columns, found = config.transformer.columns, []
    for one in recordings:
        rows, total = one.codes.shape
        grid = np.pad(one.codes, ((0, 0), (0, -total % columns)), mode="edge").astype(np.int32)
        # Window by window, so that one shape is compiled.
        windows = grid.reshape(rows, -1, 1, columns).transpose(1, 2, 0, 3)
        mel = np.concatenate([np.asarray(coder.decode(params, jnp.asarray(window)))[0] for window in windows], axis=1)
        found.append(dataclasses.replace(one, mel=mel[:, : one.mel.shape[1]].astype(np.float16)))
    return found

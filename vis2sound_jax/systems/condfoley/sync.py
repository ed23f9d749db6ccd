"""Trains the scorer that ranks takes, on what the trained video encoder sees of the recordings."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from vis2sound_jax.data.shifted import LEAST_S, sync_example
from vis2sound_jax.data.tokens import TokenRecording
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.run.fit import fit
from vis2sound_jax.run.held_out import evaluator
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.tasks import sync_task
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.training.checkpoint import digest

EVERY_HOST = True
"""Of several processes, all train together."""

_HELD_OUT_EXAMPLES = 128


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Trains the scorer to its last step, or goes on where it stopped.

    Args:
      config: the settings.
      workdir: of a run whose encoder and codebook are trained.

    Returns:
      Where the checkpoints are, the steps made and a digest of the parameters.

    Raises:
      UserError: if no training recording is long enough.
    """
    sync, net, spec = config.sync, build.sync_net(config), build.mel_spec(config)
    task = sync_task(config)
    example = functools.partial(
        sync_example, frames=build.sync_frames(config), lags=net.lags, hop_s=spec.hop / spec.rate_hz
    )
    recordings = _usable(config, workdir, "train", net.lags)
    if not recordings:
        raise UserError(
            f"no training recording lasts {LEAST_S + sync.reach_s:.1f} s; give longer recordings or lower "
            "config.sync.reach_s"
        )
    held = _usable(config, workdir, "validation", net.lags)
    evaluate = evaluator(task, held, example, seed=config.seed, batches=1, size=_HELD_OUT_EXAMPLES)
    # Takes are heard through the codebook, so half of what it learns from is too.
    source = recordings + _through_codebook(config, workdir, recordings)
    state = fit(config, workdir, task, source, example, batch=sync.batch, steps=sync.steps, evaluate=evaluate)
    return {
        "checkpoints": str(workdir / config.stage / "checkpoints"),
        "steps": int(state.step),
        "digest": digest(state.params)[:16],
    }


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

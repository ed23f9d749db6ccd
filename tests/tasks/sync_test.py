"""Laws of learning synchronisation: after a few steps on made-up pulses the shift is found."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.sync import SyncNet
from vis2sound_jax.tasks.sync import SyncTask

LAGS, FRAMES, BATCH = 5, 40, 16
NET = SyncNet(lags=LAGS, hidden=16, width=8, bands=2, dropout=0.0)
TASK = SyncTask(NET, steps=60, learning_rate=1e-2)


def batch(seed: int) -> dict[str, np.ndarray]:
    """Pulses seen at random frames and heard `late - LAGS` frames later."""
    rng = np.random.default_rng(seed)
    seen = rng.random((BATCH, FRAMES + 2 * LAGS)) < 0.12
    late = rng.integers(0, 2 * LAGS + 1, BATCH).astype(np.int32)
    heard = np.stack([np.roll(row, shift - LAGS) for row, shift in zip(seen, late, strict=True)])
    seen, heard = (x[:, LAGS:-LAGS].astype(np.float32) for x in (seen, heard))
    sound = np.zeros((BATCH, FRAMES, 4, 2), np.float32)
    sound[:, :, 1:3] = 0.6 * heard[..., None, None]
    onset = 0.02 + 0.9 * seen
    return {"features": seen[..., None], "onset": onset, "sound": sound, "mask": np.ones_like(seen), "late": late}


@functools.cache
def trained() -> tuple[dict[str, float], dict[str, float]]:
    train, measure = jax.jit(TASK.train_step), jax.jit(TASK.eval_step)
    state = TASK.init(jax.random.key(0), batch(0))
    before = measure(state, batch(999), None).means()
    for step in range(TASK.steps):
        state, _ = train(state, batch(step), None, jax.random.key(step))
        state = state.replace(step=jnp.int32(step + 1))
    return before, measure(state.replace(variables={"ema": state.params}), batch(999), None).means()


def test_shifts_of_pulses_are_found_after_a_few_steps() -> None:
    before, after = trained()
    assert after["within"] >= 0.9 and after["loss"] < 0.7 * before["loss"]


def test_one_who_knows_nothing_thinks_half_of_all_sounds_unrelated() -> None:
    state, k = TASK.init(jax.random.key(0), batch(0)), 2 * LAGS + 1
    silent = batch(0) | {"mask": np.zeros((BATCH, FRAMES), np.float32)}
    related = TASK.eval_step(state, silent, None).means()
    assert related["loss"] == pytest.approx(np.log(2 * k), rel=1e-5)
    apart = TASK.eval_step(state, silent | {"late": np.full(BATCH, k, np.int32)}, None)
    assert apart.means()["loss"] == pytest.approx(np.log(2), rel=1e-5) and apart.counts["within"] == 0

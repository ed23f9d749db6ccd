"""Laws of the recurrent network's training: squared, then robust error, masks, freedom to be early or late."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.impact_lstm import ImpactLSTM
from vis2sound_jax.models.losses import robust_loss
from vis2sound_jax.tasks.impacts import ImpactTask
from vis2sound_jax.training.task import TrainState

T, SOUND = 6, 2
NET = ImpactLSTM(width=8, layers=1, sound=SOUND, head_width=8)
TASK = ImpactTask(NET, steps=100, learning_rate=2e-2, weight_decay=0.0, clip_norm=5.0)
KEY = jax.random.key(0)


class Said:
    """A network that says what the batch tells it to; its only weight is a gain."""

    def apply(self, variables: Any, motion: jax.Array, still: jax.Array, **_: Any) -> jax.Array:
        return variables["params"]["gain"] * motion


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Clips that sound from frame 2 on if something moves there; the look says how."""
    motion, still = np.zeros((4, T, 3), np.float32), np.zeros((4, 2), np.float32)
    motion[:, 2] = 5.0
    still[:2, 0] = still[2:, 1] = 3.0
    target = np.zeros((4, 3 * T, SOUND), np.float32)
    target[:2, 6:, 0] = target[2:, 6:, 1] = 2.0
    norm = np.linalg.norm(target, axis=-1)
    return {"motion": motion, "still": still, "target": target, "norm": norm, "mask": np.ones_like(norm)}


@functools.cache
def started() -> TrainState:
    return jax.jit(TASK.init)(KEY, batch())


measure = jax.jit(TASK.eval_step)
judge = [jax.jit(dataclasses.replace(TASK, net=Said(), aligned=aligned).eval_step) for aligned in (False, True)]


@pytest.mark.parametrize("aligned", [False, True])
def test_training_lowers_the_error(*, aligned: bool) -> None:
    task = dataclasses.replace(TASK, aligned=aligned)
    train, state = jax.jit(task.train_step), started()
    for step in range(TASK.steps):
        # The loop counts the steps.
        state, _ = train(state.replace(step=jnp.int32(step)), batch(), None, jax.random.fold_in(KEY, step))
    before = measure(started(), batch(), None).means()
    state = state.replace(variables={"ema": state.params})
    after = measure(state, batch(), None).means()
    assert after["squared"] < 0.3 * before["squared"] and after["robust"] < before["robust"]
    # Each clip's look decides its sound.
    swapped = measure(state, batch() | {"still": batch()["still"][::-1]}, None).means()
    assert swapped["squared"] > 2 * after["squared"]


def test_masked_steps_do_not_count() -> None:
    mask, wrong = batch()["mask"].copy(), batch()["target"].copy()
    mask[:, :6], wrong[:, :6] = 0, 99
    masked = measure(started(), batch() | {"mask": mask}, None)
    assert measure(started(), batch() | {"mask": mask, "target": wrong}, None).means() == masked.means()
    assert masked.counts["loss"] == 4 * 12 and masked.means() != measure(started(), batch(), None).means()


def test_the_loss_turns_from_squared_into_robust() -> None:
    found = [measure(started().replace(step=jnp.int32(step)), batch(), None).means() for step in (0, 30, 60, 100)]
    squared, robust = found[0]["squared"], 0.1 * found[0]["robust"]
    expected = [squared, (squared + robust) / 2, robust, robust]
    np.testing.assert_allclose([one["loss"] for one in found], expected, rtol=1e-4)
    # Without a warm-up it is robust from the start.
    plain = jax.jit(dataclasses.replace(TASK, warmup=0.0).eval_step)(started(), batch(), None).means()
    assert plain["loss"] == pytest.approx(robust, rel=1e-4)
    only = jax.jit(dataclasses.replace(TASK, robust=0.0).eval_step)(
        started().replace(step=jnp.int32(100)), batch(), None
    )
    assert only.means()["loss"] == pytest.approx(squared, rel=1e-4)


def said(aligned: bool, away: int) -> dict[str, float]:
    """The errors of a prediction that is right but so many steps late."""
    target = np.zeros((1, 40, SOUND), np.float32)
    target[0, 18:21] = (2.0, 1.5)
    norm = 2 * np.linalg.norm(target, axis=-1)
    moved = np.roll(target, away, axis=1)
    one = {"motion": moved, "still": moved[:, 0], "target": target, "norm": norm, "mask": np.ones_like(norm)}
    state = TrainState(jnp.int32(0), {"gain": jnp.ones(())}, (), {"ema": {"gain": jnp.ones(())}})
    return judge[aligned](state, one, None).means()


def test_the_aligned_loss_forgives_a_shift_and_the_plain_one_does_not() -> None:
    for away in (-6, -2, 3, 8):
        assert said(True, away)["squared"] == pytest.approx(0.0, abs=1e-6)
        assert said(False, away)["squared"] > 0.5
    assert said(True, 14)["squared"] > 0.5


def test_the_aligned_loss_weighs_loud_steps_more() -> None:
    """Where a prediction is right the robust error is log epsilon; 3 of 40 steps are loud and count four times."""
    silent = said(False, 0)["robust"]
    assert silent == pytest.approx(float(robust_loss(jnp.zeros(()))), rel=1e-5)
    assert said(True, 0)["robust"] == pytest.approx(silent * (40 + 3 * 3) / 40, rel=1e-5)

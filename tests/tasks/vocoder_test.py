"""Laws of the vocoder's training: both networks learn, each from its own loss, and steps are pure functions."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.discriminators import WaveDiscriminator
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.tasks.vocoder import VocoderTask, spectral_error_db
from vis2sound_jax.training.task import Metrics, TrainState

NET = MelGAN(n_mels=4, width=4, ratios=(8, 4), residual_layers=1)
TASK = VocoderTask(NET, WaveDiscriminator(scales=2, width=4, layers=1, factor=2), learning_rate=2e-3)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Loud and soft noise, and bands that say which is where."""
    rng = np.random.default_rng(0)
    level = rng.choice([0.02, 0.5], (4, 40))
    wav = level.repeat(NET.hop, axis=1) * rng.uniform(-1, 1, (4, 40 * NET.hop))
    return {"mel": level[:, None].repeat(4, axis=1).astype(np.float32), "wav": wav.astype(np.float32)}


@jax.jit
def train(state: TrainState) -> tuple[TrainState, Metrics]:
    state, metrics = TASK.train_step(state, batch(), None, jax.random.key(0))
    return state.replace(step=state.step + 1), metrics


@functools.cache
def states() -> list[TrainState]:
    found = [jax.jit(TASK.init)(jax.random.key(0), batch())]
    for _ in range(60):
        found.append(train(found[-1])[0])
    return found


def test_the_generator_learns() -> None:
    measure = jax.jit(TASK.eval_step)
    before, after = (measure(states()[i], batch(), None).means() for i in (0, -1))
    assert after["error_db"] < 0.8 * before["error_db"]


def test_the_discriminators_learn_to_tell_a_generator_that_stands_still() -> None:
    state, hinge = states()[0], []
    for _ in range(40):
        state, metrics = train(state.replace(params={**state.params, "generator": states()[0].params["generator"]}))
        hinge.append(metrics.means()["discriminator"])
    assert hinge[0] == pytest.approx(4, abs=0.5)  # 2 a rate, where the logits say nothing
    assert hinge[-1] < 0.5 * hinge[0]


def test_the_loss_adds_its_parts() -> None:
    found = train(states()[5])[1].means()
    assert found["loss"] == pytest.approx(found["adversarial"] + 10 * found["features"], rel=1e-5)


def test_steps_are_pure_and_both_networks_move() -> None:
    saved = jax.tree.map(np.asarray, states()[5])
    again = train(jax.tree.map(jnp.asarray, saved))[0]
    jax.tree.map(np.testing.assert_array_equal, again, states()[6])
    assert set(again.params) == set(again.opt_state) == {"generator", "discriminator"}
    for path, moved in jax.tree_util.tree_leaves_with_path(
        jax.tree.map(lambda a, b: bool((a != b).any()), again.params, states()[5].params)
    ):
        # A hinge within its margins does not see the last bias: it adds the same to real and made.
        assert moved or path[-1].key == "bias"


def test_the_spectral_error_counts_decibels_and_not_phases() -> None:
    noise: Any = 0.3 * np.random.default_rng(1).standard_normal((2, 4100)).astype(np.float32)
    assert spectral_error_db(noise, noise) == 0
    assert spectral_error_db(-noise, noise) == 0
    assert spectral_error_db(0.1 * noise, noise) == pytest.approx(20, rel=1e-2)
    assert spectral_error_db(1e-8 * noise, 1e-7 * noise) == 0

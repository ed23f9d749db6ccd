"""Laws of the VQGAN's training: it learns, the discriminator waits for its start, steps are pure functions."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.started import started
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.tasks.vqgan import VqganTask
from vis2sound_jax.training.task import Metrics, TrainState

NET = VQGAN(4, (1, 2), 1, (), 16, z_channels=4, embed_dim=4, n_codes=8)
TASK = VqganTask(NET, 6, PatchDiscriminator(2, 1), Lpaps((1, 1, 1, 1, 1)), learning_rate=3e-3)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Bands that are loud or not."""
    loud = np.random.default_rng(0).integers(0, 2, (4, 4, 4)).repeat(4, axis=1).repeat(4, axis=2)
    return {"mel": (0.2 + 0.6 * loud).astype(np.float32)}


@functools.partial(jax.jit, static_argnums=0)
def train(task: VqganTask, state: TrainState, frozen: Any = None) -> tuple[TrainState, Metrics]:
    state, metrics = task.train_step(state, batch(), frozen, jax.random.key(0))
    return state.replace(step=state.step + 1), metrics


@functools.cache
def states() -> list[TrainState]:
    found = [started(TASK, batch())]
    for _ in range(40):
        found.append(train(TASK, found[-1])[0])
    return found


def late() -> TrainState:
    """Fresh networks at a step where the discriminator counts."""
    return states()[0].replace(step=jnp.int32(TASK.discriminator_start))


measure = jax.jit(TASK.eval_step)


def same(a: Any, b: Any) -> bool:
    return all(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x == y).all()), a, b)))


def test_it_learns() -> None:
    first, last = (measure(states()[i], batch(), None).means() for i in (0, -1))
    assert last["error_db"] < 0.7 * first["error_db"]
    assert 1 <= last["perplexity"] <= NET.n_codes
    assert last["loss"] == pytest.approx(last["error_db"] / 50 + last["codes"], rel=1e-4)


def test_the_discriminator_waits_for_its_start() -> None:
    judges = [state.params["discriminator"] for state in states()]
    start = TASK.discriminator_start
    assert all(same(judge, judges[0]) for judge in judges[: start + 1])
    assert not same(judges[start], judges[start + 1])
    assert train(TASK, states()[start - 1])[1].means()["weight"] == 0
    assert train(TASK, states()[start])[1].means()["weight"] > 0
    waits, hears = (train(TASK, state)[0].params["generator"] for state in (states()[0], late()))
    assert not same(waits, hears)


def test_limits_fix_the_weight_as_the_reference_did() -> None:
    fixed = dataclasses.replace(TASK, adaptive_limits=(1.0, 1.0))
    assert train(fixed, late())[1].means()["weight"] == pytest.approx(0.8)
    assert train(TASK, late())[1].means()["weight"] != pytest.approx(0.8, rel=1e-3)


def test_the_step_of_the_generator_follows_the_gradient_of_its_loss() -> None:
    state = late()
    weight = train(TASK, state)[1].means()["weight"]
    judge = {"params": state.params["discriminator"], **state.variables}

    @jax.jit
    @jax.grad
    def gradient(params: Any) -> jax.Array:
        mel = 2 * batch()["mel"] - 1
        made, found = NET.apply({"params": params}, mel)
        logits, _ = TASK.discriminator.apply(judge, made, use_running_average=False, mutable=["batch_stats"])
        return jnp.abs(made - mel).mean() + sum(found.losses.values()) - weight * logits.mean()

    # After one step from zero, Adam's first moment is half the gradient.
    moment = train(TASK, state)[0].opt_state["generator"][0].mu
    expected = gradient(state.params["generator"])
    jax.tree.map(lambda m, g: np.testing.assert_allclose(2 * m, g, rtol=1e-3, atol=1e-6), moment, expected)


def test_a_perceptual_distance_counts_only_with_its_weights() -> None:
    state, mel = states()[0], jnp.zeros((1, 16, 16))
    weights = jax.jit(TASK.perceptual.init)(jax.random.key(5), mel, mel)
    assert measure(state, batch(), None).means()["perceptual"] == 0
    assert measure(state, batch(), {"perceptual": weights}).means()["perceptual"] > 0
    dropping = dataclasses.replace(TASK, perceptual_dropout=True)
    _, metrics = train(dropping, state, {"perceptual": weights})
    whole = measure(state, batch(), {"perceptual": weights}).means()["perceptual"]
    assert metrics.means()["perceptual"] != pytest.approx(whole, rel=1e-2)


def test_steps_are_pure_and_keep_the_form_of_the_state() -> None:
    middle = states()[8]
    saved = jax.tree.map(np.asarray, middle)
    again = train(TASK, jax.tree.map(jnp.asarray, saved))[0]
    assert same(again, states()[9])
    assert set(middle.params) == set(middle.opt_state) == {"generator", "discriminator"}
    assert not same(states()[9].variables, middle.variables)
    assert jax.tree.map(jnp.shape, again) == jax.tree.map(jnp.shape, states()[0])

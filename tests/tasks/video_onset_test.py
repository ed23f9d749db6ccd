"""Laws of the onset network's training: weights of onsets, learning, running statistics, pure steps."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.started import started
from vis2sound_jax.models.r2plus1d import KINETICS_MEAN, KINETICS_STD
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.tasks.video_onset import VideoOnsetTask, onset_metrics
from vis2sound_jax.training.task import Metrics, TrainState
from vis2sound_jax.video.frames import Augmentation

TASK = VideoOnsetTask(VideoOnsetNet((2, 2, 4, 4), hidden=8), steps=30, learning_rate=2e-2)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Dark films that light up where a sound begins."""
    onset = (np.random.default_rng(0).random((4, 8)) < 0.25).astype(np.float32)
    light = (40 + 180 * onset).astype(np.uint8)
    return {"frames": np.broadcast_to(light[..., None, None, None], (4, 8, 8, 8, 3)), "onset": onset}


@jax.jit
def train(state: TrainState) -> tuple[TrainState, Metrics]:
    state, metrics = TASK.train_step(state, batch(), None, jax.random.key(0))
    return state.replace(step=state.step + 1), metrics


@functools.cache
def states() -> list[TrainState]:
    found = [started(TASK, batch())]
    for _ in range(TASK.steps):
        found.append(train(found[-1])[0])
    return found


def test_it_learns_and_the_rate_falls_to_nothing() -> None:
    first, last = (train(states()[i])[1].means() for i in (0, -1))
    assert last["loss"] < 0.5 * first["loss"]
    assert last["recall"] > 0.9
    still = train(states()[-1])[0].params
    jax.tree.map(np.testing.assert_array_equal, still, states()[-1].params)


def test_evaluation_uses_the_running_statistics_that_training_moves() -> None:
    measure = jax.jit(TASK.eval_step)
    state = states()[-1]
    fresh = state.replace(variables=states()[0].variables)
    assert measure(state, batch(), None).means()["loss"] != measure(fresh, batch(), None).means()["loss"]
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), state.variables, fresh.variables)
    assert all(jax.tree.leaves(moved))


def test_steps_are_pure() -> None:
    saved = jax.tree.map(np.asarray, states()[5])
    again = train(jax.tree.map(jnp.asarray, saved))[0]
    jax.tree.map(np.testing.assert_array_equal, again, states()[6])


@pytest.mark.parametrize(
    ("onsets", "weight"), [([1, 0, 0, 0], 3.0), ([1, 1, 0, 0], 1.0), ([0] * 4, 1.0), ([1] * 4, 1.0)]
)
def test_onsets_weigh_as_much_as_the_rest(onsets: list[int], weight: float) -> None:
    onset = jnp.array([onsets], jnp.float32)
    metrics = onset_metrics(jnp.zeros((1, 4)), onset)
    n = sum(onsets)
    assert metrics.means()["loss"] == pytest.approx(np.log(2) * (weight * n + 4 - n) / 4)


def test_hits_are_counted() -> None:
    found = onset_metrics(jnp.array([[2.0, -1.0, 3.0, 1.0]]), jnp.array([[1.0, 1.0, 0.0, 1.0]])).means()
    assert (found["recall"], found["precision"]) == pytest.approx((2 / 3, 2 / 3))


def test_frames_are_altered_where_views_are_drawn() -> None:
    """Half as bright, and cut to its middle without a change of size."""
    jitter = (("brightness", 0.5), ("saturation", 1.0), ("contrast", 1.0), ("hue", 0.0))
    view = np.stack([Augmentation((1, 1, 7, 7), 6, False, jitter).numbers] * 4)
    task = dataclasses.replace(TASK, size=6)
    measure = jax.jit(task.eval_step)
    found = measure(states()[3], batch() | {"view": view}, None).means()["loss"]
    by_hand = batch() | {"frames": batch()["frames"][:, :, 1:7, 1:7] // 2}
    assert found == pytest.approx(measure(states()[3], by_hand, None).means()["loss"], rel=1e-5)
    assert found != measure(states()[3], batch(), None).means()["loss"]
    state, metrics = jax.jit(task.train_step)(states()[3], batch() | {"view": view}, None, jax.random.key(0))
    assert np.isfinite(metrics.means()["loss"])
    shapes = jax.eval_shape(task.init, jax.random.key(0), batch() | {"view": view})
    assert jax.tree.map(jnp.shape, shapes.params) == jax.tree.map(jnp.shape, state.params)


def test_colours_are_normalised_by_the_statistics_of_the_weights() -> None:
    kinetics = dataclasses.replace(TASK, mean=KINETICS_MEAN, std=KINETICS_STD)
    one, other = (jax.jit(task.eval_step)(states()[3], batch(), None).means()["loss"] for task in (TASK, kinetics))
    assert one != other

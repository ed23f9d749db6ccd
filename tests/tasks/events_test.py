"""Laws of learning to read events: a few steps help, and labels that nobody gave do not matter."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.event_reader import MOTION_CURVES, EventReader
from vis2sound_jax.tasks.events import EventsTask

BATCH, FRAMES, SIZE = 8, 40, 4
TASK = EventsTask(EventReader(width=16, dropout=0.1), steps=60, learning_rate=1e-2)
measure = jax.jit(TASK.eval_step)
train_metrics = jax.jit(TASK.metrics)
LABELS = {"target": "known", "scratch": "named", "force": "struck"}


@functools.cache
def batch(seed: int = 0) -> dict[str, np.ndarray]:
    """Events that features show and of which the encoder knows nothing; scratches are in the second feature."""
    rng = np.random.default_rng(seed)
    shape = (BATCH, FRAMES)
    struck = rng.random(shape) < 0.1
    scratch, force = struck & (rng.random(shape) < 0.5), rng.standard_normal(shape) * struck
    features = 0.1 * rng.standard_normal((*shape, SIZE))
    features += np.stack([struck, scratch, force, np.zeros(shape)], axis=-1)
    known = rng.random(shape) < 0.8
    found = {
        "features": features,
        "onset": np.full(shape, 0.2),
        "motion": 0.1 * rng.standard_normal((*shape, MOTION_CURVES)),
        "target": struck,
        "scratch": scratch,
        "force": force,
        "known": known,
        "named": struck & known & (rng.random(shape) < 0.8),
        "struck": struck & known,
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


@functools.cache
def trained() -> tuple[dict[str, float], dict[str, float]]:
    train = jax.jit(TASK.train_step)
    state = jax.jit(TASK.init)(jax.random.key(0), batch())
    before = measure(state, batch(99), None).means()
    for step in range(TASK.steps):
        state, _ = train(state, batch(step), None, jax.random.key(step))
        state = state.replace(step=jnp.int32(step + 1))
    return before, measure(state.replace(variables={"ema": state.params}), batch(99), None).means()


def test_a_few_steps_find_events_their_kind_and_their_force() -> None:
    before, after = trained()
    assert after["loss"] < 0.6 * before["loss"] and after["onset"] < 0.75 * before["onset"]
    assert after["kind"] < before["kind"] and after["force"] < before["force"]
    assert after["right_kind"] > 0.7


@functools.cache
def start() -> object:
    return jax.jit(TASK.init)(jax.random.key(1), batch())


@pytest.mark.parametrize("label", list(LABELS))
def test_labels_of_frames_that_nobody_knows_do_not_matter(label: str) -> None:
    hidden = batch()[LABELS[label]] == 0
    changed = batch() | {label: np.where(hidden, 1 - batch()[label], batch()[label])}
    key = jax.random.key(2)
    plain, other = (train_metrics(start().params, some, key, 0) for some in (batch(), changed))
    for name, value in plain.means().items():
        assert other.means()[name] == pytest.approx(value, rel=1e-6), name
    shown = batch() | {label: np.where(hidden, batch()[label], 1 - batch()[label])}
    assert train_metrics(start().params, shown, key, 0).means()["loss"] != pytest.approx(
        plain.means()["loss"], rel=1e-3
    )


def test_the_loss_is_the_weighted_sum_of_its_parts() -> None:
    means = measure(start(), batch(), None).means()
    parts = means["onset"] + TASK.kind_weight * means["kind"] + TASK.force_weight * means["force"]
    assert means["loss"] == pytest.approx(parts, rel=1e-5)


def test_a_batch_of_which_nothing_is_known_teaches_nothing() -> None:
    nothing = batch() | {name: np.zeros((BATCH, FRAMES), np.float32) for name in ("known", "named", "struck")}
    gradient = jax.jit(jax.grad(lambda params: TASK.metrics(params, nothing, None, jnp.int32(0)).sums["loss"]))
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(gradient(start().params)))
    assert all(np.isfinite(value) for value in measure(start(), nothing, None).means().values())

"""Laws that tasks share: the average follows the weights, and nothing counted teaches nothing."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.tasks.averaged import AveragedTask, as_unit
from vis2sound_jax.training.task import Metrics, TrainState

KEY = jax.random.key(0)


@dataclasses.dataclass(frozen=True)
class Line(AveragedTask):
    """Fits y = a x; the key and the step show in the metrics."""

    def init_params(self, key: jax.Array, batch: Mapping[str, Any]) -> Any:
        return {"a": {"kernel": jnp.zeros((1, 1))}}

    def metrics(self, params: Any, batch: Mapping[str, Any], key: jax.Array | None, step: jax.Array) -> Metrics:
        error = (params["a"]["kernel"][0, 0] * batch["x"] - batch["y"]) ** 2
        return Metrics.from_sums(
            loss=((error * batch["mask"]).sum(), batch["mask"].sum()), trained=(key is not None, 1)
        )


TASK = Line(None, steps=60, learning_rate=0.2, weight_decay=0.0, ema=0.8)
BATCH = {"x": np.ones(4, np.float32), "y": np.full(4, 3.0, np.float32), "mask": np.ones(4, np.float32)}
train, measure = jax.jit(TASK.train_step), jax.jit(TASK.eval_step)


def trained(steps: int) -> list[TrainState]:
    states = [TASK.init(KEY, BATCH)]
    for step in range(steps):
        # The loop counts the steps.
        states.append(train(states[-1], BATCH, None, KEY)[0].replace(step=jnp.int32(step + 1)))
    return states


def slope(params: Any) -> float:
    return float(params["a"]["kernel"][0, 0])


def test_training_finds_the_slope_and_so_does_the_average() -> None:
    last = trained(60)[-1]
    assert slope(last.params) == pytest.approx(3.0, abs=0.1)
    assert slope(last.variables["ema"]) == pytest.approx(3.0, abs=0.2)


def test_the_average_moves_by_its_decay_and_faster_at_the_start() -> None:
    states = trained(60)
    for before, after in zip(states, states[1:], strict=False):
        decay = min(TASK.ema, (1 + int(before.step)) / (10 + int(before.step)))
        wanted = decay * slope(before.variables["ema"]) + (1 - decay) * slope(after.params)
        assert slope(after.variables["ema"]) == pytest.approx(wanted, abs=1e-5)


def test_evaluation_measures_the_average_without_a_key() -> None:
    state = trained(1)[-1]
    other = state.replace(params=jax.tree.map(lambda leaf: leaf + 9, state.params))
    assert measure(other, BATCH, None).means() == measure(state, BATCH, None).means()
    assert measure(state, BATCH, None).means()["trained"] == 0
    assert train(state, BATCH, None, KEY)[1].means()["trained"] == 1


def test_what_is_masked_teaches_nothing() -> None:
    start = TASK.init(KEY, BATCH)
    state, metrics = train(start, BATCH | {"mask": np.zeros(4, np.float32)}, None, KEY)
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-6), state.params, start.params)
    assert metrics.counts["loss"] == 0
    half = BATCH | {"mask": np.array([1, 1, 0, 0], np.float32), "y": np.array([3, 3, -50, 80], np.float32)}
    np.testing.assert_allclose(
        slope(train(start, half, None, KEY)[0].params), slope(train(start, BATCH, None, KEY)[0].params), rtol=1e-5
    )


def test_pixels_become_numbers_up_to_one() -> None:
    np.testing.assert_allclose(as_unit(jnp.array([0, 51, 255], jnp.uint8)), [0.0, 0.2, 1.0], rtol=1e-6)

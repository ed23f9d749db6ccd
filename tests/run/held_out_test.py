"""Measuring while training: always the same examples, of all batches together, and nothing where nothing is held."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.run.held_out import Held, evaluator
from vis2sound_jax.training.task import Metrics, TrainState


class MeanTask:
    """Measures the mean of a batch times a parameter, and adds what is frozen."""

    sharding_rules = ()

    def init(self, key: jax.Array, batch: Mapping[str, Any]) -> TrainState:
        return TrainState(jnp.int32(0), {"factor": jnp.float32(1.0)}, {}, {})

    def train_step(self, state: TrainState, batch: Any, frozen: Any, key: jax.Array) -> tuple[TrainState, Metrics]:
        return state, self.eval_step(state, batch, frozen)

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        mean = state.params["factor"] * batch["x"].mean() + (0.0 if frozen is None else frozen)
        return Metrics.from_means(len(batch["x"]), mean=mean)


def example(item: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"x": np.float32(item + rng.random())}


def state(factor: float) -> TrainState:
    return TrainState(jnp.int32(0), {"factor": jnp.float32(factor)}, {}, {})


def test_every_evaluation_draws_the_same_examples() -> None:
    evaluate = evaluator(MeanTask(), Held(range(9), example), seed=0)
    assert evaluate is not None
    first, again, other = evaluate(state(1.0)), evaluate(state(1.0)), evaluate(state(2.0))
    assert first == again and set(first) == {"held_out/mean"}
    assert other["held_out/mean"] == pytest.approx(2 * first["held_out/mean"], rel=1e-6)
    another_run = evaluator(MeanTask(), Held(range(9), example), seed=1)
    assert another_run is not None and another_run(state(1.0)) != first


def test_as_many_examples_are_measured_as_are_asked_for() -> None:
    drawn: list[int] = []
    held = Held(range(9), lambda item, rng: drawn.append(item) or example(item, rng), batches=3, size=5)
    evaluate = evaluator(MeanTask(), held, seed=0)
    assert evaluate is not None
    found = evaluate(state(1.0))
    assert len(drawn) == 15 and np.mean(drawn) < found["held_out/mean"] < np.mean(drawn) + 1


def test_frozen_weights_reach_the_task() -> None:
    plain, more = (evaluator(MeanTask(), Held(range(9), example), seed=0, frozen=value) for value in (None, 5.0))
    assert plain is not None and more is not None
    assert more(state(1.0))["held_out/mean"] == pytest.approx(plain(state(1.0))["held_out/mean"] + 5.0, rel=1e-6)


def test_nothing_held_out_is_nothing_measured() -> None:
    assert evaluator(MeanTask(), Held([], example), seed=0) is None

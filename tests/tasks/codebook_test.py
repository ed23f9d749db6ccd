"""Laws of the codebook's training: warm-up leaves the books, k-means starts them, both runs learn."""

import functools
from typing import Any

import jax
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.tasks.codebook import CodebookTask, start_books
from vis2sound_jax.training.task import Metrics, TrainState

NET = BandCoder(n_mels=6, rows=2, frames=2, codes=8, latent=2, width=16, blocks=1)
WARMUP = CodebookTask(NET, steps=30, quantised=False, learning_rate=1e-2)
TASK = CodebookTask(NET, steps=30, learning_rate=1e-2)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Bands that are loud or not, in few patterns."""
    rng = np.random.default_rng(0)
    loud = rng.integers(0, 2, (16, 2, 10)).repeat(3, axis=1).repeat(2, axis=2)
    return {"mel": (0.1 + 0.8 * loud).astype(np.float32)}


@functools.partial(jax.jit, static_argnums=0)
def train(task: CodebookTask, *arguments: Any) -> tuple[TrainState, Metrics]:
    return task.train_step(*arguments)


def run(task: CodebookTask, state: TrainState) -> TrainState:
    for number in range(task.steps):
        state, _ = train(task, state, batch(), None, jax.random.key(number))
    return state


@functools.cache
def started() -> TrainState:
    return jax.jit(TASK.init)(jax.random.key(0), batch())


@functools.cache
def warm() -> TrainState:
    return run(WARMUP, started())


measure = jax.jit(TASK.eval_step)
start_books_fast = jax.jit(functools.partial(start_books, NET))


def error(state: TrainState) -> float:
    return measure(state, batch(), None).means()["error"]


def test_warm_up_learns_and_leaves_no_gradient_in_the_books() -> None:
    _, metrics = train(WARMUP, warm(), batch(), None, jax.random.key(0))
    _, first = train(WARMUP, started(), batch(), None, jax.random.key(0))
    assert metrics.means()["error"] < 0.5 * first.means()["error"]
    assert metrics.means()["codes"] == 0
    np.testing.assert_array_equal(warm().params["books"], started().params["books"])


def test_books_from_k_means_code_far_better_than_random_ones_and_train_on() -> None:
    fresh = started().replace(params=start_books_fast(warm().params, batch()["mel"], jax.random.key(1)))
    assert error(fresh) < 0.7 * error(warm())
    assert error(run(TASK, fresh)) < error(fresh)


def test_the_same_sounds_and_key_start_the_same_books() -> None:
    first, second, other = (
        start_books_fast(warm().params, batch()["mel"], jax.random.key(k))["books"] for k in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 0


def test_too_few_sounds_for_the_books_are_refused() -> None:
    with pytest.raises(UserError, match="k-means of 8 codes got 3 vectors"):
        start_books(NET, warm().params, batch()["mel"][:1, :, :10], jax.random.key(0))


def test_the_loss_adds_its_parts() -> None:
    found = measure(warm(), batch(), None).means()
    assert found["loss"] == pytest.approx(found["error"] + found["flux"] + found["codes"], rel=1e-5)
    assert 1 <= found["perplexity"] <= NET.codes

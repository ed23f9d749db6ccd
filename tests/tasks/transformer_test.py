"""Laws of the transformer's training: its own codes alone compete, hiding hides, the rows of a test differ rightly."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.tasks.transformer import TransformerTask
from vis2sound_jax.training.task import TrainState

ROWS, BOOK, N, B = 2, 3, 8, 6
NET = Transformer(vocab=ROWS * BOOK + 1, slots=2 * N, layers=1, heads=2, width=8)
TASK = TransformerTask(NET, "aligned", 30, 3e-2, drop_condition=0.0, rows=ROWS, book=BOOK)
MASK = NET.vocab - 1


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """The target's code in a row is the example's, which also tells it by its style."""
    rng = np.random.default_rng(0)
    code = rng.permutation(np.arange(B) % BOOK)
    tokens = code[:, None] + np.arange(N) % ROWS * BOOK
    video = rng.normal(size=(2, B, N, 3)).astype(np.float32)
    style = np.eye(BOOK, dtype=np.float32)[code]
    tokens = tokens.astype(np.int32)
    return {
        "condition": tokens,
        "target": tokens,
        "condition_video": video[0],
        "target_video": video[1],
        "style": style,
    }


@functools.cache
def started(task: TransformerTask = TASK) -> TrainState:
    return jax.jit(task.init)(jax.random.key(0), batch())


@functools.cache
def trained() -> TrainState:
    state, step = started(), jax.jit(TASK.train_step)
    for number in range(TASK.steps):
        state, _ = step(state, batch(), None, jax.random.key(number))
    return state


def train_metrics(task: TransformerTask, state: TrainState, key: int = 0) -> dict[str, float]:
    # Without the new state in the result the compiler drops the backward pass.
    step = jax.jit(lambda state, key: task.train_step(state, batch(), None, key)[1])
    return step(state, jax.random.key(key)).means()


def test_only_the_rows_own_codes_compete() -> None:
    """With all weights zero every allowed code is as likely: log of the book, or of the vocabulary without books."""
    state = started().replace(params=jax.tree.map(jnp.zeros_like, started().params))
    shared = dataclasses.replace(TASK, book=0)
    assert train_metrics(TASK, state)["nats"] == pytest.approx(np.log(BOOK), rel=1e-5)
    assert train_metrics(shared, state)["nats"] == pytest.approx(np.log(NET.vocab), rel=1e-5)


def test_what_the_condition_tells_is_learned_and_missed_when_shuffled_or_hidden() -> None:
    found = TASK.cross_entropy(trained().params, batch())
    assert found["nats_matched"] < 0.3 < found["nats_shuffled"]
    assert found["nats_matched"] < found["nats_none"]
    assert train_metrics(TASK, trained())["accuracy"] == 1.0
    assert found == jax.jit(TASK.eval_step)(trained(), batch(), None).means()


def test_a_shuffled_condition_is_the_next_examples() -> None:
    """Rolled back beforehand, the shuffled row is the matched one."""
    moved = {name: np.roll(batch()[name], -1, axis=0) for name in ("condition", "condition_video", "style")}
    found = TASK.cross_entropy(trained().params, batch() | moved)
    matched = TASK.cross_entropy(trained().params, batch())["nats_matched"]
    assert found["nats_shuffled"] == pytest.approx(matched, rel=1e-5)


def test_all_hidden_is_the_row_without_condition() -> None:
    always = dataclasses.replace(TASK, drop_condition=1.0)
    keys = range(3)
    hidden = [train_metrics(always, trained(), key)["nats"] for key in keys]
    none = TASK.cross_entropy(trained().params, batch())["nats_none"]
    assert min(hidden) > 0.9 * none
    blind = {"condition": np.full_like(batch()["condition"], MASK), "style": 0 * batch()["style"]}
    blind["condition_video"] = 0 * batch()["condition_video"]
    assert TASK.cross_entropy(trained().params, batch() | blind)["nats_matched"] == pytest.approx(none, rel=1e-5)


def test_the_share_of_hidden_conditions_and_films() -> None:
    many = {name: np.repeat(value, 200, axis=0) for name, value in batch().items()}
    task = dataclasses.replace(TASK, drop_condition=0.4)
    hidden = task.hide_some(many, jax.random.key(1))
    masked = (hidden["condition"] == MASK).all(axis=1)
    blind = (hidden["target_video"] == 0).all(axis=(1, 2))
    silent_film = (hidden["condition_video"] == 0).all(axis=(1, 2))
    shares = [float(which.mean()) for which in (masked, blind, silent_film)]
    np.testing.assert_allclose(shares, [0.4, 0.2, 0.6], atol=0.05)
    assert (masked | ~blind).all() and (silent_film | ~masked).all()
    assert not (hidden["target"] - many["target"]).any()


def test_the_examples_own_codes_count_by_their_weight() -> None:
    plain, both = TASK, dataclasses.replace(TASK, condition_weight=0.5)
    first, second = (train_metrics(task, started()) for task in (plain, both))
    assert first["loss"] == first["nats"] == pytest.approx(second["nats"])
    assert second["loss"] > second["nats"]
    # Hidden examples have no codes to predict.
    always = dataclasses.replace(both, drop_condition=1.0)
    found = train_metrics(always, started())
    assert found["loss"] == pytest.approx(found["nats"])


def test_without_a_condition_none_is_seen_and_the_film_still_is() -> None:
    task = dataclasses.replace(TASK, conditioned=False, condition_weight=0.5, drop_condition=0.4)
    step = jax.jit(lambda state, batch: task.train_step(state, batch, None, jax.random.key(3))[1])
    other = {name: np.roll(batch()[name], 1, axis=0) for name in ("condition", "condition_video", "style")}
    dark = {"target_video": batch()["target_video"] + 1.0}
    found = [step(trained(), batch() | changed).means() for changed in ({}, other, dark)]
    assert found[0] == found[1] != found[2]
    none = TASK.cross_entropy(trained().params, batch())["nats_none"]
    assert task.cross_entropy(trained().params, batch()) == {"nats_none": pytest.approx(none, rel=1e-5)}


def test_copying_codes_compete_and_train_too() -> None:
    """Logits are then logarithms of a mixture, whose shares of a row's codes add up to 1 already."""
    task = dataclasses.replace(TASK, net=NET.clone(copy_heads=1, rows=ROWS, book=BOOK), condition_weight=0.25)
    state = started(task)
    logits, _ = task._logits(state.params, batch())
    np.testing.assert_allclose(jnp.exp(logits).sum(-1), 1.0, rtol=1e-5)
    step = jax.jit(task.train_step)
    losses = []
    for number in range(8):
        state, metrics = step(state, batch(), None, jax.random.key(number))
        losses.append(metrics.means()["loss"])
    assert losses[-1] < losses[0] and np.isfinite(losses).all()


def test_the_prefix_conditions_too() -> None:
    net = NET.clone(slots=4 * N)
    task = dataclasses.replace(TASK, net=net, conditioning="prefix")
    state = started(task)
    assert "embedder" in state.params and "aligned_embedder" not in state.params
    assert np.isfinite(train_metrics(task, state)["nats"])


def test_a_batch_in_parts_has_the_same_gradient() -> None:
    whole, parts = (dataclasses.replace(TASK, drop_condition=0.5, accumulate=count) for count in (1, 3))
    (after, metrics), (again, others) = (
        jax.jit(task.train_step)(started(), batch(), None, jax.random.key(1)) for task in (whole, parts)
    )
    moments = [jax.tree.leaves(state.opt_state) for state in (after, again)]
    for one, other in zip(*moments, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert metrics.means() == pytest.approx(others.means(), rel=1e-5)
    with pytest.raises(UserError, match="config.training.accumulate is 4; it must divide the batch of 6"):
        dataclasses.replace(TASK, accumulate=4).train_step(started(), batch(), None, jax.random.key(1))

"""Laws of AutoFoley's networks: shapes, blends between frames, time that moves, what a column can know."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.autofoley import AutoFoley, FilmEye, FrameRelation, FrameSequence, blend

RNG = np.random.default_rng(0)
EYE = FilmEye((4, 4), (4, 4, 4), width=6)
HEADS = {
    "sequence": FrameSequence(3, 5, width=8),
    "relation": FrameRelation(3, 5, width=4, bottleneck=6, frames=4, every=1),
}
FRAMES = jnp.asarray(RNG.random((2, 10, 8, 8), np.float32))
STILLS = jnp.asarray(RNG.random((2, 3, 8, 8, 3), np.float32))


@functools.cache
def net(head: str, *, blend_pixels: bool = False, ahead: float = 0.0) -> AutoFoley:
    return AutoFoley(EYE, HEADS[head], columns=20, frames_a_column=0.5, ahead=ahead, blend_pixels=blend_pixels)


@functools.cache
def weights(head: str) -> Any:
    return jax.jit(net(head).init)(jax.random.key(0), FRAMES, STILLS)


def test_a_blend_is_linear_and_held_at_the_ends() -> None:
    x = jnp.asarray(RNG.random((2, 4, 3), np.float32))
    places = jnp.array([-1.0, 0.0, 0.25, 1.0, 2.5, 3.0, 9.0])
    y = np.asarray(blend(x, places))
    np.testing.assert_allclose(y[:, [0, 1]], np.asarray(x)[:, [0, 0]])
    np.testing.assert_allclose(y[:, 2], 0.75 * x[:, 0] + 0.25 * x[:, 1], rtol=1e-6)
    np.testing.assert_allclose(y[:, 3], x[:, 1])
    np.testing.assert_allclose(y[:, 4], 0.5 * (x[:, 2] + x[:, 3]), rtol=1e-6)
    np.testing.assert_allclose(y[:, 5:], np.asarray(x)[:, [3, 3]])
    np.testing.assert_array_equal(blend(x[:, :1], places), np.repeat(np.asarray(x)[:, :1], 7, axis=1))


@pytest.mark.parametrize(("head", "pixels"), [("sequence", True), ("relation", False)])
def test_every_column_has_its_residual(head: str, pixels: bool) -> None:
    found = jax.jit(net(head, blend_pixels=pixels).apply)(weights(head), FRAMES, STILLS)
    assert found.logits.shape == (2, 3) and found.residual.shape == (2, 20, 5)
    assert np.isfinite(found.residual).all()


@pytest.mark.parametrize("head", HEADS)
def test_training_draws_and_prediction_does_not(head: str) -> None:
    apply = jax.jit(lambda key: net(head).apply(weights(head), FRAMES, STILLS))
    np.testing.assert_array_equal(apply(jax.random.key(0)).residual, apply(jax.random.key(1)).residual)
    if head == "relation":
        # Of four frames there are several pairs and triples; of the sequence nothing is drawn without dropout.
        train = jax.jit(lambda key: net(head).apply(weights(head), FRAMES, STILLS, train=True, rngs={"subsets": key}))
        assert (np.asarray(train(jax.random.key(0)).residual) != np.asarray(train(jax.random.key(5)).residual)).any()


def test_a_sequence_knows_its_past_and_the_next_frame_only() -> None:
    head = HEADS["sequence"]
    x = jnp.asarray(RNG.standard_normal((2, 20, 6), np.float32))
    params = jax.jit(head.init)(jax.random.key(1), x)
    before, after = (np.asarray(jax.jit(head.apply)(params, rows).residual) for rows in (x, x.at[:, 12].add(1.0)))
    np.testing.assert_array_equal(before[:, :12], after[:, :12])
    assert (before[:, 12:] != after[:, 12:]).any()


def test_a_relation_knows_its_window_and_moves_with_it() -> None:
    head = HEADS["relation"]
    x = jnp.asarray(RNG.standard_normal((2, 20, 6), np.float32))
    params = jax.jit(head.init)(jax.random.key(1), x)
    run = jax.jit(head.apply)
    before, after = (np.asarray(run(params, rows).residual) for rows in (x, x.at[:, 10].add(1.0)))
    changed = np.flatnonzero((before != after).any(axis=(0, 2)))
    assert changed.min() >= 8 and changed.max() <= 11
    moved = np.asarray(run(params, jnp.roll(x, 3, axis=1)).residual)
    np.testing.assert_allclose(moved[:, 5:17], before[:, 2:14], atol=1e-5)


def test_ahead_moves_what_a_column_sees() -> None:
    apart = [
        np.asarray(jax.jit(net("relation", ahead=ahead).apply)(weights("relation"), FRAMES, STILLS).residual)
        for ahead in (0.0, 1.0)
    ]
    np.testing.assert_allclose(apart[1][:, 3:15], apart[0][:, 5:17], atol=1e-5)

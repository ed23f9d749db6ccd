"""Laws of the recurrent network: no step knows the future, without memory none knows the past, looks matter."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.impact_lstm import ImpactLSTM

B, T, MOTION, STILL = 2, 5, 7, 4
NET = ImpactLSTM(width=6, layers=2, sound=3, head_width=5)
MEMORYLESS = NET.clone(recurrent=False)


@functools.cache
def seen() -> tuple[jax.Array, jax.Array]:
    keys = jax.random.split(jax.random.key(0))
    return jax.random.uniform(keys[0], (B, T, MOTION)), jax.random.uniform(keys[1], (B, STILL))


@functools.cache
def weights() -> Any:
    shapes, rng = jax.eval_shape(NET.init, jax.random.key(1), *seen()), np.random.default_rng(0)
    return jax.tree.map(lambda leaf: rng.standard_normal(leaf.shape).astype(np.float32), shapes)


_predict, _forget = jax.jit(NET.apply), jax.jit(MEMORYLESS.apply)


def predict(motion: jax.Array, still: jax.Array) -> jax.Array:
    return _predict(weights(), motion, still)


def forget(motion: jax.Array, still: jax.Array) -> jax.Array:
    return _forget(weights(), motion, still)


def changed_steps(net: Any, frame: int) -> np.ndarray:
    motion, still = seen()
    change = net(motion.at[:, frame].add(2.0), still) - net(motion, still)
    return np.flatnonzero(np.abs(change).max(axis=(0, 2)) > 1e-5)


@pytest.mark.parametrize("layers", [1, 3])
def test_there_are_three_steps_a_frame(layers: int) -> None:
    net = NET.clone(layers=layers)
    assert jax.eval_shape(net.init_with_output, jax.random.key(0), *seen())[0].shape == (B, 3 * T, 3)


@pytest.mark.parametrize("frame", range(T))
def test_a_step_knows_frames_up_to_its_own(frame: int) -> None:
    np.testing.assert_array_equal(changed_steps(predict, frame), np.arange(3 * frame, 3 * T))


def test_a_step_may_know_some_frames_ahead() -> None:
    net, (motion, still) = NET.clone(ahead=2), seen()
    params = net.init(jax.random.key(0), motion, still)
    change = net.apply(params, motion.at[:, 3].add(2.0), still) - net.apply(params, motion, still)
    np.testing.assert_array_equal(np.flatnonzero(np.abs(change).max(axis=(0, 2)) > 1e-6), np.arange(3 * 1, 3 * T))


def test_a_glance_tells_all_steps_what_was_looked_at_in_any_frame() -> None:
    net, (motion, still) = NET.clone(glance=2), seen()
    params = net.init(jax.random.key(0), motion, still)
    sound = net.apply(params, motion, still)
    elsewhere = net.apply(params, motion.at[:, 3, 0].add(2.0), still) - sound
    assert np.abs(elsewhere[:, : 3 * 3]).max() < 1e-6
    looked_at = net.apply(params, motion.at[:, 3, -1].add(2.0), still) - sound
    assert np.abs(looked_at).max(axis=(0, 2)).min() > 1e-6


@pytest.mark.parametrize("frame", [0, 2, 4])
def test_without_memory_a_step_knows_its_own_frame_alone(frame: int) -> None:
    np.testing.assert_array_equal(changed_steps(forget, frame), np.arange(3 * frame, 3 * frame + 3))


@pytest.mark.parametrize("net", [predict, forget], ids=["memory", "none"])
def test_what_the_first_frame_looks_like_matters_to_all_steps(net: Any) -> None:
    motion, still = seen()
    change = np.abs(net(motion, still[:, ::-1]) - net(motion, still)).max(axis=-1)
    assert change.min() > 1e-5


def test_the_clips_of_a_batch_do_not_matter_to_each_other() -> None:
    motion, still = seen()
    np.testing.assert_allclose(predict(motion[:1], still[:1]), predict(motion, still)[:1], atol=1e-5)


def test_dropout_acts_in_training_alone_and_on_whole_clips() -> None:
    train = jax.jit(MEMORYLESS.clone(dropout=0.5).apply, static_argnames="train")
    motion, still = jnp.tile(seen()[0][:, :1], (1, T, 1)), seen()[1]
    first, other = (
        train(weights(), motion, still, train=True, rngs={"dropout": jax.random.key(seed)}) for seed in (0, 1)
    )
    assert np.abs(first - other).max() > 1e-4
    # Equal frames stay equal: the same features are dropped at all of them.
    np.testing.assert_allclose(first, np.broadcast_to(first[:, :1], first.shape), atol=1e-6)
    np.testing.assert_allclose(train(weights(), motion, still), forget(motion, still), atol=1e-6)


def test_the_papers_head_tunes_both_streams_full_layers() -> None:
    """pool5 of 6 x 6 cells and 256 channels goes in; fc6 and fc7 of each stream are trained."""
    net = ImpactLSTM(width=256, layers=2, sound=10, head="alexnet")
    pool5 = 6 * 6 * 256
    inputs = jax.ShapeDtypeStruct((2, 15, pool5), jnp.float32), jax.ShapeDtypeStruct((2, pool5), jnp.float32)
    made, variables = jax.eval_shape(net.init_with_output, jax.random.key(0), *inputs)
    assert made.shape == (2, 45, 10)
    heads = {name for name in variables["params"] if "alexnet" in name}
    assert heads == {"motion_alexnet", "still_alexnet"}
    for name in heads:
        sizes = {layer: leaves["kernel"].shape for layer, leaves in variables["params"][name].items()}
        assert sizes == {"full6": (pool5, 4096), "full7": (4096, 4096)}

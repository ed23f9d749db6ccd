"""Optimizers: schedule, clipping and the weight-decay mask do what their arguments say."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from vis2sound_jax.training.optim import adamw, apply_each, apply_gradients, init_each, mask_by_path, warmup_cosine
from vis2sound_jax.training.task import TrainState

PARAMS = {"block_0": {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}, "norm": {"scale": jnp.ones(2)}}


def test_mask_searches_paths() -> None:
    mask = mask_by_path(PARAMS, [r"^block_\d+/kernel$", "norm"])
    assert mask == {"block_0": {"kernel": True, "bias": False}, "norm": {"scale": True}}


def test_warmup_cosine_rises_peaks_and_falls() -> None:
    schedule = warmup_cosine(2.0, warmup_steps=10, total_steps=110, final_fraction=0.1)
    np.testing.assert_allclose([schedule(s) for s in (0, 5, 10, 60, 110, 500)], [0, 1, 2, 1.1, 0.2, 0.2], atol=1e-6)
    assert warmup_cosine(2.0, warmup_steps=0, total_steps=10)(0) == pytest.approx(2.0)


def test_only_masked_parameters_decay() -> None:
    optimizer = adamw(0.1, weight_decay=0.5)
    state = TrainState(step=jnp.int32(0), params=PARAMS, opt_state=optimizer.init(PARAMS))
    new = apply_gradients(state, jax.tree.map(jnp.zeros_like, PARAMS), optimizer)
    np.testing.assert_allclose(new.params["block_0"]["kernel"], 0.95, rtol=1e-6)
    np.testing.assert_array_equal(new.params["block_0"]["bias"], 1.0)
    np.testing.assert_array_equal(new.params["norm"]["scale"], 1.0)
    assert int(new.step) == 0


def test_clipping_bounds_the_moments() -> None:
    optimizer = adamw(0.1, b1=0.0, clip_norm=1.0)
    state = TrainState(step=jnp.int32(0), params=PARAMS, opt_state=optimizer.init(PARAMS))
    new = apply_gradients(state, jax.tree.map(lambda leaf: 100.0 * leaf, PARAMS), optimizer)
    moments = optax.tree_utils.tree_get(new.opt_state, "mu")
    assert float(optax.global_norm(moments)) == pytest.approx(1.0, rel=1e-5)


def test_networks_of_one_state_are_updated_each_by_itself() -> None:
    optimizer = optax.adam(0.1)
    params = {"one": {"w": jnp.ones(2)}, "other": {"w": jnp.ones(3)}}
    state = TrainState(jnp.int32(7), params, init_each(params, optimizer), {"kept": jnp.ones(1)})
    gradients = {"one": {"w": jnp.array([1.0, -2.0])}, "other": {"w": jnp.zeros(3)}}
    moved = apply_each(state, gradients, optimizer)
    np.testing.assert_allclose(moved.params["one"]["w"], [0.9, 1.1], atol=1e-6)
    np.testing.assert_array_equal(moved.params["other"]["w"], params["other"]["w"])
    assert set(moved.opt_state) == set(params)
    assert (moved.step, moved.variables) == (state.step, state.variables)

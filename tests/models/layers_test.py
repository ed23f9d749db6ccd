"""Laws of the shared layers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from vis2sound_jax.models.layers import BatchNorm, LayerNorm, Linear, group_norm


def test_linear_keeps_its_matrix_out_in() -> None:
    x = jax.random.normal(jax.random.key(0), (2, 3, 5))
    variables = Linear(7).init(jax.random.key(1), x)
    assert variables["params"]["weight"].shape == (7, 5)
    np.testing.assert_allclose(jax.jit(Linear(7).apply)(variables, x), x @ variables["params"]["weight"].T, atol=1e-6)


@pytest.mark.parametrize("layer", [Linear(7), LayerNorm()], ids=["linear", "norm"])
def test_columns_are_rows_on_their_side(layer: nn.Module) -> None:
    x = 3.0 + jax.random.normal(jax.random.key(0), (4, 5))
    variables = jax.tree.map(lambda leaf: leaf + 0.5, layer.init(jax.random.key(1), x))
    by_column = jax.jit(functools.partial(layer.apply, columns=True))(variables, x.T)
    np.testing.assert_allclose(by_column, layer.apply(variables, x).T, atol=1e-5)
    started = layer.init(jax.random.key(1), x.T, columns=True)
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a.shape, b.shape), started, variables)


def test_layer_norm_is_flaxs() -> None:
    x = 3.0 + jax.random.normal(jax.random.key(0), (2, 3, 8))
    theirs = nn.LayerNorm(epsilon=1e-5, use_fast_variance=False)
    variables = jax.tree.map(lambda leaf: leaf + 0.5, theirs.init(jax.random.key(0), x))
    np.testing.assert_allclose(LayerNorm().apply(variables, x), theirs.apply(variables, x), atol=1e-6)


@pytest.mark.parametrize(("channels", "groups"), [(128, 32), (48, 16), (10, 2)])
def test_group_norm_has_32_groups_where_they_divide(channels: int, groups: int) -> None:
    x = 3.0 + jax.random.normal(jax.random.key(0), (2, 4, 6, channels))
    norm = group_norm(channels, "norm")
    y = jax.jit(norm.apply)(norm.init(jax.random.key(0), x), x).reshape(2, -1, groups, channels // groups)
    np.testing.assert_allclose(y.mean(axis=(1, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(1, 3)), 1.0, atol=1e-4)


def test_batch_norm_normalises_and_moves_towards_unbiased_variance() -> None:
    x = 2.0 + 3.0 * jax.random.normal(jax.random.key(0), (5, 4, 3))
    norm = BatchNorm()
    variables = norm.init(jax.random.key(0), x, use_running_average=False)
    np.testing.assert_array_equal(variables["batch_stats"]["var"], 1.0)  # init does not count as a batch
    y, updated = norm.apply(variables, x, use_running_average=False, mutable=["batch_stats"])
    np.testing.assert_allclose(y.mean(axis=(0, 1)), 0.0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(0, 1)), 1.0, atol=1e-4)
    rows = np.asarray(x).reshape(-1, 3)
    stats = updated["batch_stats"]
    np.testing.assert_allclose(stats["mean"], 0.1 * rows.mean(0), rtol=1e-5)
    np.testing.assert_allclose(stats["var"], 0.9 + 0.1 * rows.var(0, ddof=1), rtol=1e-5)


def test_batch_norm_with_the_batch_as_running_average_is_the_same() -> None:
    x = jax.random.normal(jax.random.key(0), (8, 3))
    norm = BatchNorm()
    params = norm.init(jax.random.key(0), x, use_running_average=True)["params"]
    stored = {"params": params, "batch_stats": {"mean": jnp.mean(x, 0), "var": jnp.var(x, 0)}}
    by_store, by_batch = (
        jax.jit(functools.partial(norm.apply, use_running_average=mode))(stored, x) for mode in (True, False)
    )
    np.testing.assert_allclose(by_store, by_batch, atol=1e-6)

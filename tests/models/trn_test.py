"""Laws of temporal relations: which subsets there are, how they are drawn, the order of time."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.trn import TRN, MultiScaleTRN, drawn_subsets, fixed_subsets, subset_table

B, N, D, C = 2, 5, 3, 4
FILM = jnp.asarray(np.random.default_rng(0).standard_normal((B, N, D), np.float32))


def drawn(model: Any, x: jax.Array) -> Any:
    rng = np.random.default_rng(1)
    shapes = jax.eval_shape(model.init, jax.random.key(0), x)
    return jax.tree.map(lambda s: jnp.asarray(rng.standard_normal(s.shape, np.float32)), shapes)


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_the_table_has_every_ordered_subset_once(scale: int) -> None:
    table = subset_table(N, scale)
    assert [tuple(row) for row in table] == list(itertools.combinations(range(N), scale))


def test_fixed_subsets_are_always_the_same_and_spread() -> None:
    subsets = fixed_subsets(8)
    assert [s.shape for s in subsets] == [(1, 8), *((3, s) for s in range(7, 1, -1))]
    assert all(len(np.unique(s, axis=0)) == len(s) for s in subsets)
    places = [subset_table(8, 4).tolist().index(row.tolist()) for row in subsets[4]]
    np.testing.assert_array_equal(places, [17, 34, 52])


def test_drawn_subsets_are_distinct_and_follow_the_key() -> None:
    draw = jax.jit(drawn_subsets, static_argnums=(1, 2))
    one, same, other = (draw(jax.random.key(k), 8, 3) for k in (0, 0, 1))
    for scale, (a, b) in enumerate(zip(one, same, strict=True)):
        np.testing.assert_array_equal(a, b)
        assert len(np.unique(a, axis=0)) == len(a) == (1 if scale == 0 else 3)
        assert (np.diff(a, axis=1) > 0).all()
    assert any((np.asarray(a) != np.asarray(b)).any() for a, b in zip(one, other, strict=True))


def test_it_is_the_sum_of_its_relations() -> None:
    model = MultiScaleTRN(C, bottleneck=7)
    params = drawn(model, FILM)["params"]
    total = 0
    for k, rows in enumerate(fixed_subsets(N)):
        p = params[f"scale_{k}"]
        for row in rows:
            x = np.maximum(np.asarray(FILM)[:, row].reshape(B, -1), 0) @ p["enter"]["kernel"] + p["enter"]["bias"]
            total = total + np.maximum(x, 0) @ p["leave"]["kernel"] + p["leave"]["bias"]
    np.testing.assert_allclose(model.apply({"params": params}, FILM), total, rtol=2e-4, atol=1e-4)


def test_windows_are_compared_one_by_one() -> None:
    model = MultiScaleTRN(C)
    windows = jnp.stack([FILM, 2 * FILM, -FILM], axis=1)
    variables = drawn(model, FILM)
    apart = jnp.stack([model.apply(variables, windows[:, k]) for k in range(3)], axis=1)
    np.testing.assert_allclose(model.apply(variables, windows), apart, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("model", [TRN(C), MultiScaleTRN(C)])
def test_the_order_of_time_matters(model: Any) -> None:
    variables = drawn(model, FILM)
    forward, backward = (model.apply(variables, film) for film in (FILM, FILM[:, ::-1]))
    assert np.abs(np.asarray(forward - backward)).max() > 0.1


def test_training_draws_and_evaluation_does_not() -> None:
    model = MultiScaleTRN(C)
    variables = drawn(model, jnp.ones((1, 8, D)))
    x = jnp.asarray(np.random.default_rng(2).standard_normal((B, 8, D), np.float32))
    train = jax.jit(lambda key: model.apply(variables, x, train=True, rngs={"subsets": key}))
    one, other = train(jax.random.key(0)), train(jax.random.key(1))
    assert (np.asarray(one) != np.asarray(other)).any()
    np.testing.assert_array_equal(model.apply(variables, x), model.apply(variables, x, fixed_subsets(8)))

"""Laws of the video network; its numbers are tested in golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.models.r2plus1d import R2Plus1D

MODEL = R2Plus1D((2, 2, 4, 6))
apply = jax.jit(functools.partial(MODEL.apply, use_running_average=True))


@functools.cache
def clip_and_variables() -> tuple[jax.Array, dict[str, Any]]:
    """Random weights; drawn by numpy because compiling `init` takes many times longer."""
    rng = np.random.default_rng(0)
    clip = jnp.asarray(rng.standard_normal((2, 5, 20, 16, 3), np.float32))
    init = functools.partial(MODEL.init, use_running_average=True)
    shapes = jax.eval_shape(init, jax.random.key(0), clip)
    weights = jax.tree.map(lambda s: jnp.asarray(0.3 * rng.standard_normal(s.shape, np.float32)), shapes)
    statistics = jax.tree.map(lambda x: 1.0 + jnp.abs(x), weights["batch_stats"])
    return clip, {"params": weights["params"], "batch_stats": statistics}


def test_every_frame_gets_a_feature() -> None:
    clip, variables = clip_and_variables()
    features = apply(variables, clip)
    assert features.shape == (2, 5, 6)
    assert (jnp.std(features, axis=1) > 1e-3).any()


def test_with_stored_statistics_examples_do_not_mix() -> None:
    clip, variables = clip_and_variables()
    features = apply(variables, clip)
    np.testing.assert_allclose(apply(variables, clip[:1]), features[:1], atol=1e-5)


def test_a_reversed_film_through_reversed_kernels_gives_reversed_features() -> None:
    clip, variables = clip_and_variables()
    turned = jax.tree_util.tree_map_with_path(
        lambda path, x: x[::-1] if any(p.key == "temporal" for p in path) else x, variables
    )
    np.testing.assert_allclose(apply(turned, clip[:, ::-1]), apply(variables, clip)[:, ::-1], atol=1e-5)


def test_the_paper_size_has_the_paper_parameter_count() -> None:
    init = functools.partial(R2Plus1D().init, use_running_average=True)
    params = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 30, 112, 112, 3)))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 31_300_125

"""Metrics: merging sums and counts equals measuring everything at once."""

import math

import jax
import numpy as np

from vis2sound_jax.training.task import Metrics


def test_merge_equals_the_whole() -> None:
    values = np.random.default_rng(0).normal(size=10).astype(np.float32)
    first = Metrics.from_means(3, loss=values[:3].mean())
    second = Metrics.from_means(7, loss=values[3:].mean())
    np.testing.assert_allclose(first.merge(second).means()["loss"], values.mean(), rtol=1e-5)


def test_sums_pass_through_jit_and_keep_their_own_counts() -> None:
    metrics = jax.jit(lambda x: Metrics.from_sums(loss=(x.sum(), x.size), hits=(3, 4)))(np.ones(8))
    assert metrics.means() == {"loss": 1.0, "hits": 0.75}


def test_nothing_counted_is_nan() -> None:
    assert math.isnan(Metrics.from_sums(hits=(0, 0)).means()["hits"])

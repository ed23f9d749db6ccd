"""Laws of the sampling rules."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.decoding.sampling import greedy, guided, keep_top_k, keep_top_p, restrict, sample

LOGITS = jax.random.normal(jax.random.key(0), (64, 9))


@pytest.mark.parametrize("rule", [{"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-4}])
def test_the_sharpest_rules_are_greedy(rule: dict[str, Any]) -> None:
    np.testing.assert_array_equal(sample(jax.random.key(1), LOGITS, **rule), greedy(LOGITS))


@pytest.mark.parametrize("rule", [{}, {"top_k": 9}, {"top_k": 1024}, {"top_p": 1.0}, {"temperature": 1.0}])
def test_the_widest_rules_change_nothing(rule: dict[str, Any]) -> None:
    np.testing.assert_array_equal(restrict(LOGITS, **rule), LOGITS)


def test_top_k_keeps_ties() -> None:
    kept = keep_top_k(jnp.array([3.0, 1.0, 2.0, 2.0, 0.0]), 2)
    np.testing.assert_array_equal(kept, [3.0, -np.inf, 2.0, 2.0, -np.inf])


def test_top_p_keeps_the_smallest_set_that_reaches_p() -> None:
    logits = jnp.log(jnp.array([0.1, 0.5, 0.15, 0.25]))
    for p, kept in ((0.4, {1}), (0.6, {1, 3}), (0.8, {1, 2, 3}), (0.95, {0, 1, 2, 3})):
        assert set(np.flatnonzero(np.isfinite(keep_top_p(logits, p)))) == kept


def test_temperature_acts_before_the_restrictions() -> None:
    flat = restrict(LOGITS, temperature=100.0, top_p=0.5)
    assert (np.isfinite(flat).sum(-1) >= 4).all()


def test_draws_follow_the_distribution_that_is_left() -> None:
    logits = jnp.tile(jnp.log(jnp.array([0.5, 0.3, 0.15, 0.05])), (20_000, 1))
    drawn = np.bincount(sample(jax.random.key(2), logits, top_k=2), minlength=4) / 20_000
    np.testing.assert_allclose(drawn, [0.625, 0.375, 0.0, 0.0], atol=0.015)


def test_guidance_scale_zero_and_one_are_its_two_ends() -> None:
    other = LOGITS[::-1]
    np.testing.assert_allclose(guided(LOGITS, other, 0.0), other, atol=1e-6)
    np.testing.assert_allclose(guided(LOGITS, other, 1.0), LOGITS, atol=1e-6)

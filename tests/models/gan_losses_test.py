"""Laws of adversarial losses; the codec's numbers are tested in gan_golden_test."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.discriminators import Judged
from vis2sound_jax.models.gan_losses import (
    adaptive_weight,
    codec_loss,
    feature_matching_loss,
    hinge_loss,
    judged_adversarial_loss,
    judged_hinge_loss,
    vanilla_loss,
)

MEL, PRE = jax.random.normal(jax.random.key(0), (2, 2, 3, 4))
SCALE = jnp.asarray(0.7)


def test_a_discriminator_that_knows_nothing_and_one_that_knows() -> None:
    zero = jnp.zeros((2, 3))
    assert hinge_loss(zero, zero) == 1
    assert vanilla_loss(zero, zero) == pytest.approx(np.log(2))
    assert hinge_loss(zero + 1, zero - 1) == 0
    assert hinge_loss(zero - 1, zero + 1) == 2
    assert vanilla_loss(zero + 50, zero - 50) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("limits", "expected"), [((0.0, 1e4), 0.8 * 2.5), ((1.0, 1.0), 0.8), ((0.0, 2.0), 1.6)])
def test_the_weight_balances_gradients_within_its_limits(limits: tuple[float, float], expected: float) -> None:
    found = adaptive_weight(jnp.array([3.0, 4.0]), jnp.array([0.0, 2.0]), limits)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("factor", [0.0, 1.0])
def test_the_gradient_is_that_of_the_total_with_a_constant_weight(factor: float) -> None:
    parts = {"distance": lambda a, b: jnp.mean((a - b) ** 2, (1, 2)), "judge": lambda x: jnp.sin(x) + x[:, :1]}
    made, pull = jax.vjp(lambda scale: jnp.tanh(scale * PRE), SCALE)
    found = codec_loss(made, MEL, **parts, pull_to_last_layer=pull, limits=(0.0, 1e4), factor=factor)

    def total(x: jax.Array) -> jax.Array:
        error = jnp.mean(jnp.abs(x - MEL)) + jnp.mean(parts["distance"](MEL, x))
        return error - found.weight * factor * jnp.mean(parts["judge"](x))

    np.testing.assert_allclose(found.total, total(made), rtol=1e-6)
    np.testing.assert_allclose(found.gradient, jax.grad(total)(made), atol=1e-7)
    errors = jax.grad(lambda scale: -jnp.mean(parts["judge"](jnp.tanh(scale * PRE))))(SCALE)
    known = jax.grad(lambda scale: total(jnp.tanh(scale * PRE)))(SCALE) - found.weight * factor * errors
    np.testing.assert_allclose(found.weight, 0.8 * jnp.abs(known) / (jnp.abs(errors) + 1e-4), rtol=1e-4)


def test_without_a_distance_the_error_is_absolute() -> None:
    made, pull = jax.vjp(lambda scale: scale * PRE, SCALE)
    found = codec_loss(
        made, MEL, distance=None, judge=jnp.square, pull_to_last_layer=pull, limits=(0.0, 1e4), factor=0.0
    )
    np.testing.assert_allclose(found.total, jnp.mean(jnp.abs(made - MEL)), rtol=1e-6)
    assert found.distance == 0


def judged(value: float) -> list[Judged]:
    return [Judged([jnp.full((1, n, 2), value * n)], jnp.full((1, 4), value)) for n in (1, 3)]


def test_rates_of_a_vocoder_are_summed() -> None:
    assert judged_hinge_loss(judged(0.0), judged(0.0)) == 4
    assert judged_adversarial_loss(judged(0.25)) == -0.5
    assert feature_matching_loss(judged(1.0), judged(3.0)) == 2 * (1 + 3)
    to_real = jax.grad(lambda value: feature_matching_loss(judged(value), judged(3.0)))(1.0)
    assert to_real == 0

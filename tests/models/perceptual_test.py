"""Laws of the network that names sounds and of the distance made of it; numbers are tested in gan_golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.vggishish import Vggishish

CHANNELS = (2, 2, 3, 3, 4)
DISTANCE, NAMER = Lpaps(CHANNELS), Vggishish(classes=3, channels=CHANNELS, hidden=6)
MEL, OTHER = jax.random.uniform(jax.random.key(1), (2, 2, 16, 32), minval=-1.0)
measure = jax.jit(DISTANCE.apply)


@functools.cache
def variables() -> dict[str, Any]:
    return jax.jit(DISTANCE.init)(jax.random.key(0), MEL, OTHER)


def test_equal_sounds_have_no_distance_and_order_does_not_matter() -> None:
    np.testing.assert_allclose(measure(variables(), MEL, MEL), 0, atol=1e-12)
    there, back = measure(variables(), MEL, OTHER), measure(variables(), OTHER, MEL)
    assert (there > 0).all()
    np.testing.assert_allclose(there, back, rtol=1e-5)
    np.testing.assert_allclose(measure(variables(), MEL[:1], OTHER[:1]), there[:1], rtol=1e-4)


def test_bands_are_standardised_by_the_constants() -> None:
    moved = variables() | {"constants": {"shift": jnp.full(16, 0.5), "scale": jnp.full(16, 2.0)}}
    found = measure(moved, 2 * MEL + 0.5, 2 * OTHER + 0.5)
    np.testing.assert_allclose(found, measure(variables(), MEL, OTHER), rtol=1e-4)


def test_dropout_follows_its_key() -> None:
    first, again, other = (measure(variables(), MEL, OTHER, dropout_key=jax.random.key(k)) for k in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    many = [measure(variables(), MEL, OTHER, dropout_key=jax.random.key(k)) for k in range(60)]
    np.testing.assert_allclose(np.mean(many, axis=0), measure(variables(), MEL, OTHER), rtol=0.15)


def test_silent_features_leave_gradients_finite() -> None:
    gradient = jax.jit(jax.grad(lambda x: DISTANCE.apply(variables(), x, OTHER).sum()))(jnp.zeros_like(MEL))
    assert jnp.isfinite(gradient).all()


def test_sounds_of_any_length_are_named() -> None:
    start = jax.jit(NAMER.init)(jax.random.key(0), MEL)
    assert start["params"]["full1"]["kernel"].shape == (5 * 10 * CHANNELS[-1], 6)
    run = jax.jit(NAMER.apply)
    assert run(start, MEL).shape == run(start, jnp.zeros((2, 80, 160))).shape == (2, 3)


def test_the_released_classifier_has_its_parameter_count() -> None:
    shapes = jax.eval_shape(Vggishish(classes=17).init, jax.random.key(0), jnp.zeros((1, 80, 160)))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 136_426_193
    shapes = jax.eval_shape(Lpaps().init, jax.random.key(0), jnp.zeros((1, 80, 160)), jnp.zeros((1, 80, 160)))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) == 14_715_008


def test_sounds_too_small_are_refused() -> None:
    with pytest.raises(UserError, match="16 bands x 15 frames is too small"):
        NAMER.apply({}, MEL[:, :, :15])

"""Laws of the losses: the alignment is the best of all, costs nothing where nothing moved, and is a constant."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.models.losses import (
    IMPACT_GAIN,
    MAX_SHIFT,
    ROBUST_EPSILON,
    aligned_prediction,
    impact_weights,
    robust_loss,
    shifted,
    time_shift,
)

align = jax.jit(time_shift, static_argnames="max_shift")


@functools.partial(jax.jit, static_argnames="max_shift")
def judge(truth, prediction, norm, max_shift=MAX_SHIFT, alpha=IMPACT_GAIN):
    """The loss of a detection model that learns by the robust error alone, and its shifts."""
    moved, shifts = aligned_prediction(truth, prediction, norm, max_shift=max_shift, alpha=alpha)
    distance2 = jnp.sum((moved - truth) ** 2, axis=-1)
    return (impact_weights(norm, alpha=alpha) * robust_loss(distance2)).sum(axis=-1), shifts


def energy(truth, prediction, norm, path, alpha=3.0, tau=2.2):
    """The energy of Eq. 5, written once more and without jax."""
    total = 0.0
    for t, shift in enumerate(path):
        away = prediction[min(max(t + shift, 0), len(truth) - 1)] - truth[t]
        total += (1 + alpha * (norm[t] >= tau)) * np.log(1 / 625 + away @ away)
        if t and shift != path[t - 1]:
            total += 0.5 * (norm[t - 1] + norm[t])
    return total


def random_case(seed, t=6, k=3, scale=1.0):
    rng = np.random.default_rng(seed)
    truth, prediction = scale * rng.standard_normal((2, t, k)).astype(np.float32)
    return truth, prediction, rng.uniform(0, 3, t).astype(np.float32)


def bumps(t=90, k=5, at=(20, 45, 70), seed=0):
    """Impacts: a jump and a decay, on a quiet floor of noise."""
    rng = np.random.default_rng(seed)
    steps = np.arange(t)[:, None]
    level = sum(np.where(steps >= a, np.exp(-(steps - a) / 5.0), 0.0) for a in at)
    return (level * rng.uniform(0.8, 1.5, k) + 0.05 * rng.standard_normal((t, k))).astype(np.float32)


@pytest.mark.parametrize("max_shift", [0, 1, 2])
def test_no_path_is_cheaper(max_shift):
    cases = [random_case(seed, t=5, scale=[0.03, 0.3, 1.0, 3.0][seed % 4]) for seed in range(8)]
    found = align(*(np.stack(part) for part in zip(*cases, strict=True)), max_shift=max_shift)
    assert np.abs(found).max() <= max_shift
    for case, path in zip(cases, np.asarray(found), strict=True):
        every = itertools.product(range(-max_shift, max_shift + 1), repeat=5)
        np.testing.assert_allclose(energy(*case, path), min(energy(*case, other) for other in every), rtol=1e-5)


@pytest.mark.parametrize("shift", [-8, -3, 5, 8])
def test_a_known_shift_is_recovered(shift):
    truth = bumps()
    prediction = np.roll(truth, shift, axis=0)
    norm = np.linalg.norm(truth, axis=1)
    found = np.asarray(align(truth, prediction, norm))
    np.testing.assert_array_equal(found[10:80], shift)
    far = np.asarray(align(truth, prediction, norm, max_shift=2))
    assert np.abs(far).max() <= 2


def test_each_impact_may_have_its_own_shift():
    truth, prediction = bumps(at=(20, 70)), bumps(at=(24, 67))
    found = np.asarray(align(truth, prediction, np.linalg.norm(truth, axis=1)))
    assert (found[20:25] == 4).all() and (found[70:75] == -3).all()


def test_equal_sequences_are_not_shifted():
    truth = bumps()
    norm = np.linalg.norm(truth, axis=1)
    assert not np.asarray(align(truth, truth, norm)).any()
    silence = np.zeros_like(truth)
    assert not np.asarray(align(silence, silence, np.zeros_like(norm))).any()
    loss, _ = judge(truth, truth, norm, alpha=0.0)
    np.testing.assert_allclose(loss, len(truth) * np.log(ROBUST_EPSILON), rtol=1e-6)


def test_batches_are_independent_and_may_be_mapped():
    cases = [random_case(seed, t=12) for seed in range(4)]
    truth, prediction, norm = (np.stack(part) for part in zip(*cases, strict=True))
    whole = align(truth, prediction, norm, max_shift=3)
    mapped = jax.jit(jax.vmap(lambda *one: time_shift(*one, max_shift=3)))(truth, prediction, norm)
    np.testing.assert_array_equal(whole, mapped)
    for k, case in enumerate(cases):
        np.testing.assert_array_equal(whole[k], align(*case, max_shift=3))


def test_without_shifts_and_weights_it_is_the_plain_loss():
    truth, prediction, norm = random_case(0, t=20)
    loss, shifts = judge(truth, prediction, norm, max_shift=0, alpha=0.0)
    assert not np.asarray(shifts).any()
    plain = robust_loss(jnp.sum((prediction - truth) ** 2, axis=-1)).sum()
    np.testing.assert_allclose(loss, plain, rtol=1e-6)
    aligned, _ = judge(prediction=prediction, truth=truth, norm=0 * norm)
    assert aligned < loss


def test_weights_mark_impacts():
    np.testing.assert_array_equal(impact_weights(jnp.array([0.0, 2.0, 2.2, 9.0])), [1, 1, 4, 4])


def test_the_pull_is_strongest_at_a_25th_and_vanishes_far_away():
    pull = jax.vmap(jax.grad(lambda r: robust_loss(r**2)))(jnp.linspace(0, 1, 101))
    assert pull[0] == 0 and jnp.argmax(pull) == 4
    np.testing.assert_allclose(pull[50], 2 * 0.5 / (1 / 625 + 0.25), rtol=1e-5)


def test_gradients_flow_into_the_shifted_prediction_only():
    truth, prediction, norm = random_case(3, t=10)

    def held(prediction, shifts):
        distance2 = ((shifted(prediction, shifts) - truth) ** 2).sum(-1)
        return (impact_weights(norm) * jnp.log(1 / 625 + distance2)).sum()

    gradient, shifts = jax.grad(lambda p: judge(truth, p, norm, max_shift=2), has_aux=True)(prediction)
    assert np.asarray(shifts).any()
    np.testing.assert_allclose(gradient, jax.grad(held)(prediction, shifts), rtol=1e-6)
    unused = sorted(set(range(10)) - set(np.clip(np.arange(10) + np.asarray(shifts), 0, 9).tolist()))
    assert not np.asarray(gradient)[unused].any()


@pytest.mark.parametrize("scale", [0.0, 1e-20, 1.0, 1e6])
def test_everything_is_finite(scale):
    truth, prediction, norm = random_case(1, t=30, scale=scale)
    (loss, _), gradient = jax.value_and_grad(lambda p: judge(truth, p, scale * norm), has_aux=True)(prediction)
    assert np.isfinite(loss) and np.isfinite(gradient).all()

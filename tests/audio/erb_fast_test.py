"""Laws of the fast cochleagram: near the exact one for all lengths and rates, same ends, gradients, batches."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.audio import erb, erb_fast, erb_plan


def sound(n: int, seed: int = 0) -> jax.Array:
    """Noise with two strokes, one of them at the very end."""
    at = jnp.arange(n)
    strokes = sum(jnp.where(at >= t, jnp.exp(-(at - t) / 400.0), 0.0) for t in (n // 3, n - n // 20))
    return jax.random.normal(jax.random.key(seed), (n,)) * (0.01 + 0.2 * strokes)


def both(wav: jax.Array, spec: erb.ErbSpec) -> tuple[np.ndarray, np.ndarray]:
    exact = jax.jit(lambda x: erb.lower_rate(erb.envelopes(x, spec), spec))
    return np.asarray(jax.jit(lambda x: erb_fast.fast_envelopes(x, spec))(wav)), np.asarray(exact(wav))


@pytest.mark.parametrize(
    ("n", "rate_hz", "envelope_hz"),
    [
        (7350, 22050, 90),  # whole steps
        (7351, 22050, 90),  # a prime
        (15001, 44100, 90),
        (6000, 24000, 400),
        (8008, 24000, Fraction(3 * 30000, 1001)),
        (19200, 96000, 90),  # 3 / 3200
        (1200, 22050, 90),
        (200, 22050, 90),  # less than a step
    ],
)
def test_envelopes_are_the_exact_ones(n: int, rate_hz: int, envelope_hz: int | Fraction) -> None:
    spec = erb.ErbSpec(rate_hz, bands=8, envelope_hz=envelope_hz)
    fast, exact = both(sound(n), spec)
    assert fast.shape == exact.shape and fast.min() >= 0
    assert np.linalg.norm(fast - exact) <= 2e-4 * np.linalg.norm(exact)
    ends = np.s_[:, [0, -1]]  # the sum over samples stops there, that over points would stop elsewhere
    assert np.linalg.norm(fast[ends] - exact[ends]) <= 2e-4 * np.linalg.norm(exact[ends])


@pytest.mark.parametrize("factor", [1, 2])
def test_other_filterbanks(factor: int) -> None:
    spec = erb.ErbSpec(16000, 12, 0.0, 8000.0, sample_factor=factor)
    fast, exact = both(sound(4001), spec)
    assert np.linalg.norm(fast - exact) <= 2e-4 * np.linalg.norm(exact)


def test_every_channel_is_planned_once_with_its_whole_band() -> None:
    spec = erb.ErbSpec(44100)
    groups = [group for raster in erb_plan.plan(spec, 22050) for group in raster.groups]
    assert sorted(channel for group in groups for channel in group.channels) == list(range(42))
    exact = erb.erb_filters(spec, 22050)
    for group in groups:
        for channel, first, gains in zip(group.channels, group.first, group.gains, strict=True):
            padded = np.pad(exact[channel], (0, len(gains)))
            np.testing.assert_allclose(
                group.split * gains.sum(), 2 * exact[channel, 1:-1].sum() + exact[channel, [0, -1]].sum()
            )
            np.testing.assert_allclose(padded[first : first + len(gains)].sum(), exact[channel].sum())


@pytest.mark.parametrize(("least", "smooth"), [(1, 1), (7, 8), (11, 12), (180, 180), (901, 960), (1001, 1024)])
def test_lengths_that_transforms_are_fast_for(least: int, smooth: int) -> None:
    assert erb_plan.smooth_at_least(least) == smooth


@pytest.mark.parametrize("spacing", [1.0, 7.5])
def test_end_weights_make_two_sums_agree(spacing: float) -> None:
    f = lambda t: np.exp(-((t - 30) ** 2) / 5000.0)  # noqa: E731
    near = np.arange(-erb_plan.END_POINTS, erb_plan.END_POINTS + 1)
    coarse = f(np.arange(0, 1000) * spacing).sum() + erb_plan.end_weights(spacing) @ f(near * spacing)
    np.testing.assert_allclose(spacing * coarse, f(np.arange(0, 7000)).sum(), rtol=1e-7)


def test_whole_steps_of_shift_shift_the_envelopes_away_from_the_ends() -> None:
    spec = erb.ErbSpec(18000, bands=8, high_hz=8000.0)  # 200 samples a step
    wav, envelopes = sound(9000), jax.jit(lambda x: erb_fast.fast_envelopes(x, spec))
    found, shifted = envelopes(wav), envelopes(jnp.roll(wav, 600))
    # Beyond the ends the filter that lowers the rate sees silence, ten steps far.
    np.testing.assert_allclose(shifted[:, 14:-11], found[:, 11:-14], atol=2e-6)


def test_a_batch_is_its_sounds_and_gradients_are_finite_even_in_silence() -> None:
    spec = erb.ErbSpec(16000, 4, 50.0, 8000.0)
    wavs = jnp.stack([sound(3201), jnp.zeros(3201)])
    found = jax.jit(lambda x: erb_fast.fast_cochleagrams(x, spec))(wavs)
    single = jax.jit(lambda x: erb_fast.fast_cochleagram(x, spec))
    back = jax.jit(jax.grad(lambda x: erb_fast.fast_cochleagram(x, spec).sum()))
    for one, wav in zip(found, wavs, strict=True):
        np.testing.assert_allclose(one, single(wav), atol=1e-6)
        assert jnp.isfinite(back(wav)).all()
    np.testing.assert_array_equal(found[1], 0)


@pytest.mark.parametrize("change", [{"compress_first": True}, {"envelope_hz": 20000}])
def test_what_cannot_be_faster_is_exact(change: dict) -> None:
    spec = erb.ErbSpec(16000, 5, 50.0, 8000.0, **change)
    np.testing.assert_allclose(
        erb_fast.fast_cochleagram(sound(400), spec), erb.cochleagram(sound(400), spec), atol=1e-6
    )

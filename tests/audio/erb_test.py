"""Laws of cochleagrams: perfect reconstruction, envelopes of tones, shifts, silence, other lengths and rates."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from vis2sound_jax.audio import erb
from vis2sound_jax.audio.resample import output_length, resample_poly
from vis2sound_jax.errors import UserError

SPEC = erb.ErbSpec(rate_hz=16000, bands=20, low_hz=50.0, high_hz=8000.0)


def noise(n: int, seed: int = 0) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), (n,)) * 0.1


@pytest.mark.parametrize("n", [800, 801])
@pytest.mark.parametrize("factor", [1, 2, 4])
def test_filtering_twice_and_adding_gives_the_sound_back(n: int, factor: int) -> None:
    spec = erb.ErbSpec(16000, 20, 50.0, 8000.0, sample_factor=factor)
    filters = erb.erb_filters(spec, n)
    assert filters.shape == (spec.channels, n // 2 + 1)
    np.testing.assert_allclose((filters**2).sum(0), 1.0, atol=1e-12)
    np.testing.assert_allclose(erb.collapse(erb.subbands(noise(n), spec), spec), noise(n), atol=1e-6)


def test_a_tone_fills_the_channel_of_its_frequency_with_its_amplitude() -> None:
    centres = erb.centre_frequencies(SPEC)
    k = 12
    hz = round(centres[k] / 20) * 20  # whole periods in the clip
    tone = 0.3 * jnp.sin(2 * jnp.pi * hz * jnp.arange(1600) / 16000)
    found = erb.envelopes(tone, SPEC)
    assert int(found.mean(1).argmax()) == k
    np.testing.assert_allclose(jnp.sqrt((found**2).sum(0)), 0.3, rtol=1e-3)
    np.testing.assert_allclose(found[k], found[k, 0], rtol=1e-3)


def test_a_shifted_sound_has_shifted_envelopes() -> None:
    shifted = erb.envelopes(jnp.roll(noise(1001), 37), SPEC)
    np.testing.assert_allclose(shifted, jnp.roll(erb.envelopes(noise(1001), SPEC), 37, axis=1), atol=1e-6)


@pytest.mark.parametrize("first", [False, True])
def test_cochleagrams_are_not_negative_and_their_gradients_finite_even_in_silence(first: bool) -> None:
    spec = erb.ErbSpec(16000, 20, 50.0, 8000.0, compress_first=first)
    for wav in (noise(1600), jnp.zeros(1600)):
        found, back = jax.vjp(lambda x: erb.cochleagram(x, spec), wav)
        assert found.shape == (22, spec.frames_for(1600)) == (22, 9) and found.min() >= 0
        assert jnp.isfinite(back(jnp.ones_like(found))[0]).all()


def test_three_steps_a_frame_of_any_rate() -> None:
    spec = erb.ErbSpec(16000, 20, 50.0, 8000.0, envelope_hz=Fraction(3 * 30000, 1001))
    assert spec.frames_for(16016) == 90
    assert erb.cochleagram(noise(16016), spec).shape == (22, 90)


def test_imposed_envelopes_come_nearer_with_every_round() -> None:
    wanted = erb.cochleagram(noise(3200) * jnp.exp(-jnp.arange(3200) / 600), SPEC)
    errors = []
    for rounds in (1, 4):
        made = erb.impose(wanted, noise(3200, 1), SPEC, iterations=rounds)
        assert made.shape == (3200,)
        errors.append(float(jnp.linalg.norm(erb.cochleagram(made, SPEC) - wanted) / jnp.linalg.norm(wanted)))
    assert errors[1] < errors[0] < 0.6


@pytest.mark.parametrize(
    ("n", "up", "down"), [(500, 1, 7), (501, 3, 20), (40, 11, 1), (300, 6, 4), (9, 1, 1), (5, 1, 9)]
)
def test_resampling_is_scipys(n: int, up: int, down: int) -> None:
    x = np.asarray(noise(n))
    ours = resample_poly(jnp.asarray(x), up, down)
    np.testing.assert_allclose(ours, scipy.signal.resample_poly(x.astype(float), up, down), atol=2e-7)
    assert len(ours) == output_length(n, up, down)


def test_limits_beyond_the_rate_are_refused() -> None:
    with pytest.raises(UserError, match="from 20 to 10000 Hz does not fit a rate of 16000 Hz; choose limits between"):
        erb.ErbSpec(rate_hz=16000)

"""Cochleagrams of other programs: resampling by FFT, lengths, and what they cannot do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from vis2sound_jax.audio import erb, erb_variants
from vis2sound_jax.audio.resample import fft_resample
from vis2sound_jax.errors import UserError


def noise(*shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(0), shape) * 0.1


@pytest.mark.parametrize(
    ("n", "m"), [(100, 40), (100, 41), (101, 40), (101, 41), (40, 100), (41, 100), (41, 41), (6, 1)]
)
def test_resampling_by_fft_is_scipys(n: int, m: int) -> None:
    x = noise(2, n)
    expected = scipy.signal.resample(np.asarray(x, np.float64), m, axis=-1)
    np.testing.assert_allclose(fft_resample(x, m), expected, atol=2e-7)


def test_the_authors_lengths_and_a_wanted_number_of_steps() -> None:
    assert erb_variants.owens_lengths(11025, 22050) == (9768, 44)
    assert erb_variants.owens_lengths(48000, 96000) == (9990, 45)
    found = erb_variants.owens_cochleagram(noise(11025), 22050, num_samples=45)
    assert found.shape == (42, 45) and jnp.abs(found).max() <= 1


def test_short_odd_and_fractional_sounds_are_refused() -> None:
    with pytest.raises(UserError, match="a sound of 150 samples at 22050 Hz is too short for one step of 222 samples"):
        erb_variants.owens_cochleagram(noise(150), 22050)
    with pytest.raises(UserError, match="of even length, not of 2451 samples; leave one sample out"):
        erb_variants.ch_cochleagram(noise(2451), erb.ErbSpec())
    with pytest.raises(UserError, match="not 96000 by 90 Hz; choose an envelope rate that divides"):
        erb_variants.ch_cochleagram(noise(9600), erb.ErbSpec(96000))

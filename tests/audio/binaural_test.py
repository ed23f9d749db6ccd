"""Laws of the front end of 2.5D Visual Sound; its numbers are tested in binaural_golden_test."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.audio import binaural
from vis2sound_jax.audio.binaural import SPEC, WINDOW
from vis2sound_jax.audio.stft import stft


def ears(seed: int = 0, batch: int = 2, n: int = WINDOW) -> jax.Array:
    return 0.1 * jax.random.normal(jax.random.key(seed), (batch, 2, n))


def test_the_spectrum_of_a_window_has_257_rows_and_64_frames() -> None:
    assert stft(ears(), SPEC).shape == (2, 2, 257, 64)


def test_whatever_the_mask_left_and_right_add_up_to_the_mix() -> None:
    mix, _ = binaural.sum_and_difference(ears())
    made = binaural.differences(mix, lambda spectra: jnp.tanh(3 * spectra[:, :256]))
    both = binaural.ears_of(mix, made)
    np.testing.assert_allclose(both.sum(axis=1), mix, atol=1e-6)
    assert float(jnp.abs(made).max()) > 0.01


@pytest.mark.parametrize(("compat", "least", "most"), [(False, 50, 200), (True, 8, 25)])
def test_a_true_difference_comes_back_but_for_the_mismatch_of_the_reference(
    compat: bool, least: float, most: float
) -> None:
    """White noise without its highest bands: what is lost is only what the inverse does."""
    spectrum = jnp.fft.rfft(ears(1))
    _, difference = binaural.sum_and_difference(jnp.fft.irfft(spectrum.at[..., 4800:].set(0), WINDOW))
    back = binaural.difference_wav(stft(difference, SPEC)[:, :256], WINDOW, compat=compat)
    inner = slice(400, -400)
    lost = difference[:, inner] - back[:, inner]
    snr_db = 10 * jnp.log10(jnp.sum(difference[:, inner] ** 2) / jnp.sum(lost**2))
    assert least < float(snr_db) < most


def test_the_prediction_is_as_loud_as_its_mix_and_needs_no_truth() -> None:
    mix, _ = binaural.sum_and_difference(ears())
    half = lambda spectra: jnp.full_like(spectra[:, :256], 0.0).at[..., 0].set(0.5)  # noqa: E731
    loud, soft = (binaural.differences(gain * mix, half) for gain in (1.0, 0.01))
    np.testing.assert_allclose(loud, 100 * soft, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(loud[:, 400:-400], mix[:, 400:-400] / 2, atol=0.02)


def test_the_network_hears_the_same_level_but_the_references_level_tells_how_far_apart_the_channels_are() -> None:
    """The sum of two loud channels in opposition is soft: by the truth's level the network would hear so."""
    one = ears()[:, :1]
    opposed = jnp.concatenate([one, -0.9 * one], axis=1)
    mix, _ = binaural.sum_and_difference(opposed)
    heard = []

    def masks(spectra: jax.Array) -> jax.Array:
        heard.append(float(jnp.sqrt(jnp.mean(spectra**2))))
        return spectra[:, :256]

    binaural.differences(mix, masks)
    binaural.differences(ears(2).sum(axis=1), masks)
    binaural.differences(mix, masks, binaural.stereo_rms(opposed))
    assert heard[0] == pytest.approx(heard[1], rel=0.05)
    assert heard[2] < 0.1 * heard[0]


def test_silence_stays_silent() -> None:
    made = binaural.differences(jnp.zeros((1, WINDOW)), lambda spectra: spectra[:, :256])
    assert float(jnp.abs(made).max()) == 0


def test_the_oracle_finds_what_its_bound_allows() -> None:
    mix, difference = (stft(x, SPEC) for x in binaural.sum_and_difference(ears()))
    free = binaural.oracle_mask(mix, difference, limit=np.inf) * mix
    np.testing.assert_allclose(free, difference, rtol=1e-3, atol=1e-2)
    bounded = binaural.oracle_mask(mix, difference)
    assert float(jnp.abs(bounded.real).max()) <= 1 and float(jnp.abs(bounded.imag).max()) <= 1
    error = jnp.sum(jnp.abs(bounded * mix - difference) ** 2) / jnp.sum(jnp.abs(difference) ** 2)
    assert 0.05 < float(error) < 1


def test_pairs_are_complex_numbers() -> None:
    spectrum = stft(ears(), SPEC)
    np.testing.assert_array_equal(binaural.as_complex(binaural.as_pairs(spectrum)), spectrum)


def test_a_window_is_seen_with_the_picture_of_its_middle() -> None:
    assert [binaural.frame_of(start, 10, 100) for start in (0, 800, 1600)] == [3, 3, 4]
    assert binaural.frame_of(2960, 10, 100) == 5  # the middle is 0.5 s to the last bit
    assert binaural.frame_of(160_000, 10, 100) == 99

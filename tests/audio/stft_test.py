"""Laws of the transform: the convention of librosa and torch, exact inversion, shifts in time."""

import jax
import jax.numpy as jnp
import librosa
import numpy as np
import pytest

from vis2sound_jax.audio.stft import StftSpec, istft, stft, window_values
from vis2sound_jax.errors import UserError

MEL = StftSpec(1024, 256)
BINAURAL = StftSpec(512, 160, 400)
ODD = StftSpec(64, 13, 50, window="hamming", pad_mode="constant")
SPECS = pytest.mark.parametrize("spec", [MEL, BINAURAL, ODD], ids=["mel", "binaural", "odd"])


def noise(*shape: int) -> jax.Array:
    return 0.3 * jax.random.normal(jax.random.key(0), shape)


@SPECS
@pytest.mark.parametrize("centre", [True, False])
def test_agrees_with_librosa(spec: StftSpec, centre: bool) -> None:
    spec = StftSpec(spec.n_fft, spec.hop, spec.win_length, spec.window, centre, spec.pad_mode)
    wav = noise(2, 10080)
    expected = librosa.stft(
        np.asarray(wav, np.float64),
        n_fft=spec.n_fft,
        hop_length=spec.hop,
        win_length=spec.win_length,
        window=spec.window,
        center=centre,
        pad_mode=spec.pad_mode,
    )
    ours = stft(wav, spec)
    assert ours.shape == (2, spec.n_bins, spec.frames_for(10080)) == expected.shape
    np.testing.assert_allclose(ours, expected, atol=2e-5)


def test_binaural_shape_of_the_paper() -> None:
    assert stft(noise(10080), BINAURAL).shape == (257, 64)
    assert np.count_nonzero(window_values(BINAURAL)[:57]) == 0  # 56 padded zeros, then Hann's own


@SPECS
@pytest.mark.parametrize("n", [4096, 4777])
def test_inverse_returns_the_waveform(spec: StftSpec, n: int) -> None:
    wav = noise(2, 3, n)
    np.testing.assert_allclose(istft(stft(wav, spec), spec, length=n), wav, atol=2e-6)


def test_uncentred_inverse_returns_what_windows_reach() -> None:
    spec = StftSpec(256, 64, centre=False)
    wav = noise(256 + 10 * 64)
    back = istft(stft(wav, spec), spec)
    assert back.shape == wav.shape
    np.testing.assert_allclose(back[64:-64], wav[64:-64], atol=2e-6)


def test_inverse_is_a_projection() -> None:
    spectrum = jax.lax.complex(noise(513, 20), noise(513, 20)[::-1])  # no waveform has this spectrum
    once = stft(istft(spectrum, MEL), MEL)
    twice = stft(istft(once, MEL), MEL)
    np.testing.assert_allclose(twice, once, atol=1e-4)


def test_length_cuts_and_pads() -> None:
    spectrum = stft(noise(4096), MEL)
    full = istft(spectrum, MEL)
    assert full.shape == (4096,)
    np.testing.assert_allclose(istft(spectrum, MEL, length=1000), full[:1000], atol=1e-6)
    longer = istft(spectrum, MEL, length=6000)
    np.testing.assert_array_equal(longer[4096 + 512 :], 0)


def test_a_shift_by_a_hop_is_a_shift_by_a_frame() -> None:
    wav = noise(8192)
    later = stft(jnp.pad(wav, (256, 0)), MEL)
    np.testing.assert_allclose(later[:, 4:-3], stft(wav, MEL)[:, 3:-3], atol=2e-5)


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="hop is 0"):
        StftSpec(64, 0)
    with pytest.raises(UserError, match="win_length is 65"):
        StftSpec(64, 16, 65)
    with pytest.raises(UserError, match="wav has 100 samples"):
        stft(noise(100), StftSpec(256, 64, centre=False))
    with pytest.raises(UserError, match="33 bins"):
        istft(jnp.zeros((33, 4), complex), MEL)

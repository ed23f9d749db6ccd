"""Laws of the log-mel image: filters, level mapping, inverse, crops, normalisation."""

from typing import Literal

import jax
import jax.numpy as jnp
import librosa
import numpy as np
import pytest

from vis2sound_jax.audio.mel import (
    MelSpec,
    crop_centre,
    log_mel,
    log_mel_of,
    magnitude_from_mel,
    mel_filters,
    mel_to_linear,
    rms_normalise,
    rms_normalise_batch,
)
from vis2sound_jax.audio.stft import stft
from vis2sound_jax.errors import UserError

SPEC = MelSpec()


def noise(*shape: int, level: float = 0.1) -> jax.Array:
    return level * jax.random.normal(jax.random.key(1), shape)


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("rate_hz, n_fft, n_mels, low_hz", [(22050, 1024, 80, 125.0), (16000, 512, 40, 0.0)])
def test_filters_agree_with_librosa(
    scale: Literal["htk", "slaney"], rate_hz: int, n_fft: int, n_mels: int, low_hz: float
) -> None:
    spec = MelSpec(rate_hz, n_fft, n_fft // 4, n_mels, low_hz, 7600.0, scale)
    expected = librosa.filters.mel(
        sr=rate_hz, n_fft=n_fft, n_mels=n_mels, fmin=low_hz, fmax=7600, htk=scale == "htk", dtype=np.float64
    )
    np.testing.assert_allclose(mel_filters(spec), expected, atol=1e-9)


@pytest.mark.parametrize("n", [44100, 40960, 40959, 300])
def test_frames_are_one_more_than_whole_hops(n: int) -> None:
    image = log_mel(noise(n), SPEC)
    assert image.shape == (80, 1 + n // 256) == (80, SPEC.frames_for(n))
    assert SPEC.samples_for(160) == 40960


def test_values_are_levels_in_the_unit_interval() -> None:
    assert log_mel(jnp.zeros(4096), SPEC).max() == 0
    loud = log_mel(noise(4096, level=1e3), SPEC)
    assert loud.max() == 1
    image = log_mel(noise(2, 4096), SPEC)
    louder = log_mel(10 * noise(2, 4096), SPEC)  # + 20 dB of 100
    np.testing.assert_allclose(louder, image + 0.2, atol=2e-5)


def test_mel_to_linear_inverts_the_level_mapping() -> None:
    spec = MelSpec(floor_db=-40.0, top_db=10.0)
    np.testing.assert_allclose(mel_to_linear(jnp.array([[0.0, 0.8, 1.0]]), spec), [[0.01, 1.0, 10**0.5]], rtol=1e-5)


def test_a_higher_floor_is_the_same_image_clipped() -> None:
    wav = noise(8192) * jnp.exp(-jnp.arange(8192) / 800)
    full = log_mel(wav, SPEC) * 100 - 80
    clipped = log_mel(wav, MelSpec(floor_db=-40.0)) * 60 - 40
    np.testing.assert_allclose(clipped, jnp.maximum(full, -40), atol=2e-3)


def test_magnitude_from_mel_has_the_given_bands() -> None:
    modes = sum(jnp.sin(2 * jnp.pi * hz * jnp.arange(8192) / 22050) for hz in (300.0, 1234.0, 5000.0))
    filters = mel_filters(SPEC)
    for wav in (noise(8192), 0.1 * modes + noise(8192, level=1e-3)):
        mel = filters @ np.abs(stft(wav, SPEC.stft))
        magnitude = np.asarray(magnitude_from_mel(jnp.asarray(mel, jnp.float32), SPEC))
        assert magnitude.min() >= 0
        off_db = 20 * np.log10(filters @ magnitude / mel)
        assert np.sqrt(np.mean(off_db**2)) < 1
    assert magnitude_from_mel(jnp.zeros((80, 3)), SPEC).max() == 0


def test_crops() -> None:
    image = jnp.broadcast_to(jnp.arange(173.0), (2, 80, 173))
    centre = crop_centre(image)
    assert (centre[0, 0, 0], centre[0, 0, -1], centre.shape) == (6, 165, (2, 80, 160))
    with pytest.raises(UserError, match="173 frames, but 192"):
        crop_centre(image, 192)


def test_each_clip_gets_its_own_level_and_a_batch_its_common_one() -> None:
    wav = jnp.stack([noise(9000, level=0.02), noise(9000, level=0.2)])
    level = jnp.sqrt(jnp.mean(rms_normalise(wav) ** 2, axis=-1))
    np.testing.assert_allclose(level, 0.1, rtol=1e-4)
    together = rms_normalise_batch(wav)
    np.testing.assert_allclose(jnp.sqrt(jnp.mean(together**2)), 0.1, rtol=1e-4)
    np.testing.assert_allclose(together / wav, jnp.full_like(wav, together[0, 0] / wav[0, 0]), rtol=1e-4)
    assert rms_normalise(jnp.zeros(100)).max() == 0
    assert rms_normalise(jnp.eye(1, 9000)[0]).max() == 1  # clipped


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="scale is 'mel'"):
        MelSpec(scale="mel")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"high_hz 7600.0 must lie.*4000.0"):
        MelSpec(rate_hz=8000)
    with pytest.raises(UserError, match="n_mels 200 is too many"):
        mel_filters(MelSpec(n_mels=200))


@pytest.mark.parametrize("n", [600, 22050, 256 * 256, 256 * 256 + 1, 150_000])
def test_blocks_of_frames_are_the_log_mel_of_the_whole(n: int) -> None:
    wav = np.asarray(noise(n))
    np.testing.assert_allclose(log_mel_of(wav, SPEC), log_mel(wav, SPEC), atol=2e-5)

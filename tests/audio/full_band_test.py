"""A prediction at 16 kHz becomes full band, and what is mono is split to the last bit."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

from vis2sound_jax.audio import full_band as module
from vis2sound_jax.audio.files import write_pcm_24
from vis2sound_jax.audio.full_band import full_band, split_exactly
from vis2sound_jax.errors import UserError


def noise(seconds: float, rate_hz: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate_hz)).astype(np.float32)


def at_16_khz(wav: np.ndarray, rate_hz: int) -> np.ndarray:
    return scipy.signal.resample_poly(wav, 16000, rate_hz).astype(np.float32)


def band(wav: np.ndarray, rate_hz: int, low: float, high: float) -> np.ndarray:
    """A band of the sound, without its ends."""
    sos = scipy.signal.butter(8, (low, high), "bandpass", fs=rate_hz, output="sos")
    return scipy.signal.sosfiltfilt(sos, wav)[rate_hz // 10 : -rate_hz // 10]


@pytest.mark.parametrize("rate_hz", [48000, 44100])
def test_the_predicted_band_stays_and_above_it_the_level_difference_goes_on(rate_hz: int) -> None:
    mix = noise(2, rate_hz)
    lean = 0.6
    made = np.concatenate(list(full_band(mix, lean * at_16_khz(mix, rate_hz), rate_hz)))
    assert made.shape == mix.shape
    for low, high in ((200, 6000), (9000, 20000)):
        wanted, found = (band(x, rate_hz, low, high) for x in (lean * mix, made))
        assert np.sum((found - wanted) ** 2) < 0.01 * np.sum(wanted**2)


def test_the_placed_band_follows_over_time() -> None:
    """From left to right in two seconds."""
    mix, lean = noise(2, 48000), np.linspace(0.8, -0.8, 96000).astype(np.float32)
    made = np.concatenate(list(full_band(mix, at_16_khz(lean * mix, 48000), 48000)))
    wanted, found = (band(x, 48000, 9000, 20000) for x in (lean * mix, made))
    assert np.sum((found - wanted) ** 2) < 0.05 * np.sum(wanted**2)


def test_pieces_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    mix = noise(3.3, 24000)
    low = at_16_khz(np.linspace(0.8, -0.8, len(mix)).astype(np.float32) * mix, 24000)
    (whole,) = full_band(mix, low, 24000)
    monkeypatch.setattr(module, "PIECE_S", 1)
    pieces = list(full_band(mix, low, 24000))
    assert [len(piece) for piece in pieces] == [24000, 24000, 24000, 7200]
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-5)


def test_at_the_rate_of_the_prediction_nothing_is_done_and_below_it_is_refused() -> None:
    mix = noise(0.2, 16000)
    (same,) = full_band(mix, 0.5 * mix, 16000)
    np.testing.assert_array_equal(same, 0.5 * mix)
    with pytest.raises(UserError, match="sound of 8000 Hz has no room for what is predicted; resample it to 16000"):
        list(full_band(mix, mix, 8000))


@pytest.mark.parametrize("gain", [0.5, 3.0, 40.0])
def test_left_and_right_of_a_file_add_up_to_the_mono_sound(tmp_path: Path, gain: float) -> None:
    """The invariant: to one step of 24 bits, however loud the sound and however wild the difference."""
    mix, difference = gain * noise(0.5, 48000), 2 * gain * noise(0.5, 48000, seed=1)
    path = tmp_path / "ears.wav"
    write_pcm_24(path, split_exactly(mix, difference), 48000)
    assert soundfile.info(path).subtype == "PCM_24"
    both, _ = soundfile.read(path, dtype="int32")
    total = (both >> 8).astype(np.int64).sum(axis=1)
    wanted = np.clip(mix.astype(np.float64), -1, 1) * 2**23
    assert np.abs(total - wanted).max() <= 1
    assert np.abs(both >> 8).max() <= 2**23
    apart = (both[:, 0] >> 8).astype(np.int64) - (both[:, 1] >> 8)
    reached = np.abs(difference) * 2**23 < 2**23 - np.abs(wanted)
    assert reached.any() and np.abs(apart - difference * 2**23)[reached].max() <= 2

"""Laws of levels: the meter is pyloudnorm's, peaks are those between samples, a limiter does not clip or click."""

import numpy as np
import pyloudnorm
import pytest
import soxr

from vis2sound_jax.audio import levels
from vis2sound_jax.audio.levels import at_loudness, integrated_lufs, limited, true_peak_db

RATE_HZ = 48000


def noise(seconds: float = 3.0, level: float = 0.1, *channels: int, rate_hz: int = RATE_HZ) -> np.ndarray:
    shape = (round(seconds * rate_hz), *channels)
    return (level * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


def tone(hz: float, level: float, seconds: float = 1.0, phase: float = 0.3) -> np.ndarray:
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * hz * times_s + phase)).astype(np.float32)


def knocks(level: float = 3.0) -> np.ndarray:
    """Low noise with a knock every 0.4 s."""
    times_s = np.arange(round(0.4 * RATE_HZ)) / RATE_HZ
    knock = np.tile(level * np.exp(-times_s / 0.02) * np.sin(2 * np.pi * 900 * times_s), 10)
    return (noise(4.0, 0.01) + knock).astype(np.float32)


def peak_db(wav: np.ndarray, rate_hz: int = RATE_HZ) -> float:
    """By twice the oversampling of the code under test, and another filter."""
    fine = soxr.resample(wav.astype(np.float64), rate_hz, 8 * rate_hz, quality="VHQ")
    return float(20 * np.log10(np.abs(fine).max()))


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("channels", [(), (1,), (2,)])
def test_loudness_is_that_of_the_meter(rate_hz: int, channels: tuple[int, ...]) -> None:
    wav = noise(5.0, 0.1, *channels, rate_hz=rate_hz)
    wav[rate_hz : 3 * rate_hz] *= 0.003  # which the gate leaves out
    assert integrated_lufs(wav, rate_hz) == pytest.approx(pyloudnorm.Meter(rate_hz).integrated_loudness(wav), abs=0.02)


def test_loudness_of_the_standards_tone() -> None:
    # EBU Tech 3341, case 1: 1 kHz at -23 dB of full scale on both channels.
    wav = np.stack([tone(1000, 10 ** (-23 / 20), 20.0)] * 2, axis=1)
    assert integrated_lufs(wav, RATE_HZ) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("wav", [noise(0.39), np.zeros(RATE_HZ, np.float32), np.zeros(0, np.float32), noise(2, 1e-5)])
def test_what_is_too_short_or_too_low_has_no_loudness(wav: np.ndarray) -> None:
    assert integrated_lufs(wav, RATE_HZ) is None and at_loudness(wav, RATE_HZ, -23.0) is wav


@pytest.mark.parametrize(("hz", "phase"), [(997.0, 0.0), (12000.0, np.pi / 4), (6000.0, np.pi / 8), (19000.0, 0.3)])
def test_peaks_between_samples_are_found(hz: float, phase: float) -> None:
    wav = tone(hz, 0.5, phase=phase) * np.hanning(RATE_HZ).astype(np.float32)
    assert true_peak_db(wav, RATE_HZ) == pytest.approx(20 * np.log10(0.5), abs=0.06)
    assert true_peak_db(np.stack([0.1 * wav, wav], axis=1), RATE_HZ) == true_peak_db(wav, RATE_HZ)


def test_silence_has_no_peak_and_blocks_leave_none_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert true_peak_db(np.zeros(100, np.float32), RATE_HZ) == true_peak_db(np.zeros(0, np.float32), RATE_HZ) == -np.inf
    wav, low = knocks(), limited(knocks(), RATE_HZ)
    whole = true_peak_db(wav, RATE_HZ)
    monkeypatch.setattr(levels, "_BLOCK", 5000)
    assert true_peak_db(wav, RATE_HZ) == pytest.approx(whole, abs=1e-3)
    np.testing.assert_allclose(limited(wav, RATE_HZ), low, atol=1e-4)


@pytest.mark.parametrize("lufs", [-30.0, -23.0, -16.0])
def test_a_loudness_is_reached_by_one_gain(lufs: float) -> None:
    wav = noise(3.0, 0.05, 2)
    made = at_loudness(wav, RATE_HZ, lufs)
    assert pyloudnorm.Meter(RATE_HZ).integrated_loudness(made) == pytest.approx(lufs, abs=0.05)
    np.testing.assert_allclose(made / wav, (made / wav)[0, 0], rtol=1e-5)


def test_a_loudness_is_reached_though_the_gate_opens() -> None:
    wav = noise(4.0, 1e-3)
    wav[RATE_HZ:] *= 0.15  # below -70 LUFS before, and not after
    made = at_loudness(wav, RATE_HZ, -20.0)
    assert pyloudnorm.Meter(RATE_HZ).integrated_loudness(made) == pytest.approx(-20.0, abs=0.05)
    assert integrated_lufs(wav, RATE_HZ) is not None


def test_what_is_below_the_ceiling_stays_as_it_is() -> None:
    wav = 0.8 * tone(440, 1.0)
    assert limited(wav, RATE_HZ) is wav
    empty = np.zeros(0, np.float32)
    assert limited(empty, RATE_HZ) is empty


@pytest.mark.parametrize(
    "wav",
    [knocks(), knocks(30.0), tone(440, 1.5), tone(50, 2.0), tone(12000, 1.2, phase=np.pi / 4), noise(2, 1.0)],
    ids=["knocks", "very loud knocks", "tone", "low tone", "high tone", "noise"],
)
@pytest.mark.parametrize("ceiling_db", [-1.0, -3.0])
def test_no_peak_is_above_the_ceiling(wav: np.ndarray, ceiling_db: float) -> None:
    kept = wav.copy()
    low = limited(wav, RATE_HZ, ceiling_db)
    assert ceiling_db - 0.3 < peak_db(low) <= ceiling_db and low.shape == wav.shape and low.dtype == np.float32
    np.testing.assert_array_equal(wav, kept)


def test_the_gain_is_smooth_and_only_near_peaks() -> None:
    wav = noise(3.0, 0.05)
    wav[RATE_HZ] = 2.0
    gain_db = 20 * np.log10(limited(wav, RATE_HZ) / wav)
    assert np.abs(np.diff(gain_db)).max() < 0.1 and gain_db.min() == pytest.approx(gain_db[RATE_HZ], abs=1e-4)
    away = np.concatenate([gain_db[: RATE_HZ - 500], gain_db[round(1.2 * RATE_HZ) :]])
    assert np.abs(away - away[0]).max() < 1e-4 and abs(away[0]) < 0.3
    # Down within 5 ms, back within a tenth of a second.
    assert gain_db[RATE_HZ - 260] > away[0] - 0.05 and gain_db[round(1.1 * RATE_HZ)] > away[0] - 0.05


def test_a_tone_stays_a_tone() -> None:
    low = limited(tone(440, 1.5), RATE_HZ)[4800:-4800]
    spectrum = np.abs(np.fft.rfft(low * np.hanning(len(low))))
    near = np.abs(np.fft.rfftfreq(len(low), 1 / RATE_HZ) - 440) < 20
    assert spectrum[~near].max() < 10 ** (-70 / 20) * spectrum.max()  # clipping would leave overtones at -20 dB


def test_channels_are_limited_together() -> None:
    wav = np.stack([knocks(), 0.25 * knocks()], axis=1)
    low = limited(wav, RATE_HZ)
    np.testing.assert_allclose(4 * low[:, 1], low[:, 0], atol=1e-6)

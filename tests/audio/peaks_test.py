"""Laws of amplitude peaks: impacts are found where they are, near ones merge, silence has none."""

import mir_eval
import numpy as np
import pytest

from vis2sound_jax.audio.peaks import ENVELOPE_HZ, GAP_S, amplitude, amplitude_peaks
from vis2sound_jax.errors import UserError

RATE_HZ = 8000


def impacts(times_s: list[float], levels: list[float], seconds: float = 4.0) -> np.ndarray:
    """Decaying noise, and a little noise everywhere."""
    rng = np.random.default_rng(0)
    wav = 0.001 * rng.standard_normal(round(seconds * RATE_HZ))
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    for time_s, level in zip(times_s, levels, strict=True):
        start = round(time_s * RATE_HZ)
        burst = level * rng.standard_normal(len(t)) * np.exp(-t / 0.03)
        wav[start : start + len(t)] += burst[: len(wav) - start]
    return wav


def test_the_amplitude_is_the_rms_of_short_stretches() -> None:
    curve = amplitude(np.full(801, 0.5), RATE_HZ)
    np.testing.assert_allclose(curve, 0.5)
    assert len(curve) == 10 and len(amplitude(np.zeros(0), RATE_HZ)) == 0


def test_impacts_are_found_soon_after_they_begin() -> None:
    wanted = [0.4, 1.1, 1.6, 2.7, 3.5]
    times, heights = amplitude_peaks(impacts(wanted, [0.5, 0.2, 0.4, 0.1, 0.3]), RATE_HZ)
    assert len(times) == len(heights) == len(wanted)
    assert np.all((times - wanted > -0.01) & (times - wanted < 0.06))
    assert heights.argmax() == 0 and heights.argmin() == 3


def test_of_two_near_impacts_the_louder_stays() -> None:
    times, _ = amplitude_peaks(impacts([1.0, 1.2, 2.5], [0.2, 0.6, 0.3]), RATE_HZ)
    assert len(times) == 2 and 1.19 < times[0] < 1.27
    assert len(amplitude_peaks(impacts([1.0, 1.2, 2.5], [0.2, 0.6, 0.3]), RATE_HZ, gap_s=0.1)[0]) == 3
    assert np.diff(times).min() >= GAP_S


def test_level_does_not_matter_and_silence_has_no_peaks() -> None:
    wav = impacts([0.5, 2.0], [0.5, 0.3])
    loud, soft = amplitude_peaks(wav, RATE_HZ), amplitude_peaks(0.01 * wav, RATE_HZ)
    np.testing.assert_allclose(loud[0], soft[0], atol=1e-6)
    for silent in (np.zeros(RATE_HZ), np.zeros(0)):
        assert len(amplitude_peaks(silent, RATE_HZ)[0]) == 0


def test_a_rate_below_the_curves_is_refused() -> None:
    with pytest.raises(UserError, match="a sound of 80 Hz has no amplitude curve of 90 Hz"):
        amplitude_peaks(np.zeros(80), 80)


def test_twenty_hits_are_all_found_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    wanted = 0.3 + np.cumsum(rng.uniform(0.3, 1.0, 20))
    wav = impacts(list(wanted), list(rng.uniform(0.1, 0.8, 20)), seconds=wanted[-1] + 1.0)
    times, _ = amplitude_peaks(wav, RATE_HZ)
    assert mir_eval.onset.f_measure(wanted, times, window=0.1)[0] == 1.0


def test_long_sounds_are_taken_block_by_block_and_their_peaks_stay_apart() -> None:
    wav = np.tile(impacts([1.0, 2.5], [0.5, 0.4]), 60)
    times_s, heights = amplitude_peaks(wav.astype(np.float32), RATE_HZ)
    assert len(times_s) >= 120 and (np.diff(times_s) >= GAP_S).all() and (heights > 0).all()
    squares = np.add.reduceat(wav**2, np.round(np.arange(0, len(wav) / RATE_HZ, 1 / ENVELOPE_HZ) * RATE_HZ).astype(int))
    np.testing.assert_allclose(amplitude(wav, RATE_HZ)[:1000] ** 2 * 89, squares[:1000] * 89 / 88.9, rtol=0.02)

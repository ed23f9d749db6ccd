"""Laws of onset detection: clicks are found in time, at any rate and level; strength lies in its frame."""

import numpy as np
import pytest
import scipy.signal

from vis2sound_jax.audio.onsets import (
    legacy_loudness,
    legacy_onset_confidence,
    legacy_onset_nms,
    legacy_onset_samples,
    onset_events,
    onset_strength,
    onset_times,
)
from vis2sound_jax.errors import UserError

RATE_HZ = 22050
TIMES_S = 0.31 + 0.437 * np.arange(9)


def clicks(rate_hz: int = RATE_HZ, *, seconds: float = 4.5, noise: float = 1e-4) -> np.ndarray:
    rng = np.random.default_rng(0)
    wav = noise * rng.normal(size=round(seconds * rate_hz))
    wav[np.round(TIMES_S * rate_hz).astype(int)] += rng.uniform(0.3, 0.9, len(TIMES_S))
    return wav.astype(np.float32)


def knocks() -> np.ndarray:
    """Decaying modes at the same times."""
    rng = np.random.default_rng(1)
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    knock = sum(np.exp(-40 * t) * np.sin(2 * np.pi * hz * t) for hz in rng.uniform(200, 5000, 6))
    return (0.1 * scipy.signal.oaconvolve(clicks(), knock)[: len(clicks())]).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 48000])
def test_clicks_are_found_in_time(rate_hz: int) -> None:
    found = onset_times(clicks(rate_hz), rate_hz)
    assert len(found) == len(TIMES_S)
    assert np.median(np.abs(found - TIMES_S)) < 0.005
    assert abs(np.median(found - TIMES_S)) < 0.0025  # no bias


def test_knocks_are_found_in_time() -> None:
    found = onset_times(knocks(), RATE_HZ)
    assert len(found) == len(TIMES_S)
    assert np.median(np.abs(found - TIMES_S)) < 0.005


def test_a_shift_of_the_sound_shifts_the_onsets() -> None:
    wav = np.concatenate([knocks(), np.zeros(2200, np.float32)])
    later = np.roll(wav, 2200)  # 20 hops of silence move from the end to the start
    first, second = onset_times(wav, RATE_HZ), onset_times(later, RATE_HZ)
    np.testing.assert_allclose(second, first + 2200 / RATE_HZ, atol=1e-9)


def test_level_does_not_matter() -> None:
    loud = onset_events(clicks(noise=0), RATE_HZ)
    soft = onset_events(0.1 * clicks(noise=0), RATE_HZ)
    np.testing.assert_allclose(soft[0], loud[0])
    np.testing.assert_allclose(soft[1], loud[1], atol=1e-3)


def test_candidates_are_apart_and_background_is_not_confident() -> None:
    noise = 0.1 * np.random.default_rng(2).normal(size=3 * RATE_HZ).astype(np.float32)
    times_s, confidence = onset_events(noise, RATE_HZ)
    assert len(times_s) > 5
    assert np.diff(times_s).min() >= 0.05 - 1e-9
    assert 0 < confidence.min() and confidence.max() < 0.2
    assert onset_times(noise, RATE_HZ).size == 0


@pytest.mark.parametrize("n", [0, 1, 100, 5000])
def test_silence_has_no_onset(n: int) -> None:
    wav = np.zeros(n, np.float32)
    assert onset_events(wav, RATE_HZ)[0].size == 0
    np.testing.assert_array_equal(onset_strength(wav, RATE_HZ, 30), np.zeros(round(n / RATE_HZ * 30)))


@pytest.mark.parametrize("fps", [15.0, 25.0, 29.97, 400.0])
def test_strength_peaks_in_the_frame_of_the_onset(fps: float) -> None:
    strength = onset_strength(knocks(), RATE_HZ, fps)
    assert strength.shape == (round(4.5 * fps),)
    assert strength.min() >= 0
    _, confidence = onset_events(knocks(), RATE_HZ)
    assert strength.max() == pytest.approx(confidence.max(), rel=0.1)
    for time_s in onset_times(knocks(), RATE_HZ):
        frame = int(time_s * fps)
        near = strength[max(0, frame - 2) : frame + 3]
        assert strength[frame] >= 0.95 * near.max()


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="rate_hz is 4000"):
        onset_events(np.zeros(4000, np.float32), 4000)
    with pytest.raises(UserError, match="fps is 0"):
        onset_strength(np.zeros(4000, np.float32), RATE_HZ, 0)


def test_legacy_chain_finds_the_clicks_to_a_hop() -> None:
    found = legacy_onset_samples(knocks(), RATE_HZ)
    assert (found % 512 == 0).all()
    for time_s in found / RATE_HZ:
        assert np.abs(TIMES_S - time_s).min() < 0.06


def test_legacy_suppression_skips_the_neighbour_of_a_removed_one() -> None:
    onsets = np.array([10000, 10200, 10400, 10600])
    kept = legacy_onset_nms(onsets, np.array([0.9, 0.1, 0.2, 0.3]), RATE_HZ)
    np.testing.assert_array_equal(kept, [10000, 10400])  # a clean suppression would leave 10000 alone
    assert legacy_onset_nms(onsets[:0], np.zeros(0), RATE_HZ).size == 0


def test_legacy_confidence_is_the_loudest_sample_near() -> None:
    wav = np.zeros(RATE_HZ, np.float32)
    wav[[500, 9000]] = 0.5, -1.0
    confidence = legacy_onset_confidence(legacy_loudness(wav), np.array([200, 9000, 15000]), RATE_HZ)
    np.testing.assert_allclose(confidence, [0.5, 1.0, 0.0])
    assert legacy_loudness(np.ones(5)).max() == 0

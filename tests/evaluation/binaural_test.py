"""Scores of two channels; the published ones are tested in binaural_golden_test."""

import numpy as np
import pytest

from vis2sound_jax.audio.head import Head
from vis2sound_jax.evaluation.binaural import difference_residual, distances, ild_db, itd_s, side_of, sides

RATE_HZ = 16000


def heard(azimuth_deg: float, seed: int = 0, n: int = 8000) -> np.ndarray:
    wav = 0.1 * np.random.default_rng(seed).standard_normal(n)
    return Head().hear(wav, azimuth_deg, RATE_HZ)


def mono(ears: np.ndarray) -> np.ndarray:
    return np.repeat(ears.mean(axis=0, keepdims=True), 2, axis=0)


def test_the_truth_has_no_distance_and_mono_a_residual_of_one() -> None:
    true = heard(40)
    same = distances(true, true)
    assert (same.stft, same.envelope, same.magnitude, same.residual) == (0, 0, 0, 0)
    assert same.phase < 1e-6 and same.snr_db > 20
    assert distances(mono(true), true).residual == pytest.approx(1)
    flipped = distances(true[::-1], true)
    assert flipped.residual == pytest.approx(4, rel=1e-6)


def test_peaks_are_divided_out_where_they_should_be() -> None:
    true = heard(40)
    assert distances(0.5 * true, true).stft == pytest.approx(0, abs=1e-9)
    assert distances(0.5 * true, true, normalised=False).stft > 1e-3
    assert distances(0.5 * true, true).residual == pytest.approx(0.25, rel=1e-5)


def test_the_stft_distance_is_half_the_mean_error_of_the_difference() -> None:
    """As long as both have the sum in common."""
    true, other = heard(40), heard(40, seed=1)
    difference = 0.3 * (other[0] - other[1])
    predicted = np.stack([true.sum(axis=0) + difference, true.sum(axis=0) - difference]) / 2
    error = np.stack([difference - (true[0] - true[1])] * 2)
    alone = distances(error, 0 * error, normalised=False).stft / 2
    assert distances(predicted, true, normalised=False).stft == pytest.approx(alone / 2, rel=1e-4)


@pytest.mark.parametrize("azimuth_deg", [-80, -25, 0, 10, 60])
def test_delays_and_levels_tell_the_side(azimuth_deg: float) -> None:
    ears = heard(azimuth_deg)
    left_s, right_s = Head().delays_s(azimuth_deg)
    # The shadow delays low frequencies some more, as a sphere does.
    open_ears = Head(shadow=0.0).hear(ears.sum(axis=0), azimuth_deg, RATE_HZ)
    assert itd_s(open_ears) == pytest.approx(left_s - right_s, abs=1e-5)
    assert 1 <= (itd_s(ears) + 1e-9) / (left_s - right_s + 1e-9) < 1.6
    assert np.sign(round(ild_db(ears), 2)) == -np.sign(azimuth_deg)
    assert side_of(ears) == (0 if abs(ild_db(ears)) <= 2 else -np.sign(azimuth_deg))


def test_silence_has_no_side() -> None:
    silence = np.zeros((2, 1000))
    assert (ild_db(silence), itd_s(silence), side_of(silence)) == (0, 0, 0)
    assert difference_residual(silence, silence) == 0


def test_windows_are_compared_by_where_they_are() -> None:
    true = np.stack([heard(azimuth, seed) for seed, azimuth in enumerate((-60, -20, 3, 30, 70))])
    right = sides(true, true)
    assert right.accuracy == 1 and right.ild_correlation == pytest.approx(1) and right.itd_error_s == 0
    wrong = sides(true[:, ::-1], true)
    assert wrong.accuracy == 0 and wrong.ild_correlation == pytest.approx(-1)
    assert wrong.ild_error_db == pytest.approx(2 * np.mean([abs(ild_db(ears)) for ears in true]))
    nothing = sides(np.stack([mono(ears) for ears in true]), true)
    assert nothing.accuracy == 0 and np.isnan(nothing.ild_correlation)
    assert np.isnan(sides(true[2:3], true[2:3]).accuracy)

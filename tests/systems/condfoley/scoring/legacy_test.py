"""Laws of the published onset scores: misses are free, extra onsets are not, a hit is nearer than the window."""

import numpy as np
import pytest

from vis2sound_jax.systems.condfoley.scoring.legacy import RATE_HZ, legacy_score


def clicks(*samples: int) -> np.ndarray:
    wav = np.zeros(44_100, np.float32)
    for sample in samples:
        wav[sample : sample + 100] = 1.0
    return wav


def test_misses_are_free_as_published() -> None:
    wav = clicks(5_000)
    target = np.array([5_000, 12_000, 20_000, 28_000, 36_000])
    assert legacy_score(target, target[:1], wav)[:2] == (0.2, 1.0)
    assert legacy_score(target, target[:0], wav).average_precision == 1.0
    assert legacy_score(target[:0], target[:1], wav).average_precision == 0.0
    assert legacy_score(target[:0], target[:0], wav) == (0.0, 1.0, True)


def test_a_hit_is_nearer_than_the_window() -> None:
    onsets, wav = np.array([5_000, 30_000]), clicks(5_000, 30_000)
    assert legacy_score(onsets, onsets, wav) == (1.0, 1.0, True)
    for gap, accuracy in ((-1, 1.0), (1, 0.0)):
        moved = onsets + round(0.1 * RATE_HZ) + gap
        assert legacy_score(onsets, moved, clicks(*moved)).accuracy == accuracy
        assert legacy_score(onsets, moved, clicks(*moved), window_s=0.2).accuracy == 1.0


def test_onsets_too_many_cost_precision() -> None:
    onsets, wav = np.array([5_000, 15_000, 25_000, 35_000]), clicks(5_000, 15_000, 25_000, 35_000)
    score = legacy_score(onsets[:1], onsets, wav)
    assert score.accuracy == 1.0 and not score.same_count
    assert score.average_precision == pytest.approx(0.25)  # all are equally loud

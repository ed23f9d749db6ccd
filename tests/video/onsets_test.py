"""Laws of events in a curve: bumps are found between frames, apart, with their height, wherever they lie."""

import numpy as np
import pytest

from vis2sound_jax.video.onsets import onsets_from_probability

FPS = 25.0


def curve_of(times_s: list[float], heights: list[float], fps: float = FPS, seconds: float = 4.0) -> np.ndarray:
    at_s = (np.arange(round(seconds * fps)) + 0.5) / fps
    bumps = np.exp(-0.5 * ((at_s[:, None] - np.array(times_s)) / 0.04) ** 2) * np.array(heights)
    return bumps.max(axis=1)


@pytest.mark.parametrize("fps", [15.0, 25.0, 29.97])
def test_bumps_are_found_within_half_a_frame_and_ranked_by_height(fps: float) -> None:
    times_s, heights = [0.513, 1.2, 2.377, 3.04], [1.0, 0.4, 0.7, 0.2]
    found, confidence = onsets_from_probability(curve_of(times_s, heights, fps), fps)
    np.testing.assert_allclose(found, times_s, atol=0.5 / fps)
    np.testing.assert_array_equal(np.argsort(confidence), np.argsort(heights))
    assert (confidence > 0).all() and (confidence <= 1).all()


def test_a_shifted_curve_has_shifted_events() -> None:
    curve = curve_of([0.513, 1.2], [1.0, 0.6])
    times, confidence = onsets_from_probability(curve, FPS)
    later, same = onsets_from_probability(np.pad(curve, (10, 0)), FPS)
    np.testing.assert_allclose(later, times + 10 / FPS)
    np.testing.assert_allclose(same, confidence)


def test_of_bumps_less_than_the_gap_apart_the_higher_stays() -> None:
    rng = np.random.default_rng(0)
    times, confidence = onsets_from_probability(rng.uniform(size=500), FPS)
    assert len(times) > 50 and (np.diff(times) > 0.12 - 1 / FPS).all()
    curve = np.zeros(50)
    curve[[20, 22]] = 0.5, 0.9
    times, _ = onsets_from_probability(curve, FPS)
    np.testing.assert_allclose(times, [22.5 / FPS], atol=0.5 / FPS)


def test_events_in_the_first_and_last_frame_are_found() -> None:
    curve = np.zeros(50)
    curve[[0, -1]] = 1.0
    times, confidence = onsets_from_probability(curve, FPS)
    np.testing.assert_allclose(times, [0.5 / FPS, 49.5 / FPS], atol=0.5 / FPS)
    np.testing.assert_allclose(confidence, [1.0, 1.0])


@pytest.mark.parametrize("length", [1, 2, 100])
def test_a_curve_of_nothing_has_no_event(length: int) -> None:
    times, confidence = onsets_from_probability(np.zeros(length), FPS)
    assert len(times) == len(confidence) == 0

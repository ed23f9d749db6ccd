"""Laws of the baselines and of the detection table."""

import numpy as np
import pytest

from vis2sound_jax.evaluation.baselines import motion_peaks, random_events
from vis2sound_jax.evaluation.detection import RANDOM_ROW, Detections, Thresholds, detection_table

FPS = 25.0
HITS_S = np.array([0.8, 1.6, 2.4, 3.2])


def film_of_a_stick(seconds=4.0, hits_s=HITS_S, seed=0):
    """A bar that falls for 0.2 s before each hit, then rests, in a noisy picture."""
    rng = np.random.default_rng(seed)
    frames = rng.normal(60, 2, (round(seconds * FPS), 48, 64))
    for t, frame in enumerate(frames):
        since = hits_s - t / FPS
        ahead = since[since >= 0].min(initial=9.0)
        row = 40 - round(min(ahead, 0.2) * 150)
        frame[row : row + 4, 20:44] += 120
    return frames.clip(0, 255).astype(np.uint8)


def test_motion_peaks_find_where_a_stick_stops():
    times, confidence = motion_peaks(film_of_a_stick(), FPS)
    best = np.sort(times[np.argsort(-confidence)[: HITS_S.size]])
    assert np.abs(best - HITS_S).max() <= 0.05


def test_still_or_short_film_has_no_onsets():
    assert motion_peaks(np.full((30, 8, 8), 7, np.uint8), FPS)[0].size == 0
    assert motion_peaks(np.zeros((2, 8, 8), np.uint8), FPS)[0].size == 0


def test_chance_is_seeded_and_in_the_span():
    first, second = (random_events([5, 0], [(1.0, 2.0), (0.0, 9.0)], seed=4) for _ in range(2))
    for (times, confidence), (again, _) in zip(first, second, strict=True):
        np.testing.assert_array_equal(times, again)
        assert times.size == confidence.size and (times >= 1.0).all() and (times <= 2.0).all()
    assert [t.size for t, _ in first] == [5, 0]


def test_detection_table_orders_detectors():
    references = [HITS_S, HITS_S + 0.1]
    films = [film_of_a_stick(), film_of_a_stick(4.0, HITS_S + 0.1, 1)]
    found = {
        "perfect": [(times, np.ones(times.size)) for times in references],
        "motion peaks": [motion_peaks(film, FPS) for film in films],
        "nothing": [(np.zeros(0), np.zeros(0))] * 2,
    }
    thresholds = Thresholds({"perfect": 0.5, "nothing": np.inf}, 1, 1)
    table = detection_table(Detections(["a", "b"], references, [(0.0, 4.0)] * 2, found), thresholds)
    value = {row: metrics["onset_ap_100ms"].value for row, metrics in table.items()}
    assert list(value) == ["perfect", "motion peaks", "nothing", RANDOM_ROW]
    assert value["perfect"] == 1.0 > value["motion peaks"] - 1e-9 > value[RANDOM_ROW] > value["nothing"] == 0.0
    assert table["perfect"]["count_match"].value == table["perfect"]["onset_f1_50ms"].value == 1.0
    assert table["nothing"]["onset_recall_100ms"].value == pytest.approx(0.0)
    assert np.isnan(table["motion peaks"]["onset_f1_100ms"].value)  # no threshold was given

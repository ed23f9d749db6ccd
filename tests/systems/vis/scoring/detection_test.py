"""Laws of the detection of impacts by the paper's protocol: misses count, late is wrong, chance stands last."""

import json

import numpy as np
import pytest

from vis2sound_jax.evaluation.detection import Detections, Thresholds
from vis2sound_jax.systems.vis.scoring.detection import AP, evaluate_detection


def test_detection_by_the_papers_protocol():
    rng = np.random.default_rng(0)
    times = [np.sort(rng.uniform(0, 20, 12)) for _ in range(6)]
    half = [(t[::2] + 0.05, np.ones(6)) for t in times]
    late = [(t + 0.5, np.ones(12)) for t in times]
    spans, names = [(0.0, 20.0)] * 6, [f"r{i}" for i in range(6)]
    films = Detections(names, times, spans, {"full system": half, "late": late})
    found = evaluate_detection(films, Thresholds({"full system": 0.5}, 2, 9))
    ap = {row: metrics[AP] for row, metrics in found.rows.items()}
    assert ap["full system"].value == pytest.approx(0.5)  # misses count
    assert ap["late"].value < 0.2 and found.n_impacts == 72 and found.paper == {"full system": 0.436}
    said = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert said["recordings"] == 6 and said["rows"]["late"]["onset_f1_100ms"]["value"] is None
    assert said["thresholds"] == {"least": {"full system": 0.5}, "validation_recordings": 2, "validation_events": 9}


def test_the_last_row_is_chance_and_what_is_outside_the_span_does_not_count():
    times = [np.array([1.0, 2.0, 8.0])] * 3
    sure = [(np.array([1.0, 2.0, 7.0]), np.array([0.5, 0.4, 0.9]))] * 3
    found = evaluate_detection(Detections(list("abc"), times, [(0.0, 5.0)] * 3, {"other": sure}), Thresholds(), seed=1)
    assert list(found.rows)[0] == "other" and list(found.rows)[-1] != "other"
    assert found.n_impacts == 6 and found.n_recordings == 3 and found.paper == {}
    assert found.rows["other"][AP].value == pytest.approx(1.0)
    assert found.rows[list(found.rows)[-1]][AP].value < 1.0

"""Laws of onset tables: thresholds come from validation recordings, and without them there is no F1."""

import numpy as np
import pytest

from vis2sound_jax.evaluation.bootstrap import Resampler
from vis2sound_jax.evaluation.detection import (
    RANDOM_ROW,
    Detections,
    Predicted,
    Thresholds,
    chosen_thresholds,
    detection_table,
    onset_metrics,
)
from vis2sound_jax.evaluation.onset_matching import OnsetClip

TRUE_S = np.array([1.0, 2.0, 3.0])
FALSE_S = np.array([1.5, 2.5])


def found(sure: float, unsure: float) -> Predicted:
    """All events with one confidence, and two that are none with another."""
    times_s = np.concatenate([TRUE_S, FALSE_S])
    confidence = np.repeat([sure, unsure], [3, 2])
    order = np.argsort(times_s)
    return times_s[order], confidence[order]


def films(**rows: Predicted) -> Detections:
    return Detections(["a", "b"], [TRUE_S] * 2, [(0.0, 4.0)] * 2, {row: [events] * 2 for row, events in rows.items()})


def test_the_threshold_of_every_row_is_that_of_its_best_f1_on_validation_recordings() -> None:
    chosen = chosen_thresholds(films(one=found(0.8, 0.2), other=found(30.0, 5.0), none=(np.zeros(0), np.zeros(0))))
    assert chosen.least == {"one": 0.8, "other": 30.0, "none": np.inf}
    assert (chosen.recordings, chosen.events) == (2, 6) and "(2, with 6 events)" in chosen.note
    assert chosen.as_dict()["least"] == {"one": 0.8, "other": 30.0, "none": None}


def test_a_threshold_of_validation_recordings_is_not_bettered_on_the_test_films() -> None:
    """On the test films the row is surer of everything: a threshold chosen there would have F1 1."""
    validation, test = films(row=found(0.8, 0.2)), films(row=found(0.95, 0.85))
    metrics = detection_table(test, chosen_thresholds(validation))["row"]
    assert metrics["onset_f1_100ms"].value == pytest.approx(0.75) and metrics["count_match"].value == 0.0
    assert metrics["onset_precision_50ms"].value == pytest.approx(0.6) and metrics["onset_recall_50ms"].value == 1.0
    assert metrics["onset_best_f1_100ms"].value == 1.0 == metrics["onset_ap_100ms"].value


@pytest.mark.parametrize(
    "held", [Detections([], [], []), Detections(["v"], [np.zeros(0)], [(0.0, 4.0)], {"row": [found(0.8, 0.2)]})]
)
def test_without_events_in_validation_recordings_f1_and_counts_have_no_value(held: Detections) -> None:
    chosen = chosen_thresholds(held)
    assert chosen.least == {} and "no value" in chosen.note
    table = detection_table(films(row=found(0.8, 0.2)), chosen)
    for metric in ("onset_f1_100ms", "onset_f1_50ms", "onset_precision_100ms", "onset_recall_50ms", "count_match"):
        assert np.isnan(table["row"][metric].value) and table["row"][metric].as_dict()["value"] is None
    assert table["row"]["onset_ap_100ms"].value == 1.0
    # Chance needs no threshold: it is given the count.
    assert np.isfinite(table[RANDOM_ROW]["onset_f1_100ms"].value) and "count_match" not in table[RANDOM_ROW]


def test_intervals_are_those_of_the_test_recordings_with_the_threshold_as_it_is() -> None:
    test = Detections(["a", "b"], [TRUE_S] * 2, [(0.0, 4.0)] * 2, {"row": [found(0.9, 0.1), found(0.3, 0.9)]})
    f1 = detection_table(test, Thresholds({"row": 0.5}, 1, 3))["row"]["onset_f1_100ms"]
    assert f1.low == 0.0 and f1.high == 1.0 and f1.value == pytest.approx(6 / 11)


def test_nothing_can_be_told_without_items() -> None:
    metrics = onset_metrics([], [], Resampler.over([]))
    one = onset_metrics([OnsetClip(TRUE_S, *found(1.0, 0.5))], [TRUE_S], Resampler.over(["a"]))
    assert set(metrics) == set(one) and all(np.isnan(estimate.value) for estimate in metrics.values())

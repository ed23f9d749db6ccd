"""Laws of the conditional-Foley protocol on toy sounds whose material is a pitch."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.systems.condfoley.scoring.foley_worlds import RATE_HZ, sound, toy_classifiers, toy_items
from vis2sound_jax.evaluation.event_levels import centroid_hz, loudness_db
from vis2sound_jax.systems.condfoley.scoring.items import add_best_take
from vis2sound_jax.systems.condfoley.scoring.published import PUBLISHED_METRICS
from vis2sound_jax.systems.condfoley.scoring.soundtracks import CHANCE_ROW, REAL_ROW, evaluate_condfoley


@pytest.fixture(scope="module")
def classifiers():
    return toy_classifiers()


@pytest.fixture(scope="module")
def items():
    return toy_items()


@pytest.fixture(scope="module")
def scores(items, classifiers):
    return evaluate_condfoley(add_best_take(items, RATE_HZ, "takes", "best of 2"), RATE_HZ, classifiers)


def test_of_recordings_that_nobody_annotated_only_what_needs_no_annotation_is_scored(items, classifiers):
    """Their sounds can be compared with the true ones, and no onset can be called right or wrong."""

    def heard(events):
        return replace(events, material=["None"] * 3, action=["None"] * 3, annotated=False)

    unknown = [replace(item, target=heard(item.target), condition=heard(item.condition)) for item in items]
    scores = evaluate_condfoley(unknown, RATE_HZ, {})
    assert scores.n_events == 0 and scores.n_items == len(items)
    for row, metrics in scores.rows.items():
        onsets = {name: one.value for name, one in metrics.items() if name.startswith(("onset", "count"))}
        assert onsets and all(np.isnan(one) for one in onsets.values()), row
    assert value(scores, REAL_ROW, "loudness_r") == pytest.approx(1.0)
    # Beside annotated ones they change no onset score.
    mixed = [*items, *(replace(item, recording=f"{item.recording} heard") for item in unknown)]
    some, all_of_them = (evaluate_condfoley(which, RATE_HZ, classifiers) for which in (items, mixed))
    for name in ("onset_ap_100ms", "onset_f1_100ms", "count_match"):
        assert some.rows["takes"][name] == all_of_them.rows["takes"][name]


def value(scores, row, metric):
    return scores.rows[row][metric].value


def test_rows_are_all_there_with_ceiling_and_floor(scores):
    assert list(scores.rows) == [
        "best of 2",
        "takes",
        "late",
        "other material",
        "silence",
        REAL_ROW,
        CHANCE_ROW,
    ]
    assert (scores.n_items, scores.n_events, scores.n_recordings) == (12, 36, 6)
    for row in scores.rows:
        given = {"count_match"} if row == CHANCE_ROW else set()  # chance knows the count
        assert set(scores.rows[row]) == set(scores.rows[REAL_ROW]) - given
    assert 0.1 < value(scores, CHANCE_ROW, "material") < 0.6
    assert value(scores, REAL_ROW, "loudness_r") == pytest.approx(1.0)
    assert abs(value(scores, CHANCE_ROW, "centroid_r")) < 0.5


def test_timing_and_timbre_are_judged_apart(scores):
    assert value(scores, REAL_ROW, "onset_ap_100ms") > 0.95 and value(scores, REAL_ROW, "material") > 0.9
    assert value(scores, "late", "onset_ap_100ms") < 0.4 and value(scores, "late", "material") > 0.9
    assert value(scores, "other material", "onset_ap_100ms") > 0.95
    assert value(scores, "other material", "material") < 0.2
    assert value(scores, "other material", "material_of_condition") < 0.2
    assert value(scores, REAL_ROW, "material_of_condition") > 0.9
    assert value(scores, "other material", "loudness_r") > 0.8 > value(scores, "late", "loudness_r")


def test_the_published_protocol_is_kept_apart_with_its_flaws(scores):
    legacy = {row: {name: e.value for name, e in metrics.items()} for row, metrics in scores.legacy.items()}
    assert set(legacy) == set(scores.rows) and all(set(m) == set(PUBLISHED_METRICS) for m in legacy.values())
    right = ("count_match", "onset_accuracy", "onset_ap", "action")
    assert all(legacy[REAL_ROW][name] == 1.0 for name in right)
    assert legacy[REAL_ROW]["material"] > 0.9 > 0.2 > legacy["other material"]["material"]
    # Nothing is heard in silence, and the published AP is full.
    assert legacy["silence"]["onset_ap"] == 1.0 and legacy["silence"]["onset_accuracy"] == 0.0
    assert legacy[CHANCE_ROW]["material"] < 0.7 and legacy[CHANCE_ROW]["onset_accuracy"] < 0.8


def test_silence_scores_zero(scores):
    for metric in ("onset_ap_100ms", "onset_f1_50ms", "onset_best_f1_100ms", "count_match"):
        assert value(scores, "silence", metric) == 0.0


def test_best_take_is_chosen_by_what_is_seen(scores):
    assert value(scores, "best of 2", "onset_ap_100ms") == pytest.approx(value(scores, REAL_ROW, "onset_ap_100ms"))
    assert value(scores, "takes", "onset_ap_100ms") < value(scores, "best of 2", "onset_ap_100ms")


def test_results_are_json(scores):
    text = json.dumps(scores.as_dict(), allow_nan=False)
    assert json.loads(text)["rows"][REAL_ROW]["material"]["value"] > 0.9
    lines = [json.dumps(example, allow_nan=False) for example in scores.examples]
    assert len(lines) == 12 * (2 + 1 + 1 + 1 + 1 + 1 + 1)
    assert all(set(PUBLISHED_METRICS) <= set(example["legacy"]) for example in scores.examples)
    assert np.trace(scores.confusion[REAL_ROW]["material"]) > 32


def test_unlabelled_events_do_not_count(items, classifiers):
    blank = [replace(i, target=replace(i.target, material=["None"] * 3), takes={}) for i in items[:2]]
    scores = evaluate_condfoley(blank, RATE_HZ, classifiers)
    assert np.isnan(value(scores, REAL_ROW, "material")) and value(scores, REAL_ROW, "action") > 0.5


def test_without_a_threshold_there_is_no_f1_and_all_else_is_as_before(items, classifiers, scores):
    first = [replace(item, takes={}) for item in items[:3]]
    known, unknown = (evaluate_condfoley(first, RATE_HZ, classifiers, threshold=one) for one in (0.22, None))
    for metric in ("onset_f1_100ms", "onset_f1_50ms", "count_match"):
        assert value(known, REAL_ROW, metric) > 0.9 and np.isnan(value(unknown, REAL_ROW, metric))
    for metric in ("onset_ap_100ms", "onset_best_f1_100ms", "material", "loudness_r"):
        assert value(known, REAL_ROW, metric) == value(unknown, REAL_ROW, metric)
    assert np.isfinite(value(unknown, CHANCE_ROW, "onset_f1_100ms"))  # it is given the count
    assert {example["same_count"] for example in unknown.examples if example["row"] == REAL_ROW} == {None}
    deaf = evaluate_condfoley(first, RATE_HZ, classifiers, threshold=99.0)
    assert value(deaf, REAL_ROW, "onset_f1_100ms") == 0.0 and value(deaf, REAL_ROW, "material") > 0.9


def test_wrong_items_are_named(items, classifiers):
    with pytest.raises(ValueError, match="no test items"):
        evaluate_condfoley([], RATE_HZ, classifiers)
    with pytest.raises(ValueError, match="item pair1 has rows"):
        evaluate_condfoley([items[0], replace(items[1], takes={})], RATE_HZ, classifiers)
    with pytest.raises(ValueError, match="no video onsets"):
        add_best_take([replace(items[0], video_onsets=None)], RATE_HZ, "takes", "best")


def test_levels_measure_the_event():
    wav = sound([(0.5, "glass", "hit", 0.5), (1.5, "wood", "hit", 0.05)])
    times = np.array([0.5, 1.5, 1.99, 5.0])
    loud, bright = loudness_db(wav, RATE_HZ, times), centroid_hz(wav, RATE_HZ, times)
    assert loud[0] - loud[1] == pytest.approx(20.0, abs=1.0) and loud[3] == -80.0
    assert bright[0] == pytest.approx(3_000, rel=0.1) and bright[1] == pytest.approx(300, rel=0.3)
    assert bright[3] == pytest.approx(RATE_HZ / 4, rel=0.01)

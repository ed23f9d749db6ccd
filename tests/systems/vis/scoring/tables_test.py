"""Laws of the evaluation of predicted impacts: ceiling, floor, missing sounds, takes."""

import json

import numpy as np
import pytest

from tests.systems.vis.scoring.impact_worlds import CHANNELS, STEPS, made_up_impacts
from vis2sound_jax.systems.vis.scoring.impacts import centroid, loudness
from vis2sound_jax.systems.vis.scoring.sound_svm import fit_sound_svms
from vis2sound_jax.systems.vis.scoring.tables import REAL_ROW, evaluate_impacts

TRAIN, TEST = made_up_impacts(0), made_up_impacts(1)


@pytest.fixture(scope="module")
def svms():
    return fit_sound_svms(TRAIN)


@pytest.fixture(scope="module")
def scores(svms):
    rng = np.random.default_rng(0)
    noise = 0.3 * rng.random(TEST.features.shape).astype(np.float32)
    labelled = np.array(TEST.material) != "None"
    oracle = np.where(labelled[:, None, None], TEST.features, np.float32(np.nan))
    takes = np.stack([TEST.features[rng.permutation(len(noise))] for _ in range(3)])
    rows = {"full system": TEST.features + noise, "full system + material": oracle, "random impact sound": takes}
    return evaluate_impacts(TRAIN, TEST, rows, svms=svms)


def test_real_sound_is_the_ceiling(scores):
    real = scores.rows[REAL_ROW]
    assert list(scores.rows)[-1] == REAL_ROW
    assert real["loudness_mse"].value == real["centroid_mse"].value == 0.0
    assert real["loudness_r"].value == pytest.approx(1.0) and real["centroid_r"].value == pytest.approx(1.0)
    assert real["material"].value > 0.9 > scores.rows["random impact sound"]["material"].value + 0.3


def test_levels_are_the_plain_statistics(scores):
    takes = scores.rows["full system"]
    rng = np.random.default_rng(0)
    given = TEST.features + 0.3 * rng.random(TEST.features.shape).astype(np.float32)
    for name, measure in (("loudness", loudness), ("centroid", centroid)):
        true, made = measure(TEST.features), measure(given)
        assert takes[f"{name}_mse"].value == pytest.approx(np.mean((true - made) ** 2))
        assert takes[f"{name}_r"].value == pytest.approx(np.corrcoef(true, made)[0, 1])


def test_random_sounds_are_at_chance(scores):
    random = scores.rows["random impact sound"]
    assert random["loudness_mse"].value == pytest.approx(2 * np.var(loudness(TEST.features)), rel=0.25)
    assert random["material"].low < scores.chance["material"] < random["material"].high
    assert abs(random["centroid_r"].value) < 0.15


def test_clips_without_a_sound_are_left_out(scores):
    n = len(TEST.material)
    unlabelled = TEST.material.count("None")
    assert scores.judged == {
        "full system": n,
        "full system + material": n - unlabelled,
        "random impact sound": 3 * n,
        REAL_ROW: n,
    }
    assert scores.rows["full system + material"]["material"] == scores.rows[REAL_ROW]["material"]


def test_kinds_chance_and_confusion(scores):
    assert scores.chance == {"material": pytest.approx(1 / 3), "action": 0.5, "hardness": 0.5}
    assert scores.labelled["material"] == sum(name != "None" for name in TEST.material)
    assert scores.labelled["hardness"] < scores.labelled["material"]  # dirt is neither
    for kinds in scores.soft.values():
        assert kinds["material"].sum(axis=1) == pytest.approx(1.0)
    each = scores.per_class[REAL_ROW]["material"]
    assert np.mean([e.value for e in each.values()]) == pytest.approx(scores.rows[REAL_ROW]["material"].value)


def test_seeded_and_json_ready(scores, svms):
    again = evaluate_impacts(TRAIN, TEST, {}, svms=svms)
    assert again.rows[REAL_ROW] == scores.rows[REAL_ROW]
    text = json.loads(json.dumps(scores.as_dict(), allow_nan=False))
    assert text["rows"]["full system"]["loudness_r"]["low"] < 1.0
    assert len(scores.examples) == sum(scores.judged.values())
    assert set(json.loads(json.dumps(scores.examples[0]))["material"]) == {"true", "heard"}


def test_wrong_rows_are_refused(svms):
    for features in (TEST.features[1:], -TEST.features, np.zeros((STEPS, CHANNELS), np.float32)):
        with pytest.raises(ValueError, match="ridge: cochleagrams"):
            evaluate_impacts(TRAIN, TEST, {"ridge": features}, svms=svms)
    with pytest.raises(ValueError, match="added by itself"):
        evaluate_impacts(TRAIN, TEST, {REAL_ROW: TEST.features}, svms=svms)

"""Laws of the published protocol: the true sound is its measure, flaws stay, every sound has one name a kind."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.systems.condfoley.scoring.foley_worlds import RATE_HZ, toy_classifiers, toy_items
from vis2sound_jax.systems.condfoley.scoring.published import PUBLISHED_METRICS, evaluate_published, name_sounds

ITEMS = toy_items()[:4]


@pytest.fixture(scope="module")
def classifiers():
    return toy_classifiers()


@pytest.fixture(scope="module")
def scores(classifiers):
    return evaluate_published(ITEMS, RATE_HZ, classifiers, real_row="real", chance_row="chance")


def test_published_rates_and_sounds_without_onsets(classifiers):
    wavs = [ITEMS[0].wav, np.zeros(RATE_HZ, np.float32), ITEMS[1].wav[:-777]]
    together = name_sounds(wavs, RATE_HZ, classifiers)
    assert together == [name_sounds([wav], RATE_HZ, classifiers)[0] for wav in wavs]
    assert set(together[1]) == set(classifiers) and together[0]["material"] == "glass"
    double = [replace(i, wav=np.repeat(i.wav, 2), condition_wav=i.wav, takes={}) for i in ITEMS[:1]]
    rows = evaluate_published(double, 2 * RATE_HZ, classifiers, real_row="real", chance_row="chance").rows
    assert rows["real"]["onset_ap"].value == rows["chance"]["onset_ap"].value == 1.0


def test_the_true_sound_is_the_measure_of_all_but_the_material(scores):
    assert list(scores.rows) == [*ITEMS[0].takes, "real", "chance"]
    assert all(scores.rows["real"][name].value == 1.0 for name in PUBLISHED_METRICS if name != "material")
    assert scores.rows["late"]["onset_accuracy"].value < 0.5 < scores.rows["late"]["material"].value


def test_every_take_has_a_line_that_says_what_was_wanted(scores):
    assert len(scores.examples["takes"]) == 2 * len(ITEMS) and len(scores.examples["late"]) == len(ITEMS)
    line = json.loads(json.dumps(scores.examples["real"][0], allow_nan=False))
    assert set(line) == set(PUBLISHED_METRICS) and line["action"]["wanted"] == line["action"]["heard"]


def test_kinds_without_a_classifier_are_left_out():
    found = evaluate_published(ITEMS[:2], RATE_HZ, {}, real_row="real", chance_row="chance")
    assert set(found.rows["real"]) == {"count_match", "onset_accuracy", "onset_ap"}


def test_chance_is_the_sound_of_another_recording_and_follows_from_the_seed(classifiers):
    bare = [replace(item, takes={}) for item in ITEMS]
    found, again = (
        evaluate_published(bare, RATE_HZ, classifiers, real_row="real", chance_row="chance", seed=1) for _ in range(2)
    )
    assert found == again and found.rows["chance"]["onset_accuracy"].value < 1.0

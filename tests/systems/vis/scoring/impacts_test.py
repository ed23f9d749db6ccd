"""Laws of the measures of single impacts: loudness and centroid by hand, labels, what is no cochleagram."""

import numpy as np
import pytest

from tests.systems.vis.scoring.impact_worlds import made_up_impacts
from vis2sound_jax.systems.vis.scoring.impacts import HARDNESS, KINDS, centroid, check_features, loudness


@pytest.fixture(scope="module")
def sounds():
    return made_up_impacts(0)


def test_loudness_and_centroid_of_single_cells():
    features = np.zeros((3, 45, 42), np.float32)
    features[0, 22, 7] = 2.0
    features[1, 21, 10], features[1, 23, 20], features[1, 25, 40] = 1.0, 3.0, 9.0
    assert loudness(features).tolist() == [2.0, 9.0, 0.0]
    assert centroid(features).tolist() == [7.0, 17.5, 20.5]  # outside the 3 middle steps nothing counts


def test_loudness_scales_and_centroid_does_not(sounds):
    assert loudness(3.0 * sounds.features) == pytest.approx(3.0 * loudness(sounds.features), rel=1e-5)
    assert centroid(3.0 * sounds.features) == pytest.approx(centroid(sounds.features), rel=1e-5)


def test_hardness_follows_from_material(sounds):
    pairs = set(zip(sounds.material, sounds.labels("hardness").tolist(), strict=True))
    assert pairs == {("cloth", "soft"), ("dirt", "None"), ("wood", "hard"), ("None", "None")}


def test_features_are_checked():
    good = np.zeros((2, 9, 8), np.float32)
    check_features(good, 2, "row")
    for bad in (good[:1], good[0], good - 1.0, good * np.nan):
        with pytest.raises(ValueError, match="row: cochleagrams"):
            check_features(bad, 2, "row")


def test_every_clip_has_a_label_of_every_kind(sounds):
    for kind in KINDS:
        assert sounds.labels(kind).shape == (len(sounds.recording),)
    assert sounds.labels("material").tolist() == sounds.material
    assert set(HARDNESS.values()) == {"soft", "hard"} and "dirt" not in HARDNESS

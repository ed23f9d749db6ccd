"""Laws of the measures and machines of single impacts."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from tests.systems.vis.scoring.impact_worlds import MATERIALS, made_up_impacts
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.vis.scoring import sound_svm
from vis2sound_jax.systems.vis.scoring.confusion import confusion_order
from vis2sound_jax.systems.vis.scoring.impacts import centroid, check_features, loudness
from vis2sound_jax.systems.vis.scoring.sound_svm import fit_sound_svm, fit_sound_svms, soft_confusion


@pytest.fixture(scope="module")
def sounds():
    return made_up_impacts(0)


@pytest.fixture(scope="module")
def svms(sounds):
    return fit_sound_svms(sounds)


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


def test_unheard_recordings_are_named_right(svms):
    test = made_up_impacts(1)
    assert set(svms) == {"material", "action", "hardness"}  # one reaction only: nothing to tell apart
    assert svms["material"].classes == MATERIALS
    for kind, svm in svms.items():
        labels = test.labels(kind)
        known = np.isin(labels, svm.classes)
        assert np.mean(np.array(svm.predict(test.features))[known] == labels[known]) > 0.9
        probabilities = svm.probabilities(test.features)
        assert probabilities.sum(axis=1) == pytest.approx(1.0)
        assert svm.predict(test.features) == svm.model.predict(test.features.reshape(len(labels), -1)).tolist()
        assert svm.predict(test.features[:0]) == []


def test_weights_stand_for_repetitions(sounds):
    labels = sounds.labels("material")
    index, count = sound_svm._resample(labels, MATERIALS, 70, seed=0)
    assert [int(count[labels[index] == name].sum()) for name in MATERIALS] == [70] * 3
    assert set(np.flatnonzero(labels != "None")) == set(index) and set(count) == {2, 3}
    svm = fit_sound_svm(sounds, "material", per_class=70)
    repeated = np.repeat(index, count)
    exact = make_pipeline(StandardScaler(), LinearSVC(C=svm.model[-1].C, tol=1e-6, dual=False))
    x = sounds.features.reshape(len(labels), -1)
    exact.fit(x[repeated], labels[repeated])
    assert np.corrcoef(exact[-1].coef_.ravel(), svm.model[-1].coef_.ravel())[0, 1] > 0.99


def test_large_classes_are_sampled(sounds):
    index, count = sound_svm._resample(sounds.labels("material"), MATERIALS, 10, seed=0)
    assert len(index) == 30 and set(count) == {1}
    other, _ = sound_svm._resample(sounds.labels("material"), MATERIALS, 10, seed=1)
    assert index.tolist() != other.tolist()


def test_same_seed_same_machine(sounds, svms):
    again = fit_sound_svm(sounds, "material")
    assert np.array_equal(again.model[-1].coef_, svms["material"].model[-1].coef_)


def test_one_class_is_refused(sounds):
    with pytest.raises(UserError, match=r"1 reaction .*\(static\).*needs 2"):
        fit_sound_svm(sounds, "reaction")


def test_soft_confusion_is_the_mean_of_each_class(svms):
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8]])
    soft = soft_confusion(probabilities, ["a", "a", "c"], ["a", "b"])
    assert soft.tolist() == [[0.75, 0.25], [0.0, 0.0]]


def test_confusion_order_chains_neighbours():
    place = np.array([0.0, 3.0, 1.0, 2.0])
    soft = np.exp(-(np.subtract.outer(place, place) ** 2))
    assert confusion_order(soft) == [0, 2, 3, 1]
    assert confusion_order(soft, start=1) == [1, 3, 2, 0]
    assert confusion_order(np.zeros((0, 0))) == []

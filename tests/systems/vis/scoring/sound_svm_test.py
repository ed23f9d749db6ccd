"""Laws of the machines that name single impacts by their sound."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from tests.systems.vis.scoring.impact_worlds import MATERIALS, made_up_impacts
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.vis.scoring import sound_svm
from vis2sound_jax.systems.vis.scoring.sound_svm import fit_sound_svm, fit_sound_svms, soft_confusion


@pytest.fixture(scope="module")
def sounds():
    return made_up_impacts(0)


@pytest.fixture(scope="module")
def svms(sounds):
    return fit_sound_svms(sounds)


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

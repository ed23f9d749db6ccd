"""Laws of the classifiers and their features."""

import joblib
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.classifiers import (
    event_features,
    fit_classifier,
    save_classifier,
)

RATE_HZ = 22_050


def toy(classes=("metal", "wood"), each=12, seed=0):
    rng = np.random.default_rng(seed)
    labels = [name for name in classes for _ in range(each)]
    centres = {name: rng.normal(size=20) * 5 for name in classes}
    features = np.array([centres[name] + rng.normal(size=20) for name in labels], np.float32)
    return features, labels, [str(i % 4) for i in range(len(labels))]


def test_separable_toy_reaches_one():
    features, labels, recordings = toy(("cloth", "metal", "wood"))
    classifier = fit_classifier(features, labels, recordings, label="material", rate_hz=RATE_HZ)
    assert classifier.accuracy(features, labels) == 1.0
    assert classifier.classes == ("cloth", "metal", "wood")
    assert classifier.predict(features[:0]) == []


def test_unlabelled_is_dropped_in_fit_and_score():
    features, labels, recordings = toy()
    labels[0] = labels[-1] = "None"
    classifier = fit_classifier(features, labels, recordings, label="material", rate_hz=RATE_HZ)
    assert "None" not in classifier.classes and classifier.accuracy(features, labels) == 1.0
    assert np.isnan(classifier.accuracy(features, ["None"] * len(labels)))


def test_one_class_is_not_enough():
    features, labels, recordings = toy(("metal",))
    with pytest.raises(UserError, match=r"label 1 material \(metal\)"):
        fit_classifier(features, labels, recordings, label="material", rate_hz=RATE_HZ)


def test_saved_and_loaded_predicts_the_same(tmp_path):
    features, labels, recordings = toy()
    classifier = fit_classifier(features, labels, recordings, label="action", rate_hz=RATE_HZ)
    path = tmp_path / "action.joblib"
    save_classifier(path, classifier)
    assert joblib.load(path).predict(features) == classifier.predict(features)
    assert [p.name for p in tmp_path.iterdir()] == ["action.joblib"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(UserError, match="its folder .*no does not exist; create the folder first"):
        save_classifier(tmp_path / "no" / "c.joblib", fit_classifier(*toy(), label="material", rate_hz=RATE_HZ))


def test_features_follow_the_event_and_not_its_level():
    rng = np.random.default_rng(1)
    wav = np.zeros(2 * RATE_HZ, np.float32)
    burst = rng.normal(size=4_000) * np.exp(-np.arange(4_000) / 600)
    wav[RATE_HZ : RATE_HZ + 4_000] = 0.2 * burst
    late = np.roll(wav, round(0.3 * RATE_HZ))
    here, there = event_features(wav, RATE_HZ, [1.0])[0], event_features(late, RATE_HZ, [1.3])[0]
    np.testing.assert_allclose(here, there, atol=1e-3)
    louder = event_features(2 * wav, RATE_HZ, [1.0])[0]
    np.testing.assert_allclose(here[:-1], louder[:-1], atol=1e-2)
    assert louder[-1] - here[-1] == pytest.approx(20 * np.log10(2), abs=0.01)


def test_features_at_borders_of_silence_and_of_many_events():
    wav = np.zeros(RATE_HZ, np.float32)
    assert event_features(wav, RATE_HZ, []).shape[0] == 0
    features = event_features(wav, RATE_HZ, np.linspace(-0.5, 1.5, 70))
    assert features.shape[0] == 70 and np.isfinite(features).all()
    assert features.shape[1] == event_features(wav, RATE_HZ, []).shape[1]

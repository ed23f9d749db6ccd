"""Laws of the classifiers and their features."""

import pickle

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation import classifiers
from vis2sound_jax.evaluation.classifiers import (
    event_features,
    fit_classifier,
    load_classifier,
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


@pytest.mark.parametrize("classes", [("metal", "wood"), ("cloth", "metal", "wood", "$_$ \U0001f941")])
@pytest.mark.parametrize("head", range(3))
def test_saved_and_loaded_predicts_the_same(tmp_path, monkeypatch, classes, head):
    """Of each kind of classifier, on events between the classes too."""
    features, labels, recordings = toy(classes)
    candidates = classifiers._candidates
    monkeypatch.setattr(classifiers, "_candidates", lambda: [candidates()[head]])
    fitted = fit_classifier(features, labels, recordings, label="action", rate_hz=RATE_HZ)
    path = tmp_path / "action.npz"
    save_classifier(path, fitted)
    loaded = load_classifier(path)
    between = 6 * np.random.default_rng(1).standard_normal((500, 20)).astype(np.float32)
    for events in (features, between):
        assert loaded.predict(events) == fitted.predict(events)
    assert (loaded.classes, loaded.label, loaded.rate_hz) == (fitted.classes, "action", RATE_HZ)
    assert [p.name for p in tmp_path.iterdir()] == ["action.npz"]
    save_classifier(tmp_path / "again.npz", loaded)
    assert load_classifier(tmp_path / "again.npz").predict(between) == fitted.predict(between)


def test_pickles_and_other_files_are_no_classifiers(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (tmp_path.joinpath("run").touch, ())

    (tmp_path / "a.joblib").write_bytes(pickle.dumps(Harmful()))
    (tmp_path / "empty.npz").touch()
    np.savez(tmp_path / "objects.npz", facts=np.array([Harmful()], dtype=object))
    np.savez(tmp_path / "other.npz", facts='{"kind": "another", "version": 1}')
    for name in ("a.joblib", "empty.npz", "objects.npz", "other.npz"):
        with pytest.raises(UserError, match=f"{name}: is no classifier that this version wrote .*; evaluate the run"):
            load_classifier(tmp_path / name)
    with pytest.raises(UserError, match="none.npz: no such file"):
        load_classifier(tmp_path / "none.npz")
    assert not (tmp_path / "run").exists()


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

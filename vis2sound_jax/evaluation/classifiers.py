"""Material and action heard by a machine: classifiers of single events, trained on real sounds.

The classifiers judge generated sounds, so they hear training recordings' real sounds only, and their own
score on held-out real sounds is the ceiling that is printed beside every other score.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Shaped
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from vis2sound_jax.audio.mel import MelSpec, log_mel
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.evaluation.classifier_files import PlainModel, read_model, write_model

Labels = Sequence[str] | Shaped[np.ndarray, "e"]
"""One label an event, as text."""

UNLABELLED = "None"
EVENT_S = 0.5
_LEAD_S = 0.05  # annotations lead the audible onset by about 20 ms and are rounded to 33 ms
_BATCH = 64  # one shape, so that the mel is compiled once
_PARTS = 8  # equal parts of the event, in each of which a band's level is averaged
_GROUP = 4  # neighbouring mel bands that are averaged
_RANGE_DB = 60.0  # below an event's own peak band by this much there is only the room
_FEATURES = "log-mel-parts-1"


@dataclass(frozen=True)
class EventClassifier:
    """A fitted classifier of single events.

    Attributes:
      model: scaler and the chosen SVM or logistic regression; from a file, their arrays.
      label: what it tells apart, such as "material".
      rate_hz: sample rate of the sounds it was fitted on; others must be resampled to it.
      features: name of the feature layout it expects.
    """

    model: Pipeline | PlainModel
    label: str
    rate_hz: int
    features: str = _FEATURES

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels it knows, in alphabetical order."""
        return tuple(str(name) for name in self.model.classes_)

    def predict(self, features: Float32[np.ndarray, "e d"]) -> list[str]:
        """Names the class of each event.

        Args:
          features: what `event_features` returns.

        Returns:
          One label per event.
        """
        return [str(name) for name in self.model.predict(features)] if len(features) else []

    def accuracy(self, features: Float32[np.ndarray, "e d"], labels: Sequence[str]) -> float:
        """The share of labelled events named right.

        Args:
          features: what `event_features` returns.
          labels: the human labels; `"None"` is left out.

        Returns:
          Accuracy in [0, 1], NaN where no event is labelled.
        """
        mask = labelled(labels)
        if not mask.any():
            return float("nan")
        return float(np.mean(np.array(self.predict(features[mask])) == np.array(labels)[mask]))


def labelled(labels: Labels) -> Bool[np.ndarray, "e"]:
    """Marks the events that a person labelled.

    Args:
      labels: labels, `"None"` or empty where there is none.

    Returns:
      True where labelled.
    """
    return np.array([label not in (UNLABELLED, "") for label in labels], bool)


def event_features(
    wav: Float32[np.ndarray, "n"], rate_hz: int, times_s: Sequence[float] | Float[np.ndarray, "e"]
) -> Float32[np.ndarray, "e d"]:
    """Describes the half second of sound at each event, whatever its level.

    Log-mel bands (20) in decibels below the event's own peak, averaged over each of 8 parts of the time, and
    the peak level itself. Finer measures tell real sounds apart no better, and what they measure most is how
    smooth a vocoder or a codebook has made them.

    Args:
      wav: waveform in [-1, 1]; what lies outside is silence.
      rate_hz: its sample rate, at least 15,200.
      times_s: times of the events, in seconds.

    Returns:
      One row of features per event.
    """
    lead, length = round(_LEAD_S * rate_hz), round(EVENT_S * rate_hz)
    starts = [round(float(t) * rate_hz) - lead for t in times_s]
    cuts = np.stack([_cut(wav, start, length) for start in starts]) if starts else np.zeros((0, length), np.float32)
    spec = MelSpec(rate_hz=rate_hz)
    rows = []
    for first in range(0, len(cuts), _BATCH):
        batch = cuts[first : first + _BATCH]
        padded = np.pad(batch, ((0, _BATCH - len(batch)), (0, 0)))
        mel = np.asarray(log_mel(padded, spec))[: len(batch)]
        rows.append(_pool(mel * (spec.top_db - spec.floor_db) + spec.floor_db))
    width = _pool(np.zeros((1, spec.n_mels, spec.frames_for(length)))).shape[1]
    return np.concatenate([np.zeros((0, width)), *rows]).astype(np.float32)


def fit_classifier(
    features: Float32[np.ndarray, "e d"],
    labels: Sequence[str],
    recordings: Sequence[str],
    *,
    label: str,
    rate_hz: int,
    seed: int = 0,
    max_per_class: int = 300,
) -> EventClassifier:
    """Fits a class-balanced classifier: of three candidates the one that does best on unheard recordings.

    Few recordings want a stiff classifier and many a supple one, so two RBF SVMs and a logistic regression
    are compared by class-averaged accuracy in a 4-fold cross-validation that never splits a recording.

    Args:
      features: what `event_features` returns for real training sounds.
      labels: human labels, `"None"` is left out.
      recordings: the recording of each event.
      label: what is told apart, such as "material".
      rate_hz: sample rate of the sounds.
      seed: chooses the events of classes with too many.
      max_per_class: events kept per class, so that fitting stays fast.

    Returns:
      The classifier, fitted on all that was kept.

    Raises:
      UserError: where fewer than two classes are labelled.
    """
    names = np.array(labels, dtype=object)
    mask = labelled(labels)
    classes = sorted(set(names[mask]))
    if len(classes) < 2:
        found = ", ".join(classes) or "none"
        raise UserError(
            f"training recordings label {len(classes)} {label} ({found}), but a classifier needs at least 2; "
            "use recordings with labelled events"
        )
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(mask & (names == name)))[:max_per_class] for name in classes]
    keep = np.sort(np.concatenate(chosen))
    x, y, groups = features[keep], names[keep].astype(str), np.array(recordings, dtype=str)[keep]
    scores = [_unheard_accuracy(candidate, x, y, groups) for candidate in _candidates()]
    model = _candidates()[int(np.argmax(scores))].fit(x, y)
    return EventClassifier(model, label, rate_hz)


def save_classifier(path: str | os.PathLike[str], classifier: EventClassifier) -> None:
    """Writes a classifier as plain arrays (npz); the old file stays whole until the new one is.

    Args:
      path: where to, its folder must exist.
      classifier: what to write.

    Raises:
      UserError: where it cannot be written.
    """
    model = classifier.model if isinstance(classifier.model, PlainModel) else PlainModel.of(classifier.model)
    notes = {"label": classifier.label, "rate_hz": classifier.rate_hz, "features": classifier.features}
    write_model(path, model, notes)


def load_classifier(path: str | os.PathLike[str]) -> EventClassifier:
    """Reads what `save_classifier` wrote; nothing in the file is run, and pickles of earlier versions are refused.

    Args:
      path: the file.

    Returns:
      The classifier, which names what the one that was saved named.

    Raises:
      UserError: if the file is missing, damaged or of another kind.
    """
    model, notes = read_model(path)
    if set(notes) != {"label", "rate_hz", "features"} or notes["features"] != _FEATURES:
        problem = "is a classifier of other features"
        raise file_error(path, problem, "evaluate the run again (--job=evaluate)")
    return EventClassifier(model, **notes)


def _candidates() -> list[Pipeline]:
    heads = [SVC(C=c, kernel="rbf", gamma="scale", class_weight="balanced") for c in (10.0, 1.0)]
    heads.append(LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000))
    return [make_pipeline(StandardScaler(), head) for head in heads]


def _unheard_accuracy(model: Pipeline, x: np.ndarray, y: np.ndarray, groups: np.ndarray) -> float:
    """Class-averaged accuracy on recordings left out; 0 where the recordings are too few to leave any out."""
    folds = min(4, len(set(groups)))
    if folds < 2:
        return 0.0
    correct = np.zeros(y.shape, bool)
    for train, test in GroupKFold(folds).split(x, y, groups):
        if len(set(y[train])) > 1:
            correct[test] = model.fit(x[train], y[train]).predict(x[test]) == y[test]
    return float(np.mean([correct[y == name].mean() for name in set(y)]))


def _cut(wav: np.ndarray, start: int, length: int) -> np.ndarray:
    out = np.zeros(length, np.float32)
    first, last = max(start, 0), min(start + length, len(wav))
    if last > first:
        out[first - start : last - start] = wav[first:last]
    return out


def _pool(mel_db: np.ndarray) -> np.ndarray:
    """Averages decibels [e, f, t] over groups of bands and parts of the time to [e, d]."""
    e, f, _ = mel_db.shape
    peak = mel_db.max(axis=(1, 2), keepdims=True)
    bands = np.maximum(mel_db - peak, -_RANGE_DB).reshape(e, f // _GROUP, _GROUP, -1).mean(axis=2)
    parts = [part.mean(axis=2) for part in np.array_split(bands, _PARTS, axis=2)]
    return np.concatenate([*parts, peak[:, :, 0]], axis=1)

"""Linear SVMs that name the material, action, reaction or hardness of an impact by its sound (VIS section 6).

They hear real training sounds only. What they make of predicted sounds says how much of the label a
prediction carries, and their score on real test sounds is the ceiling.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64
from scipy.special import softmax
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.classifiers import labelled
from vis2sound_jax.systems.vis.scoring.impacts import KINDS, ImpactSounds

PER_CLASS = {"material": 260, "action": 260, "reaction": 260, "hardness": 1300}
MIN_CLIPS = 5  # a class of fewer training clips is not told apart
_COSTS = (1e-4, 1e-3)
_FOLDS = 2
_TRIED_PER_CLASS = 80  # clips of a class that the choice of the cost looks at
_TOLERANCE = 0.1  # liblinear's dual; a finer one takes longer and names no more clips right


@dataclass(frozen=True)
class SoundSVM:
    """A fitted SVM over flattened cochleagrams.

    Attributes:
      model: scaler and linear SVM, one against the rest.
      kind: what it tells apart, one of `KINDS`.
    """

    model: Pipeline
    kind: str

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels it knows, in alphabetical order."""
        return tuple(str(name) for name in self.model.classes_)

    def predict(self, features: Float32[np.ndarray, "e t c"]) -> list[str]:
        """Names the class of each clip.

        Args:
          features: compressed cochleagrams of centred clips.

        Returns:
          One label a clip.
        """
        return [self.classes[i] for i in self.probabilities(features).argmax(axis=1)]

    def probabilities(self, features: Float32[np.ndarray, "e t c"]) -> Float64[np.ndarray, "e k"]:
        """How much each clip sounds like each class: the softmax of the SVM's decision values.

        An SVM gives no probabilities and the paper does not say how it made them; these are not calibrated.

        Args:
          features: compressed cochleagrams of centred clips.

        Returns:
          Rows that sum to 1, columns in the order of `classes`.
        """
        if not len(features):
            return np.zeros((0, len(self.classes)))
        decisions = self.model.decision_function(_flat(features))
        if decisions.ndim == 1:  # two classes: one value, for the second
            decisions = np.stack([-decisions, decisions], axis=1)
        return softmax(decisions.astype(np.float64), axis=1)


def fit_sound_svm(sounds: ImpactSounds, kind: str, *, per_class: int | None = None, seed: int = 0) -> SoundSVM:
    """Fits an SVM on real training sounds, every class with the same number of clips.

    A class with more clips is sampled, one with fewer is repeated; a repeated clip enters with a weight,
    which gives the same machine in less time. The cost is chosen of two by class-averaged accuracy on
    recordings left out.

    Args:
      sounds: training clips; those without a label of this kind are left out.
      kind: one of `KINDS`.
      per_class: clips of each class after resampling, the paper's number by default (`PER_CLASS`).
      seed: of the resampling.

    Returns:
      The machine.

    Raises:
      UserError: where fewer than two classes have `MIN_CLIPS` clips.
    """
    labels = sounds.labels(kind)
    classes = _classes(labels)
    if len(classes) < 2:
        raise UserError(
            f"training recordings have {len(classes)} {kind} with at least {MIN_CLIPS} labelled impacts "
            f"({', '.join(classes) or 'none'}), but a classifier needs 2; use more labelled recordings"
        )
    wanted = per_class or PER_CLASS[kind]
    cost = _choose_cost(sounds, labels, classes, min(wanted, _TRIED_PER_CLASS), wanted, seed)
    index, weight = _resample(labels, classes, wanted, seed)
    return SoundSVM(_fit(cost, _flat(sounds.features[index]), labels[index], weight), kind)


def fit_sound_svms(sounds: ImpactSounds, *, seed: int = 0) -> dict[str, SoundSVM]:
    """Fits the machine of every kind that has at least two classes.

    Args:
      sounds: training clips.
      seed: of the resampling.

    Returns:
      The machines by kind; kinds with too few labels are left out.
    """
    usable = [kind for kind in KINDS if len(_classes(sounds.labels(kind))) > 1]
    return {kind: fit_sound_svm(sounds, kind, seed=seed) for kind in usable}


def soft_confusion(
    probabilities: Float64[np.ndarray, "e k"], labels: Sequence[str] | np.ndarray, classes: Sequence[str]
) -> Float64[np.ndarray, "k k"]:
    """Mean class probabilities of the clips of each true class, the paper's confusion matrix.

    Args:
      probabilities: of each clip, columns in the order of `classes`.
      labels: the true label of each clip; others than `classes` are left out.
      classes: the labels in order.

    Returns:
      [true, heard], rows sum to 1; a row of zeros where no clip has the label.
    """
    labels = np.asarray(labels, dtype=str)
    rows = [probabilities[labels == name] for name in classes]
    return np.stack([row.mean(axis=0) if len(row) else np.zeros(len(classes)) for row in rows])


def _classes(labels: np.ndarray) -> list[str]:
    names, counts = np.unique(labels[labelled(labels)], return_counts=True)
    return [str(name) for name, count in zip(names, counts, strict=True) if count >= MIN_CLIPS]


def _resample(labels: np.ndarray, classes: Sequence[str], per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The clips to use and how often each; a permutation taken round and round uses every clip before repeating."""
    rng = np.random.default_rng(seed)
    drawn = [np.resize(rng.permutation(np.flatnonzero(labels == name)), per_class) for name in classes]
    return np.unique(np.concatenate(drawn), return_counts=True)


def _choose_cost(
    sounds: ImpactSounds, labels: np.ndarray, classes: Sequence[str], tried: int, wanted: int, seed: int
) -> float:
    index, count = _resample(labels, classes, tried, seed + 1)
    weight = count * (wanted / tried)  # the cost multiplies the weights, so their sum must be the final fit's
    x, y, groups = _flat(sounds.features[index]), labels[index], np.array(sounds.recording, dtype=str)[index]
    folds = min(_FOLDS, len(set(groups)))
    if folds < 2:
        return _COSTS[0]
    scores = []
    for cost in _COSTS:
        right = np.zeros(len(y), bool)
        for train, test in GroupKFold(folds).split(x, y, groups):
            if len(set(y[train])) > 1:
                share = folds / (folds - 1)
                right[test] = _fit(cost, x[train], y[train], share * weight[train]).predict(x[test]) == y[test]
        scores.append(float(np.mean([right[y == name].mean() for name in classes])))
    return _COSTS[int(np.argmax(scores))]


def _fit(cost: float, x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Pipeline:
    svm = LinearSVC(C=cost, dual=True, tol=_TOLERANCE, random_state=0)
    model = make_pipeline(StandardScaler(), svm)
    return model.fit(x, y, standardscaler__sample_weight=weight, linearsvc__sample_weight=weight)


def _flat(features: np.ndarray) -> np.ndarray:
    return features.reshape(len(features), -1)

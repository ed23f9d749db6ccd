"""Predicted sounds of single impacts, judged as in Visually Indicated Sounds, section 6.

Every row is compared with the real sound of the same clip: error and correlation of loudness and centroid, and
what SVMs that were trained on real training sounds hear in it. The paper gives one number each; here all have
95 % intervals over recordings, the real sound as ceiling, and chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.systems.vis.scoring.estimates import Heard, RowScorer, listen
from vis2sound_jax.systems.vis.scoring.impacts import ImpactSounds, check_features
from vis2sound_jax.systems.vis.scoring.sound_svm import SoundSVM, fit_sound_svms, soft_confusion

REAL_ROW = "real sound"


@dataclass(frozen=True)
class VisScores:
    """What the evaluation found.

    Attributes:
      rows: by row and metric, the estimate: `loudness_mse`, `loudness_r`, `centroid_mse`, `centroid_r`, and
        for every kind with a classifier its class-averaged accuracy in [0, 1].
      per_class: by row, kind and class, the share of its clips that the classifier names right.
      soft: by row and kind, the mean class probabilities [true, heard].
      classes: by kind, the classes that are told apart.
      chance: by kind, the class-averaged accuracy of guessing.
      labelled: by kind, the test clips that its classifier is asked about.
      judged: by row, the sounds that were judged.
      n_train: training clips.
      n_test: test clips.
      n_recordings: recordings of the test clips.
      examples: one JSON-ready dictionary a judged sound.
    """

    rows: dict[str, dict[str, Estimate]]
    per_class: dict[str, dict[str, dict[str, Estimate]]]
    soft: dict[str, dict[str, np.ndarray]]
    classes: dict[str, tuple[str, ...]]
    chance: dict[str, float]
    labelled: dict[str, int]
    judged: dict[str, int]
    n_train: int
    n_test: int
    n_recordings: int
    examples: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Everything but the examples, for metrics.json.

        Returns:
          A JSON-ready nested dictionary.
        """
        return {
            "clips": {"train": self.n_train, "test": self.n_test, "labelled": self.labelled, "judged": self.judged},
            "recordings": self.n_recordings,
            "chance": self.chance,
            "rows": {row: _plain(metrics) for row, metrics in self.rows.items()},
            "per_class": {
                row: {kind: _plain(shares) for kind, shares in kinds.items()} for row, kinds in self.per_class.items()
            },
            "classes": {kind: list(names) for kind, names in self.classes.items()},
            "soft_confusion": {
                row: {kind: np.round(soft, 6).tolist() for kind, soft in kinds.items()}
                for row, kinds in self.soft.items()
            },
        }


def evaluate_impacts(
    train: ImpactSounds,
    test: ImpactSounds,
    rows: Mapping[str, np.ndarray],
    *,
    svms: Mapping[str, SoundSVM] | None = None,
    seed: int = 0,
) -> VisScores:
    """Scores every row and the real sound.

    Args:
      train: real training sounds, for the classifiers.
      test: real test sounds with their labels.
      rows: by name, the cochleagrams given for the test clips, [e, t, c] float32 or several takes of each,
        [r, e, t, c], all of which are judged. A clip whose features are all NaN has no sound in this row and
        is left out of it, such as an unlabelled clip where the label chooses the sound.
      svms: fitted classifiers by kind, None to fit them on `train`.
      seed: of the bootstrap and of the classifiers' resampling.

    Returns:
      The scores; the last row is the real sound.

    Raises:
      ValueError: for no test clips, features of a wrong shape or range, and a row named as the real sound's.
    """
    if REAL_ROW in rows:
        raise ValueError(f"a row is named {REAL_ROW!r}, which is added by itself; choose another name")
    if not test.recording:
        raise ValueError("no test clips; give at least one")
    check_features(test.features, len(test.recording), "test clips")
    if svms is None:
        check_features(train.features, len(train.recording), "training clips")
        svms = fit_sound_svms(train, seed=seed)
    heard = {
        row: listen(features, len(test.recording), svms, row)
        for row, features in {**rows, REAL_ROW: test.features}.items()
    }
    return _score(heard, train, test, svms, seed)


def _score(
    heard: Mapping[str, Heard], train: ImpactSounds, test: ImpactSounds, svms: Mapping[str, SoundSVM], seed: int
) -> VisScores:
    real = heard[REAL_ROW].levels
    labels = {kind: test.labels(kind) for kind in svms}
    classes = {kind: svm.classes for kind, svm in svms.items()}
    scorer = RowScorer(test.recording, seed)
    right = {
        row: {kind: scorer.right(h, kind, classes[kind], labels[kind]) for kind in svms} for row, h in heard.items()
    }
    return VisScores(
        rows={
            row: {**scorer.levels(h, real), **{kind: mean for kind, (mean, _) in right[row].items()}}
            for row, h in heard.items()
        },
        per_class={row: {kind: each for kind, (_, each) in kinds.items()} for row, kinds in right.items()},
        soft={
            row: {kind: soft_confusion(p, labels[kind][h.clip], classes[kind]) for kind, p in h.probabilities.items()}
            for row, h in heard.items()
        },
        classes=classes,
        chance={kind: 1.0 / len(names) for kind, names in classes.items()},
        labelled={kind: int(np.isin(labels[kind], names).sum()) for kind, names in classes.items()},
        judged={row: len(h.clip) for row, h in heard.items()},
        n_train=len(train.recording),
        n_test=len(test.recording),
        n_recordings=len(set(test.recording)),
        examples=[example for row, h in heard.items() for example in _examples(row, h, test, labels, classes, real)],
    )


def _examples(
    row: str,
    heard: Heard,
    test: ImpactSounds,
    labels: Mapping[str, np.ndarray],
    classes: Mapping[str, tuple[str, ...]],
    real: Mapping[str, np.ndarray],
) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "clip": int(clip),
            "recording": test.recording[clip],
            **{
                name: {"true": round(float(real[name][clip]), 4), "given": round(float(levels[i]), 4)}
                for name, levels in heard.levels.items()
            },
            **{
                kind: {"true": str(labels[kind][clip]), "heard": classes[kind][int(p[i].argmax())]}
                for kind, p in heard.probabilities.items()
            },
        }
        for i, clip in enumerate(heard.clip)
    ]


def _plain(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float | None]]:
    return {name: estimate.as_dict() for name, estimate in estimates.items()}

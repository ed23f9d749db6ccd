"""What the listening study found: how often a synthesised sound was taken for the real one.

Three intervals of 95 % stand side by side. The normal one is the paper's ±. Wilson's stays honest for few
answers. The bootstrap over participants knows that one person's answers hang together.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Any

import numpy as np
from scipy import stats

from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler
from vis2sound_jax.listening.table import Answer, read_answers

LABELS = ("material", "action", "reaction")
_Z = 1.959964  # 97.5 % of the normal distribution


@dataclass(frozen=True)
class LabelledReal:
    """How often one kind of sound was labelled real, in percent; 50 is indistinguishable.

    Attributes:
      percent: share of the answers that chose it.
      margin: half the normal interval, the paper's ±.
      low: lower end of Wilson's interval.
      high: upper end of Wilson's interval.
      participants: the same share with its bootstrap interval over participants, NaN ends for one person.
      n_answers: number of answers.
      n_participants: number of people who gave them.
    """

    percent: float
    margin: float
    low: float
    high: float
    participants: Estimate
    n_answers: int
    n_participants: int

    def as_dict(self) -> dict[str, Any]:
        """The share for JSON.

        Returns:
          A JSON-ready dictionary.
        """
        numbers = {name: round(getattr(self, name), 4) for name in ("percent", "margin", "low", "high")}
        counts = {"answers": self.n_answers, "people": self.n_participants}
        return {**numbers, "over_participants": self.participants.as_dict(), **counts}


@dataclass(frozen=True)
class StudyTable:
    """The study's result.

    Attributes:
      algorithms: by algorithm, how often it was labelled real.
      by_label: by kind ("material", ...), label and algorithm, the same.
      p_values: by pair of algorithms, two-sided Welch t-test of their answers; NaN where it cannot tell.
      n_answers: number of answers.
      n_participants: number of people.
    """

    algorithms: dict[str, LabelledReal]
    by_label: dict[str, dict[str, dict[str, LabelledReal]]]
    p_values: dict[tuple[str, str], float]
    n_answers: int
    n_participants: int

    def as_dict(self) -> dict[str, Any]:
        """Everything, for metrics.json.

        Returns:
          A JSON-ready nested dictionary.
        """
        return {
            "answers": self.n_answers,
            "people": self.n_participants,
            "labelled_real": {name: share.as_dict() for name, share in self.algorithms.items()},
            "by_label": {
                kind: {
                    label: {name: share.as_dict() for name, share in shares.items()} for label, shares in labels.items()
                }
                for kind, labels in self.by_label.items()
            },
            "t_tests": [
                {"algorithms": list(pair), "p": round(p, 6) if np.isfinite(p) else None}
                for pair, p in self.p_values.items()
            ],
        }


def analyse_answers(paths: Sequence[str | os.PathLike[str]], *, seed: int = 0) -> StudyTable:
    """Analyses the answers of all participants.

    Args:
      paths: the CSV files that the study's page saved.
      seed: of the bootstrap.

    Returns:
      The shares, best algorithm first, and the tests between algorithms.

    Raises:
      UserError: for files that cannot be read or hold impossible answers.
    """
    answers = read_answers(paths)
    groups = _grouped(answers, "algorithm")
    shares = {name: _share(group, seed) for name, group in groups.items()}
    order = sorted(shares, key=lambda name: (-shares[name].percent, name))
    return StudyTable(
        algorithms={name: shares[name] for name in order},
        by_label={
            kind: {
                label: {name: _share(found, seed) for name, found in _grouped(group, "algorithm").items()}
                for label, group in _grouped(answers, kind).items()
            }
            for kind in LABELS
        },
        p_values={(a, b): _p_value(groups[a], groups[b]) for a, b in combinations(order, 2)},
        n_answers=len(answers),
        n_participants=len({answer.participant for answer in answers}),
    )


def _grouped(answers: Sequence[Answer], field: str) -> dict[str, list[Answer]]:
    groups: dict[str, list[Answer]] = {}
    for answer in answers:
        groups.setdefault(getattr(answer, field), []).append(answer)
    return dict(sorted(groups.items()))


def _share(answers: Sequence[Answer], seed: int) -> LabelledReal:
    fooled = [int(not answer.correct) for answer in answers]
    n, p = len(fooled), sum(fooled) / len(fooled)
    centre, scale = p + _Z**2 / (2 * n), 1 + _Z**2 / n
    spread = _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    people = [answer.participant for answer in answers]
    drawn = Resampler.over(people, seed=seed).ratio([100 * x for x in fooled], [1] * n)
    if len(set(people)) < 2:
        drawn = Estimate(drawn.value, float("nan"), float("nan"))
    return LabelledReal(
        percent=100 * p,
        margin=100 * _Z * sqrt(p * (1 - p) / n),
        low=max(100 * (centre - spread) / scale, 0.0),
        high=min(100 * (centre + spread) / scale, 100.0),
        participants=drawn,
        n_answers=n,
        n_participants=len(set(people)),
    )


def _p_value(one: Sequence[Answer], other: Sequence[Answer]) -> float:
    a, b = ([float(not answer.correct) for answer in group] for group in (one, other))
    if min(len(a), len(b)) < 2 or np.var(a) + np.var(b) == 0:
        return float("nan")
    return float(stats.ttest_ind(a, b, equal_var=False).pvalue)

"""The pairs of CondFoleyGen's listening test (Du et al. 2023, section 4): 194 targets with three examples each.

Targets and examples are clips of two seconds from different films of Greatest Hits. A pair matches where both clips
show the same set of actions; every metric is given for all pairs and for the two halves.
"""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from vis2sound_jax.audio.onsets import DECIDED
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.evaluation.classifiers import EventClassifier
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem
from vis2sound_jax.systems.condfoley.scoring.soundtracks import FoleyScores, evaluate_condfoley

SUBSETS = ("all", "match", "mismatch")


class AmtPair(NamedTuple):
    """One pair of clips.

    Attributes:
      target: recording of the target clip.
      target_s: where in it the clip begins, in seconds.
      condition: recording of the example clip.
      condition_s: where in it the clip begins, in seconds.
      match: whether both clips show the same actions.
    """

    target: str
    target_s: float
    condition: str
    condition_s: float
    match: bool


def read_amt_pairs(path: str | os.PathLike[str]) -> list[AmtPair]:
    """Reads a list of pairs.

    Args:
      path: JSON, `{target: {example: match}}`, clips named `<recording>_<begin in seconds>`.

    Returns:
      The pairs in the order of the file.
    """
    with open(path, encoding="utf-8") as file:
        listed = json.load(file)
    return [
        AmtPair(*_clip(target), *_clip(example), bool(match))
        for target, examples in listed.items()
        for example, match in examples.items()
    ]


def _clip(name: str) -> tuple[str, float]:
    recording, _, begin_s = name.rpartition("_")
    return recording, float(begin_s)


def present_pairs(pairs: Sequence[AmtPair], recordings: Collection[str]) -> list[AmtPair]:
    """Keeps the pairs of which both recordings are there.

    Args:
      pairs: those of the list.
      recordings: ids of the recordings that are there.

    Returns:
      Those whose recordings are both there.
    """
    return [pair for pair in pairs if pair.target in recordings and pair.condition in recordings]


def evaluate_amt(
    items: Sequence[FoleyItem],
    match: Sequence[bool],
    rate_hz: int,
    classifiers: Mapping[str, EventClassifier],
    *,
    threshold: float | None = DECIDED,
    seed: int = 0,
) -> dict[str, FoleyScores]:
    """Scores all pairs, those that match and those that do not.

    Args:
      items: the pairs with the sounds made for them, at least one.
      match: for each item whether its clips show the same actions.
      rate_hz: sample rate of all sounds.
      classifiers: by kind.
      threshold: confidence from which an onset is heard; see `soundtracks.evaluate_condfoley`.
      seed: of the bootstrap and of chance.

    Returns:
      By name of `SUBSETS`, the scores under both protocols; a subset without pairs is left out.
    """
    paired = list(zip(items, match, strict=True))
    halves = ([item for item, flag in paired if flag], [item for item, flag in paired if not flag])
    return {
        name: evaluate_condfoley(chosen, rate_hz, classifiers, threshold=threshold, seed=seed)
        for name, chosen in zip(SUBSETS, (items, *halves), strict=True)
        if chosen
    }


def side_by_side(tables: Mapping[str, Mapping[str, Mapping[str, Estimate]]]) -> dict[str, dict[str, Estimate]]:
    """Joins the tables of subsets into one.

    Args:
      tables: by subset, row and metric, the estimate; all have the same rows.

    Returns:
      By row and `METRIC, SUBSET`, the estimate.
    """
    joined: dict[str, dict[str, Estimate]] = {}
    for subset, rows in tables.items():
        for row, metrics in rows.items():
            joined.setdefault(row, {}).update({f"{name}, {subset}": value for name, value in metrics.items()})
    return joined

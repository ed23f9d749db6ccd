"""CondFoleyGen's published protocol for every row of the table, flaws kept: to be read beside the corrected one.

Du et al. 2023, section 4, as their evaluation scripts do it. Onsets are compared with those that a detector
finds in the true sound, not with annotations, and the AP hardly counts missed ones (see `legacy`). A type is
right where a classifier names it as it names another sound: for the action the true sound of the target, for
the material the example. Their classifiers were never released; here one name a sound is the commonest of
what ours hear at the sound's own onsets.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import soxr
from jaxtyping import Float32, Int

from vis2sound_jax.audio.onsets import legacy_onset_samples, onset_events, onset_times
from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler
from vis2sound_jax.evaluation.classifiers import EventClassifier, event_features
from vis2sound_jax.evaluation.foley_items import FoleyItem, as_list
from vis2sound_jax.evaluation.legacy import RATE_HZ, LegacyScore, legacy_score

PUBLISHED_METRICS = {
    "count_match": "#onset acc",
    "onset_accuracy": "onset acc",
    "onset_ap": "AP",
    "action": "action, as in the true sound",
    "material": "material, as in the example",
}
"""The published columns, by our name the one of the paper."""

PROTOCOL = (
    "Published protocol (Du et al. 2023), flaws kept: onsets against those detected in the true sound, which "
    "therefore scores 1; AP hardly counts missed onsets; types are agreement with a classifier, not with labels. "
    "Chance is the true sound of another recording."
)
"""What stands above every table of these numbers."""


class PublishedScores(NamedTuple):
    """What the published protocol finds.

    Attributes:
      rows: by row and name of `PUBLISHED_METRICS`, means over sounds with 95 % intervals over recordings.
      examples: by row, one JSON-ready dictionary per judged sound, in the order of the items and their takes.
    """

    rows: dict[str, dict[str, Estimate]]
    examples: dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class _Heard:
    """What the protocol hears in one sound: itself at 22,050 Hz, its detected onsets, a name for each kind."""

    wav: Float32[np.ndarray, "n"]
    onsets: Int[np.ndarray, "k"]
    named: Mapping[str, str]


def evaluate_published(
    items: Sequence[FoleyItem],
    rate_hz: int,
    classifiers: Mapping[str, EventClassifier],
    *,
    real_row: str,
    chance_row: str,
    seed: int = 0,
) -> PublishedScores:
    """Scores every row of the items' takes, the real sound and chance as the paper's scripts do.

    Args:
      items: test pairs; all have the same rows.
      rate_hz: sample rate of all sounds.
      classifiers: by kind ("material", "action"); kinds without one are left out.
      real_row: name for the true sounds, which score 1 but for the material.
      chance_row: name for the true sound of a random item of another recording.
      seed: of the bootstrap and of chance.

    Returns:
      The scores.
    """
    true = [_hear(item.wav, rate_hz, classifiers) for item in items]
    examples = [name_sound(item.condition_wav, rate_hz, classifiers) for item in items]
    heard = {
        row: [[_hear(wav, rate_hz, classifiers) for wav in as_list(item.takes[row])] for item in items]
        for row in items[0].takes
    }
    heard[real_row] = [[one] for one in true]
    heard[chance_row] = [[true[k]] for k in _strangers(items, seed)]
    recordings = [item.recording for item in items]
    rows, lines = {}, {}
    for row, takes in heard.items():
        owners = [recording for recording, some in zip(recordings, takes, strict=True) for _ in some]
        lines[row] = [
            _judge(one, truth, named) for truth, named, some in zip(true, examples, takes, strict=True) for one in some
        ]
        rows[row] = _means(lines[row], Resampler.over(owners, seed=seed))
    return PublishedScores(rows, lines)


def name_sound(
    wav: Float32[np.ndarray, "n"], rate_hz: int, classifiers: Mapping[str, EventClassifier]
) -> dict[str, str]:
    """Names a whole sound, as the paper's classifiers of clips do.

    Args:
      wav: the sound, in [-1, 1].
      rate_hz: its sample rate.
      classifiers: by kind.

    Returns:
      By kind, the commonest name at the sound's own onsets; where it has none, at its likeliest or loudest moment.
    """
    times = onset_times(wav, rate_hz)
    if not times.size:
        candidates, confidence = onset_events(wav, rate_hz)
        loudest = int(np.argmax(np.abs(wav))) / rate_hz
        times = candidates[[np.argmax(confidence)]] if candidates.size else np.array([loudest])
    features = event_features(wav, rate_hz, times)
    return {kind: Counter(sorted(c.predict(features))).most_common(1)[0][0] for kind, c in classifiers.items()}


def _hear(wav: np.ndarray, rate_hz: int, classifiers: Mapping[str, EventClassifier]) -> _Heard:
    named = name_sound(wav, rate_hz, classifiers)
    if rate_hz != RATE_HZ:
        wav = soxr.resample(np.asarray(wav, np.float32), rate_hz, RATE_HZ)
    onsets = legacy_onset_samples(wav, RATE_HZ)
    # The detector's last frame may be centred on the end, where there is no sample.
    return _Heard(wav, onsets[onsets < len(wav)], named)


def _strangers(items: Sequence[FoleyItem], seed: int) -> list[int]:
    """For each item one of another recording, or where there is none of its own."""
    rng = np.random.default_rng(seed)
    names = np.array([item.recording for item in items])
    others = [np.flatnonzero(names != name) for name in names]
    return [int(rng.choice(other if other.size else np.arange(len(items)))) for other in others]


def _judge(one: _Heard, truth: _Heard, example: Mapping[str, str]) -> dict[str, Any]:
    score: LegacyScore = legacy_score(truth.onsets, one.onsets, one.wav)
    wanted = {kind: (truth.named if kind == "action" else example)[kind] for kind in one.named}
    return {
        "count_match": score.same_count,
        "onset_accuracy": round(score.accuracy, 6),
        "onset_ap": round(score.average_precision, 6),
        **{kind: {"wanted": wanted[kind], "heard": name} for kind, name in one.named.items()},
    }


def _means(lines: Sequence[Mapping[str, Any]], resampler: Resampler) -> dict[str, Estimate]:
    ones = [1.0] * len(lines)
    means = {}
    for name in PUBLISHED_METRICS:
        if name in lines[0]:
            values = [line[name] for line in lines]
            right = [v["wanted"] == v["heard"] if isinstance(v, dict) else v for v in values]
            means[name] = resampler.ratio([float(value) for value in right], ones)
    return means

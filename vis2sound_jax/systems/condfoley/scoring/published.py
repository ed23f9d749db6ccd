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

from vis2sound_jax.audio.onsets import decided_onsets, legacy_onset_samples, onset_events
from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler
from vis2sound_jax.evaluation.classifiers import EventClassifier, event_features
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, as_list
from vis2sound_jax.systems.condfoley.scoring.legacy import RATE_HZ, LegacyScore, legacy_score

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
    true = _hear([item.wav for item in items], rate_hz, classifiers)
    examples = name_sounds([item.condition_wav for item in items], rate_hz, classifiers)
    # By row, every sound with the place of its item.
    heard = {row: _hear_row(items, row, rate_hz, classifiers) for row in items[0].takes}
    heard[real_row] = list(enumerate(true))
    heard[chance_row] = [(k, true[other]) for k, other in enumerate(_strangers(items, seed))]
    rows, lines = {}, {}
    for row, sounds in heard.items():
        lines[row] = [_judge(one, true[k], examples[k]) for k, one in sounds]
        rows[row] = _means(lines[row], Resampler.over([items[k].recording for k, _ in sounds], seed=seed))
    return PublishedScores(rows, lines)


def name_sounds(
    wavs: Sequence[Float32[np.ndarray, "n"]], rate_hz: int, classifiers: Mapping[str, EventClassifier]
) -> list[dict[str, str]]:
    """Names whole sounds, as the paper's classifiers of clips do.

    Args:
      wavs: the sounds, in [-1, 1], at least one.
      rate_hz: their sample rate.
      classifiers: by kind.

    Returns:
      For each sound and kind, the commonest name at the sound's own onsets; where it has none, at its likeliest or
      loudest moment.
    """
    gap = np.zeros(rate_hz, np.float32)  # longer than an event's features reach
    joined = np.concatenate([np.concatenate([gap, wav]) for wav in wavs])
    ends_s = np.cumsum([(len(gap) + len(wav)) / rate_hz for wav in wavs])
    moments = [_moments(wav, rate_hz) for wav in wavs]
    times = [end_s - len(wav) / rate_hz + own for end_s, wav, own in zip(ends_s, wavs, moments, strict=True)]
    # All at once: features and classifiers cost most of their time by the call.
    features = event_features(joined, rate_hz, np.concatenate(times))
    borders = np.cumsum([len(own) for own in moments])[:-1]
    named = {kind: np.split(np.array(c.predict(features)), borders) for kind, c in classifiers.items()}
    return [
        {kind: Counter(sorted(map(str, names[k]))).most_common(1)[0][0] for kind, names in named.items()}
        for k in range(len(wavs))
    ]


def _moments(wav: np.ndarray, rate_hz: int) -> np.ndarray:
    """Where a sound is judged: at its onsets, else at its likeliest or loudest moment."""
    candidates, confidence = onset_events(wav, rate_hz)
    times = decided_onsets(candidates, confidence)
    if times.size:
        return times
    return candidates[[np.argmax(confidence)]] if candidates.size else np.array([np.argmax(np.abs(wav)) / rate_hz])


def _hear(wavs: Sequence[np.ndarray], rate_hz: int, classifiers: Mapping[str, EventClassifier]) -> list[_Heard]:
    heard = []
    for wav, named in zip(wavs, name_sounds(wavs, rate_hz, classifiers), strict=True):
        if rate_hz != RATE_HZ:
            wav = soxr.resample(np.asarray(wav, np.float32), rate_hz, RATE_HZ)
        onsets = legacy_onset_samples(wav, RATE_HZ)
        # The detector's last frame may be centred on the end, where there is no sample.
        heard.append(_Heard(wav, onsets[onsets < len(wav)], named))
    return heard


def _hear_row(
    items: Sequence[FoleyItem], row: str, rate_hz: int, classifiers: Mapping[str, EventClassifier]
) -> list[tuple[int, _Heard]]:
    sounds = [(k, wav) for k, item in enumerate(items) for wav in as_list(item.takes[row])]
    heard = _hear([wav for _, wav in sounds], rate_hz, classifiers)
    return [(k, one) for (k, _), one in zip(sounds, heard, strict=True)]


def _strangers(items: Sequence[FoleyItem], seed: int) -> list[int]:
    """For each item one of another recording; where there is none, any."""
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

"""CondFoleyGen's published onset scores, flaws kept, for comparison with published numbers only.

Its onset AP ignores most misses: 1 predicted onset against 5 true ones scores accuracy 0.2 and AP 1.0, and no
prediction at all scores AP 1.0. Quote these numbers only beside the corrected ones of `onset_scores`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from vis2sound_jax.audio.onsets import legacy_loudness, legacy_onset_confidence, legacy_onset_nms
from vis2sound_jax.evaluation.onset_scores import average_precision

RATE_HZ = 22_050


class LegacyScore(NamedTuple):
    """One clip's published scores.

    Attributes:
      accuracy: hits over target onsets ("detection accuracy"), 0 where there is no target.
      average_precision: the clip's own AP with its flaws.
      same_count: equal number of onsets before suppression ("#onset accuracy").
    """

    accuracy: float
    average_precision: float
    same_count: bool


def legacy_score(
    target: Int[np.ndarray, "r"],
    generated: Int[np.ndarray, "p"],
    generated_wav: Float[np.ndarray, "n"],
    window_s: float = 0.1,
) -> LegacyScore:
    """Scores one generated clip as the evaluation script of CondFoleyGen does (its predict_onset.py).

    Two empty lists, at which the script crashes, agree.

    Args:
      target: detected onsets of the true sound, in samples at 22,050 Hz.
      generated: detected onsets of the generated sound, in samples at 22,050 Hz.
      generated_wav: the generated sound; its scaled magnitude is the confidence.
      window_s: a hit is nearer than this, in seconds.

    Returns:
      The three scores.
    """
    loudness = legacy_loudness(generated_wav)
    kept = legacy_onset_nms(generated, legacy_onset_confidence(loudness, generated, RATE_HZ), RATE_HZ)
    free = [int(o) for o in kept]
    truth: list[bool] = []
    score: list[float] = []
    hits = 0
    for onset in target:
        near = [o for o in free if abs(o - int(onset)) < window_s * RATE_HZ]
        truth.append(True)
        if not near:
            score.append(0.0)
            continue
        chosen = near[int(np.argsort([loudness[o] for o in near])[-1])]
        score.append(_confidence(loudness, chosen))
        free.remove(chosen)
        hits += 1
        if not free:
            break  # the flaw: the targets that are left are never counted as missed
    truth += [False] * len(free)
    score += [_confidence(loudness, o) for o in free]
    precision = average_precision(np.array(score), np.array(truth, bool), sum(truth))
    if np.isnan(precision):
        precision = 0.0 if truth else 1.0
    return LegacyScore(hits / max(len(target), 1), precision, len(target) == len(generated))


def _confidence(loudness: Float[np.ndarray, "n"], onset: int) -> float:
    return float(legacy_onset_confidence(loudness, np.array([onset]), RATE_HZ)[0])

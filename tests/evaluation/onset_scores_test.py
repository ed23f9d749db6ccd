"""Laws of the corrected onset scores."""

import mir_eval
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from vis2sound_jax.evaluation.onset_matching import OnsetClip, match_by_confidence, match_optimal
from vis2sound_jax.evaluation.onset_scores import (
    average_precision,
    best_rates,
    count_hits,
    count_match,
    onset_rates,
    pooled_average_precision,
    rank_clip,
)

RNG = np.random.default_rng(0)
TIMES = np.array([0.5, 1.0, 1.7])


def clip(predicted, confidence=None, reference=TIMES, span=None):
    predicted = np.asarray(predicted, float)
    return OnsetClip(reference, predicted, np.ones(len(predicted)) if confidence is None else confidence, span)


def random_clips(count=6):
    return [
        clip(np.sort(RNG.uniform(0, 5, 12)), RNG.uniform(size=12), np.sort(RNG.uniform(0, 5, 7))) for _ in range(count)
    ]


def test_perfect_is_one_and_nothing_is_zero():
    assert pooled_average_precision([clip(TIMES)], 0.1) == 1.0
    assert onset_rates([clip(TIMES)], 0.05) == (1.0, 1.0, 1.0)
    assert count_match([clip(TIMES)]) == 1.0
    assert pooled_average_precision([clip([])], 0.1) == 0.0
    assert onset_rates([clip([])], 0.1) == (0.0, 0.0, 0.0)
    assert best_rates([clip([])], 0.1)[0].f1 == 0.0
    assert np.isnan(pooled_average_precision([clip([1.0], reference=np.zeros(0))], 0.1))


def test_misses_cost():
    assert pooled_average_precision([clip(TIMES[:1])], 0.1) == pytest.approx(1 / 3)
    assert pooled_average_precision([clip(TIMES), clip([])], 0.1) == pytest.approx(0.5)


def test_window_is_a_border():
    for window_s in (0.05, 0.1):
        assert pooled_average_precision([clip(TIMES + window_s)], window_s) == 1.0
        assert pooled_average_precision([clip(TIMES + window_s + 0.001)], window_s) == 0.0
        assert onset_rates([clip(TIMES - window_s - 0.001)], window_s).f1 == 0.0


def test_only_the_order_of_confidence_matters():
    clips = random_clips()
    moved = [OnsetClip(c.reference_s, c.predicted_s, np.exp(3 * c.confidence) - 7, c.span_s) for c in clips]
    assert pooled_average_precision(clips, 0.1) == pytest.approx(pooled_average_precision(moved, 0.1), abs=1e-12)
    assert best_rates(clips, 0.1)[0].f1 == pytest.approx(best_rates(moved, 0.1)[0].f1)


def test_matching_is_one_to_one():
    crowd = np.array([0.96, 0.98, 1.0, 1.02])
    assert match_optimal(np.array([1.0]), crowd, 0.1).sum() == 1
    assert match_by_confidence(np.array([1.0]), crowd, np.arange(4.0), 0.1).tolist() == [False] * 3 + [True]
    assert match_by_confidence(np.array([0.95, 1.0]), np.array([0.97]), np.ones(1), 0.1).sum() == 1


@pytest.mark.parametrize("window_s", [0.05, 0.1, 0.3])
def test_optimal_matching_equals_mir_eval(window_s):
    for c in random_clips(20):
        f1, precision, recall = mir_eval.onset.f_measure(c.reference_s, c.predicted_s, window=window_s)
        assert onset_rates([c], window_s) == pytest.approx((f1, precision, recall))
        greedy = match_by_confidence(c.reference_s, c.predicted_s, c.confidence, window_s).sum()
        assert greedy <= match_optimal(c.reference_s, c.predicted_s, window_s).sum()


def test_ap_equals_sklearn_where_nothing_is_missed():
    hit, confidence = RNG.uniform(size=200) < 0.4, RNG.integers(0, 20, 200).astype(float)
    assert average_precision(confidence, hit, int(hit.sum())) == pytest.approx(average_precision_score(hit, confidence))
    assert average_precision(confidence, hit, 2 * int(hit.sum())) == pytest.approx(
        average_precision_score(hit, confidence) / 2
    )


def test_span_trims_both_sides_and_borders_are_fair():
    reference = np.array([0.2, 1.02, 1.5, 3.5])
    judged = lambda predicted: rank_clip(clip(predicted, None, reference, (1.0, 3.0)), 0.1)  # noqa: E731
    assert judged([0.2, 3.5]).n_reference == 2 and judged([0.2, 3.5]).hit.size == 0
    assert judged([0.95]).hit.tolist() == [True]  # just outside, but it is the event just inside
    assert judged([2.95, 3.05]).hit.size == 0  # may belong to what nobody annotated: dropped
    assert judged([2.5]).hit.tolist() == [False]  # well inside: a false alarm
    counts = count_hits(clip([0.95, 1.5, 2.5, 2.95], None, reference, (1.0, 3.0)), 0.1, np.array([0.0]))
    assert [int(c[0]) for c in counts] == [2, 3, 2]


def test_best_threshold_is_found():
    c = clip([0.5, 1.0, 1.3, 1.7, 2.5], np.array([0.9, 0.8, 0.2, 0.7, 0.1]))
    rates, threshold = best_rates([c], 0.1)
    assert rates.f1 == 1.0 and threshold == 0.7
    assert count_match([c], threshold=threshold) == 1.0 and count_match([c]) == 0.0


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 predicted times but 1 confidences"):
        pooled_average_precision([OnsetClip(TIMES, np.ones(2), np.ones(1))], 0.1)

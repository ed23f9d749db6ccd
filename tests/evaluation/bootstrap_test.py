"""Laws of the bootstrap: exact on the test set, seeded, over recordings, equal to pooling by hand."""

import numpy as np
import pytest

from vis2sound_jax.evaluation.bootstrap import Estimate, Resampler
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import (
    best_rates,
    candidate_thresholds,
    count_hits,
    pooled_average_precision,
    rank_clip,
)

GROUPS = ["a", "a", "b", "c", "c", "d", "e", "f"]


@pytest.fixture
def clips():
    rng = np.random.default_rng(1)
    return [
        OnsetClip(np.sort(rng.uniform(0, 4, 5)), np.sort(rng.uniform(0, 4, 9)), rng.integers(0, 6, 9) / 6.0)
        for _ in GROUPS
    ]


def test_value_is_the_plain_score_inside_its_interval(clips):
    resampler = Resampler.over(GROUPS)
    ap = resampler.pooled_ap([rank_clip(c, 0.1) for c in clips])
    assert ap.value == pytest.approx(pooled_average_precision(clips, 0.1), abs=1e-12)
    thresholds = candidate_thresholds(clips)
    f1 = resampler.f1([count_hits(c, 0.1, thresholds) for c in clips])
    assert f1.value == pytest.approx(best_rates(clips, 0.1)[0].f1)
    for e in (ap, f1, resampler.ratio(range(8), [8] * 8)):
        assert e.low <= e.value <= e.high and e.low < e.high


def test_each_draw_pools_again(clips):
    resampler = Resampler.over(GROUPS, draws=1, seed=3)
    drawn = [clip for clip, g in zip(clips, resampler.index, strict=True) for _ in range(int(resampler.weights[1, g]))]
    interval = resampler.pooled_ap([rank_clip(c, 0.1) for c in clips])
    expected = pooled_average_precision(drawn, 0.1)
    ends = (interval.low, interval.high)
    assert min(abs(expected - end) for end in ends) < 1e-12


def test_recordings_are_drawn_whole():
    resampler = Resampler.over(["x", "x", "x"])
    e = resampler.ratio([1, 0, 1], [1, 1, 1])
    assert e == Estimate(2 / 3, 2 / 3, 2 / 3)  # one recording: nothing to resample, no made-up certainty


def test_seeded():
    draws = [Resampler.over(GROUPS, seed=s).ratio(range(8), [8] * 8) for s in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_pearson_and_class_mean():
    rng = np.random.default_rng(2)
    pairs = [rng.normal(1000.0, 1.0, (6, 2)) for _ in GROUPS]
    resampler = Resampler.over(GROUPS)
    both = np.concatenate(pairs)
    assert resampler.pearson(pairs).value == pytest.approx(np.corrcoef(both.T)[0, 1])
    assert resampler.pearson([np.stack([p[:, 0], p[:, 0]], 1) for p in pairs]).low == pytest.approx(1.0)
    assert np.isnan(resampler.pearson([np.ones((3, 2))] * 8).value)
    correct, total = np.array([[3, 0], [0, 1]]), np.array([[3, 0], [1, 2]])
    assert Resampler.over(["a", "b"]).class_mean(correct, total).value == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_undefined_is_null_in_json():
    e = Resampler.over(["a"]).ratio([0], [0])
    assert e.as_dict() == {"value": None, "low": None, "high": None}

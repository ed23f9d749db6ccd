"""Laws of the choice among takes."""

import numpy as np
import pytest

from vis2sound_jax.retrieval import takes as ranked
from vis2sound_jax.retrieval.takes import agreement, choose_take, offset_probability, rank_takes

RATE_HZ = 22_050
SEEN = (np.array([0.4, 1.0, 1.5]), np.array([0.9, 0.8, 0.9]))


def hits(times_s):
    """Two seconds of decaying tones with sharp attacks."""
    wav = np.zeros(44_100, np.float32)
    t = np.arange(4_000) / RATE_HZ
    for time_s in times_s:
        start = round(time_s * RATE_HZ)
        wav[start : start + t.size] += 0.6 * np.exp(-t / 0.03) * np.cos(5_600 * t)
    return wav


def test_agreeing_take_wins():
    takes = [
        hits([0.2, 0.7, 1.2]),
        hits([0.4, 1.0]),
        hits([0.4, 1.0, 1.5]),
        hits([0.4, 0.6, 0.8, 1.0, 1.25, 1.5]),
    ]
    assert choose_take(takes, RATE_HZ, SEEN) == 2
    scores = [agreement(take, RATE_HZ, SEEN) for take in takes]
    assert scores[0] < 0.5 and scores[1] < scores[2] and scores[3] < scores[2]
    assert scores[2] > 0.8 and max(scores) <= 1.0


def test_scale_of_confidence_does_not_matter():
    take = hits([0.4, 1.0])
    scaled = (SEEN[0], 0.1 * SEEN[1])
    np.testing.assert_allclose(agreement(take, RATE_HZ, SEEN), agreement(take, RATE_HZ, scaled), rtol=1e-6)


def test_silence_agrees_with_nothing_seen_only():
    silence, nothing = np.zeros(44_100, np.float32), (np.zeros(0), np.zeros(0))
    assert agreement(silence, RATE_HZ, SEEN) == 0.0
    assert agreement(silence, RATE_HZ, nothing) == 1.0
    assert agreement(hits([0.4]), RATE_HZ, nothing) == 0.0


def peaked(*found: tuple[int, float]) -> np.ndarray:
    """Logits over 11 offsets with one peak each: its class and height."""
    logits = np.zeros((len(found), 11))
    for row, (place, height) in zip(logits, found, strict=True):
        row[place] = height
    return logits


def test_the_least_offset_leads_and_confidence_decides_among_equals():
    ranking = rank_takes(peaked((5, 2.0), (6, 9.0), (5, 3.0), (10, 9.0), (3, 1.0)), 0.1, 0.2)
    assert ranking.order.tolist() == [2, 0, 1, 4, 3] and ranking.best == 2
    np.testing.assert_allclose(ranking.offset_s, [0.0, 0.1, 0.0, 0.5, -0.2])
    assert ranking.accepted.tolist() == [True, True, True, False, True]
    np.testing.assert_allclose(ranking.confidence[0], np.exp(2) / (np.exp(2) + 10 + 11))


def test_agreement_orders_the_accepted_takes_only():
    ranking = rank_takes(peaked((5, 2.0), (6, 9.0), (10, 9.0)), 0.1, 0.2, np.array([0.2, 0.5, 0.9]))
    assert ranking.order.tolist() == [1, 0, 2] and ranking.accepted.tolist() == [True, True, False]


def test_where_none_is_accepted_the_surest_leads_whatever_its_offset():
    ranking = rank_takes(peaked((8, 1.0), (0, 4.5), (9, 4.0)), 0.1, 0.2)
    assert not ranking.accepted.any() and ranking.order.tolist() == [1, 2, 0]


def test_without_evidence_half_of_all_sounds_are_unrelated():
    np.testing.assert_allclose(offset_probability(np.zeros((2, 11))), np.full((2, 11), 0.5 / 11))
    against = offset_probability(np.full((1, 11), -8.0))
    assert against.sum() < 0.001 and offset_probability(peaked((4, 900.0)))[0, 4] == 1.0


def test_equal_takes_stay_in_order():
    assert rank_takes(np.zeros((3, 11)), 0.1, 0.5).order.tolist() == [0, 1, 2]


def test_events_of_long_films_are_compared_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    pairs = [(np.sort(rng.uniform(0, 600, n)), rng.uniform(size=n)) for n in (1500, 1200)]
    whole = ranked._inner(*pairs)
    monkeypatch.setattr(ranked, "_AT_ONCE", 1 << 16)
    assert ranked._inner(*pairs) == pytest.approx(whole, rel=1e-12)

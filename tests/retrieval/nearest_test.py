"""Laws of the search: it agrees with sklearn, however many blocks it takes, and keeps to its candidates."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from vis2sound_jax.errors import UserError
from vis2sound_jax.retrieval import nearest
from vis2sound_jax.retrieval.nearest import HIT_OFFSET, HIT_STEPS, nearest_l1, windows_at


def clips(count=90, steps=45, channels=42, seed=0):
    return np.random.default_rng(seed).uniform(size=(count, steps, channels)).astype(np.float16)


def asked(count=11, steps=45, channels=42):
    return np.random.default_rng(1).uniform(size=(count, steps, channels)).astype(np.float32)


@pytest.mark.parametrize(("rows", "queries"), [(2048, 64), (32, 4), (90, 11)])
@pytest.mark.parametrize(("offset", "steps"), [(0, 45), (HIT_OFFSET, HIT_STEPS)])
def test_it_agrees_with_sklearn(monkeypatch, rows, queries, offset, steps):
    monkeypatch.setattr(nearest, "_ROWS", rows)
    monkeypatch.setattr(nearest, "_QUERIES", queries)
    oracle = NearestNeighbors(n_neighbors=1, metric="manhattan", algorithm="brute")
    oracle.fit(clips()[:, offset : offset + steps].reshape(90, -1).astype(np.float64))
    away, wanted = oracle.kneighbors(asked(steps=steps).reshape(11, -1).astype(np.float64))
    found, distances = nearest_l1(asked(steps=steps), clips(), offset=offset)
    np.testing.assert_array_equal(found, wanted[:, 0])
    np.testing.assert_allclose(distances, away[:, 0], rtol=1e-5)


def test_only_candidates_are_found(monkeypatch):
    monkeypatch.setattr(nearest, "_ROWS", 16)
    known, queries = clips(50, 6, 3), asked(8, 6, 3)
    mask = np.random.default_rng(2).random((8, 50)) < 0.2
    found, distances = nearest_l1(queries, known, candidates=mask)
    assert mask[np.arange(8), found].all()
    for k in range(8):
        one, away = nearest_l1(queries[k : k + 1], known, candidates=mask[k])
        left, _ = nearest_l1(queries[k : k + 1], known[mask[k]])
        assert one[0] == found[k] == np.flatnonzero(mask[k])[left[0]] and away[0] == distances[k]
    mask[3] = False
    with pytest.raises(UserError, match="query 3 has no exemplar to choose from"):
        nearest_l1(queries, known, candidates=mask)


def test_of_equals_the_first_is_found(monkeypatch):
    monkeypatch.setattr(nearest, "_ROWS", 2)
    found, distances = nearest_l1(np.zeros((3, 2, 2)), np.ones((7, 2, 2), np.float16))
    np.testing.assert_array_equal(found, 0)
    np.testing.assert_array_equal(distances, 4)


def test_queries_must_fit():
    for queries, offset in ((asked(2, 45), 1), (asked(2, 24), -1), (asked(2, 24, 41), 0)):
        with pytest.raises(ValueError, match="must be finite and fit clips"):
            nearest_l1(queries, clips(3), offset=offset)
    with pytest.raises(ValueError, match="must be finite"):
        nearest_l1(np.full((1, 45, 42), np.nan), clips(3))
    found, _ = nearest_l1(asked(0), clips(3))
    assert found.shape == (0,)


def test_windows_lie_around_their_impacts_and_hold_the_ends():
    film = np.arange(40.0)[:, None]
    windows = windows_at(film, np.array([10, 1, 38]), before=3, steps=6)[..., 0]
    np.testing.assert_array_equal(windows, [[7, 8, 9, 10, 11, 12], [0, 0, 0, 1, 2, 3], [35, 36, 37, 38, 39, 39]])
    clip = windows_at(np.arange(100.0)[:, None], np.array([50]), before=22, steps=45)[0]
    hit = windows_at(np.arange(100.0)[:, None], np.array([50]), before=3, steps=HIT_STEPS)[0]
    np.testing.assert_array_equal(clip[HIT_OFFSET : HIT_OFFSET + HIT_STEPS], hit)

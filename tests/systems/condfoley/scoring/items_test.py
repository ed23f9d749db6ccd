"""Laws of test pairs as values: labels by kind, one sound or several, the take that agrees with what is seen."""

from dataclasses import replace

import numpy as np
import pytest

from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, LabelledEvents, add_best_take, as_list

RATE_HZ = 22_050


def knock(time_s: float) -> np.ndarray:
    wav = (1e-4 * np.random.default_rng(0).standard_normal(RATE_HZ)).astype(np.float32)
    start = round(time_s * RATE_HZ)
    wav[start : start + 800] += 0.5 * (np.exp(-np.arange(800) / 150) * np.sin(np.arange(800))).astype(np.float32)
    return wav


@pytest.fixture
def item() -> FoleyItem:
    events = LabelledEvents(np.array([0.6]), ["wood"], ["hit"])
    takes = {"take": [knock(0.2), knock(0.6), knock(0.8)], "other": knock(0.1)}
    seen = (np.array([0.6]), np.array([0.9]))
    return FoleyItem("0", "x", events, events, knock(0.6), knock(0.3), takes, video_onsets=seen)


def test_labels_are_of_the_kind_asked_for() -> None:
    events = LabelledEvents(np.array([0.1, 0.2]), ["wood", "None"], ["hit", "scratch"])
    assert events.labels("material").tolist() == ["wood", "None"] and events.labels("action").tolist()[1] == "scratch"
    assert LabelledEvents(np.zeros(0), [], []).labels("material").shape == (0,)


def test_one_sound_is_a_list_of_one() -> None:
    wav = np.zeros(3, np.float32)
    assert len(as_list(wav)) == 1 and as_list(wav)[0] is wav
    assert [len(one) for one in as_list([wav, wav])] == [3, 3]
    assert len(as_list(np.zeros((4, 3)))) == 4


def test_the_best_take_comes_first_and_the_others_stay(item: FoleyItem) -> None:
    (found,) = add_best_take([item], RATE_HZ, "take", "best")
    assert list(found.takes) == ["best", "take", "other"]
    np.testing.assert_array_equal(found.takes["best"], knock(0.6))
    assert list(item.takes) == ["take", "other"]


def test_without_onsets_seen_nothing_can_be_chosen(item: FoleyItem) -> None:
    with pytest.raises(ValueError, match="item 0 has no video onsets to choose a take by"):
        add_best_take([replace(item, video_onsets=None)], RATE_HZ, "take", "best")

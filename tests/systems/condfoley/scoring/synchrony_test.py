"""Laws of the measures of synchrony: clips lie inside, ties count half, the gain is a paired difference."""

import numpy as np
import pytest

from vis2sound_jax.evaluation.bootstrap import Resampler
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, LabelledEvents
from vis2sound_jax.systems.condfoley.scoring.synchrony import ShiftedClip, draw_clips, paired_gains, share_won

RATE_HZ = 8000


def test_clips_and_their_shifted_sounds_lie_inside_and_hold_an_event() -> None:
    durations_s, events_s = [5.0, 2.1, 9.0, 6.0], [np.array([0.2, 3.0]), np.array([1.0]), np.array([8.0]), np.zeros(0)]
    clips = draw_clips(durations_s, events_s, 2.0, 60, seed=0)
    assert {clip.recording for clip in clips} == {0, 2} and len(clips) == pytest.approx(40, abs=3)
    for k, start_s, length_s, late_s in clips:
        assert length_s == 2.0 and 0.3 <= abs(late_s) <= 1.0
        assert 0 <= min(start_s, start_s - late_s) and max(start_s, start_s - late_s) + length_s <= durations_s[k]
        assert ((events_s[k] >= start_s) & (events_s[k] < start_s + length_s)).any()
    assert clips == draw_clips(durations_s, events_s, 2.0, 60, seed=0)
    assert 0.2 < np.mean([clip.late_s > 0 for clip in clips]) < 0.8
    assert draw_clips(durations_s, events_s, 20.0, 60, seed=0) == []


def test_a_tie_counts_half() -> None:
    clips = [ShiftedClip(k % 2, 0.0, 1.0, 0.5) for k in range(4)]
    share = share_won(clips, np.array([1.0, 2.0, 0.0, 5.0]), np.array([0.0, 2.0, 1.0, 4.0]))
    assert share.value == pytest.approx(2.5 / 4) and share.low <= share.value <= share.high
    assert np.isnan(share_won([], np.zeros(0), np.zeros(0)).value)


def knocks(times_s: list[float]) -> np.ndarray:
    wav = (1e-4 * np.random.default_rng(0).standard_normal(2 * RATE_HZ)).astype(np.float32)
    knock = np.exp(-np.arange(800) / 150) * np.sin(np.arange(800))
    for time_s in times_s:
        start = round(time_s * RATE_HZ)
        wav[start : start + 800] += 0.5 * knock.astype(np.float32)
    return wav


def test_the_gain_is_positive_for_better_times_and_zero_against_itself() -> None:
    items = []
    for k in range(6):
        true, wrong = [0.3 + 0.1 * k, 1.3], [0.05, 0.9 + 0.1 * (k % 2)]
        events = LabelledEvents(np.array(true), ["wood"] * 2, ["hit"] * 2)
        takes = {"best": knocks(true), "take": [knocks(true), knocks(wrong)]}
        items.append(FoleyItem(f"{k}", f"r{k % 3}", events, events, knocks(true), knocks(true), takes))
    gain, none = paired_gains(items, RATE_HZ, [("best", "take"), ("take", "take")])
    for one in gain.values():
        assert one.value > 0.1 and one.low > 0
    assert all(one.value == one.low == one.high == 0 for one in none.values())
    (blind,) = paired_gains(items, RATE_HZ, [("best", "take")], threshold=None)
    assert np.isnan(blind["onset_f1_100ms"].value) and blind["onset_ap_100ms"] == gain["onset_ap_100ms"]


def test_draws_are_what_estimates_are_made_of() -> None:
    resampler = Resampler.over(["a", "b"], draws=10)
    counts = [(np.array([2]), np.array([3]), np.array([4])), (np.array([1]), np.array([1]), np.array([1]))]
    draws = resampler.f1_draws(counts)  # type: ignore[arg-type]
    assert draws.shape == (11,) and draws[0] == resampler.f1(counts).value  # type: ignore[arg-type]

"""Laws of cut impacts: they begin shortly before their own attack and end before the next one, and nothing is lost."""

import numpy as np
import pytest

from vis2sound_jax.retrieval.impact_pieces import FULL_SCALE, ONE_IMPACT_S, cut_impacts
from vis2sound_jax.retrieval.pieces import LEAD_S, LONGEST_S

RATE_HZ = 8000
LEAD = round(LEAD_S * RATE_HZ)
LATE_S = 0.02
"""Amplitude peaks come this much after the attack."""


def recording(*attacks_s: float, seconds: float = 4.0, decay: float = 400.0) -> np.ndarray:
    """Noise that decays in so many samples, from each time on; the first sample of each hit is its loudest."""
    rng, out = np.random.default_rng(0), np.zeros(round(seconds * RATE_HZ), np.float32)
    for attack_s in attacks_s:
        first = round(attack_s * RATE_HZ)
        tail = 0.2 * rng.standard_normal(len(out) - first) * np.exp(-np.arange(len(out) - first) / decay)
        tail[0] = 0.6
        out[first:] += tail.astype(np.float32)
    return out


@pytest.mark.parametrize("late_s", [-0.05, 0.0, LATE_S, 0.05])
def test_attacks_are_found_around_the_times_that_are_given(late_s: float) -> None:
    """What swells before its attack, from the time that is given, is kept."""
    attacks_s = [0.5, 1.25, 2.0]
    cuts = cut_impacts(recording(*attacks_s), RATE_HZ, [time_s + late_s for time_s in attacks_s])
    assert [cut.attack_s for cut in cuts] == attacks_s
    assert [cut.attack for cut in cuts] == [LEAD + round(max(-late_s, 0) * RATE_HZ)] * 3


def test_pieces_end_before_the_next_attack_or_ring_for_their_longest() -> None:
    wav = recording(0.5, 1.2)
    first, last = cut_impacts(wav, RATE_HZ, [0.5 + LATE_S, 1.2 + LATE_S])
    assert len(first.wav) == round(0.7 * RATE_HZ) and len(last.wav) == LEAD + round(LONGEST_S * RATE_HZ)
    assert len(cut_impacts(wav, RATE_HZ, [3.5])[0].wav) <= LEAD + round((0.5 + ONE_IMPACT_S) * RATE_HZ)
    for cut in (first, last):
        begin = round(cut.attack_s * RATE_HZ) - cut.attack
        np.testing.assert_allclose(cut.wav / FULL_SCALE, wav[begin : begin + len(cut.wav)], atol=2e-5)


def test_pieces_of_one_recording_make_it_up_again() -> None:
    wav = recording(0.2, 0.9, 1.3, 1.8)
    cuts = cut_impacts(wav, RATE_HZ, [0.2, 0.9, 1.3, 1.8])
    joined = np.concatenate([cut.wav for cut in cuts]) / np.float32(FULL_SCALE)
    begin = round(0.2 * RATE_HZ) - LEAD
    np.testing.assert_allclose(joined, wav[begin : begin + len(joined)], atol=2e-5)


def test_nothing_of_the_impact_before_is_cut_out() -> None:
    """Two attacks 10 ms apart are one impact, and a piece begins no earlier than halfway from the one before."""
    wav = recording(1.0, 1.01, 1.08, decay=50.0)
    near, close, last = cut_impacts(wav, RATE_HZ, [1.05, 1.0, 1.1])
    assert near.attack_s == close.attack_s == 1.0
    assert last.attack == LEAD and len(near.wav) == round(0.08 * RATE_HZ)
    swelling = cut_impacts(recording(1.0, 1.115, decay=20.0), RATE_HZ, [1.0, 1.065])[1]
    assert swelling.attack_s == 1.115 and swelling.attack == round(0.115 / 2 * RATE_HZ)
    assert cut_impacts(recording(0.004), RATE_HZ, [0.0])[0].attack == round(0.004 * RATE_HZ)


def test_order_is_that_of_the_times() -> None:
    wav = recording(0.5, 1.5)
    there, back = cut_impacts(wav, RATE_HZ, [0.5, 1.5]), cut_impacts(wav, RATE_HZ, [1.5, 0.5])
    for one, other in zip(there, reversed(back), strict=True):
        np.testing.assert_array_equal(one.wav, other.wav)
        assert one[1:] == other[1:]


@pytest.mark.parametrize("seconds", [0.0, 0.001, 1.0])
@pytest.mark.parametrize("times_s", [[], [0.0], [0.4, 0.4], [0.9999, 7.0], [-0.1, 0.001]])
def test_any_times_are_safe(times_s: list[float], seconds: float) -> None:
    """Where it is silent, a sound begins where the time says."""
    for wav in (
        np.zeros(round(seconds * RATE_HZ), np.float32),
        recording(0.0, seconds=1.0)[: round(seconds * RATE_HZ)],
    ):
        cuts = cut_impacts(wav, RATE_HZ, times_s)
        assert len(cuts) == len(times_s)
        for cut in cuts:
            assert cut.wav.dtype == np.int16 and 0 <= cut.attack <= max(len(cut.wav) - 1, 0)
    quiet = cut_impacts(np.zeros(RATE_HZ, np.float32), RATE_HZ, [0.4])[0]
    assert quiet.attack_s == 0.4 and not quiet.wav.any()


def test_loud_sounds_are_kept_within_full_scale() -> None:
    cut = cut_impacts(3 * recording(0.5), RATE_HZ, [0.5])[0]
    assert cut.wav.max() == FULL_SCALE and cut.wav.min() >= -FULL_SCALE

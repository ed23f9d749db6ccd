"""Laws of cutting and pasting: impacts land on the sample, sounds follow without a gap or a step, ends are soft."""

import numpy as np
import pytest

from vis2sound_jax.retrieval.paste import FULL_SCALE, LEAD_S, cut_impact, paste_exemplars

RATE_HZ = 8000
IMPACT = round(LEAD_S * RATE_HZ)


def hit(seconds=0.4):
    """A decaying noise whose first sample is by far its loudest, after silence."""
    rng = np.random.default_rng(0)
    tail = 0.2 * rng.standard_normal(round(seconds * RATE_HZ)) * np.exp(-np.arange(round(seconds * RATE_HZ)) / 400)
    tail[0] = 0.9
    return np.concatenate([np.zeros(IMPACT), tail]).astype(np.float32)


def paste(wavs, times_s, length=2 * RATE_HZ, **choices):
    return paste_exemplars(wavs, np.array(times_s, float), impact=IMPACT, rate_hz=RATE_HZ, length=length, **choices)


def test_impacts_land_on_the_sample_at_their_level():
    times = [1.2, 0.0, 0.5]
    out = paste([hit()] * 3, times, gains=np.array([1.0, 0.5, 0.25]))
    assert out.shape == (2 * RATE_HZ,) and out.dtype == np.float32
    for time_s, gain in zip(times, [1.0, 0.5, 0.25], strict=True):
        place = round(time_s * RATE_HZ)
        np.testing.assert_allclose(out[place : place + 500], gain * hit()[IMPACT : IMPACT + 500], rtol=1e-6)


def test_sounds_pass_into_each_other_without_a_gap_or_a_step():
    steady = np.full(3 * RATE_HZ, 0.5, np.float32)
    out = paste([steady] * 4, [0.3, 0.5, 0.9, 1.4])
    begin = round((0.3 - 0.05) * RATE_HZ)
    assert not out[:begin].any()
    np.testing.assert_allclose(out[begin + 64 : -64], 0.5, rtol=1e-6)
    assert np.abs(np.diff(out)).max() < 0.5 * np.pi / 2 / 64 * 1.01


def test_a_sound_ends_where_the_next_begins():
    low, high = np.full(3 * RATE_HZ, 0.1, np.float32), np.full(3 * RATE_HZ, 0.9, np.float32)
    out = paste([low, high], [0.3, 1.0], reach_s=0.02, fade_s=0.005)
    change = round(0.98 * RATE_HZ)
    np.testing.assert_allclose(out[round(0.3 * RATE_HZ) : change], 0.1, rtol=1e-6)
    np.testing.assert_allclose(out[change + 40 : -40], 0.9, rtol=1e-6)


def test_ends_are_soft_even_at_the_end_of_the_soundtrack():
    steady = np.full(IMPACT + 2000, 0.5, np.float32)
    for times in ([0.5], [1.95]):
        out = paste([steady], times)
        assert np.abs(np.diff(out, prepend=0, append=0)).max() < 0.5 * np.pi / 2 / 64 * 1.01


@pytest.mark.parametrize("times", [[], [-0.1, 2.0, 7.0], [0.5, 0.5], [0.001, 0.002], [1.9999], [0.5, 0.5001, 0.503]])
@pytest.mark.parametrize("seconds", [0.0, 0.001, 1.0])
def test_any_times_are_safe(times, seconds):
    out = paste([hit(seconds) if seconds else np.zeros(IMPACT, np.float32)] * len(times), times)
    assert out.shape == (2 * RATE_HZ,) and np.isfinite(out).all()
    inside = [time_s for time_s in times if 0 <= time_s < 2]
    assert bool(out.any()) == bool(inside and seconds)


def test_of_equal_times_the_last_is_heard():
    np.testing.assert_array_equal(paste([hit(0.2), hit(0.4)], [0.5, 0.5]), paste([hit(0.4)], [0.5]))


def test_order_does_not_matter_and_each_peak_needs_a_sound_and_a_gain():
    one, two = hit(0.2), 0.5 * hit(0.3)
    np.testing.assert_array_equal(paste([one, two], [0.4, 0.7]), paste([two, one], [0.7, 0.4]))
    with pytest.raises(ValueError, match="1 sounds and 2 gains for 2 peaks"):
        paste([one], [0.4, 0.7])
    with pytest.raises(ValueError, match="2 sounds and 1 gains for 2 peaks"):
        paste([one, two], [0.4, 0.7], gains=np.ones(1))


def test_cut_impacts_keep_their_place():
    wav = np.random.default_rng(1).uniform(-1, 1, 3 * RATE_HZ).astype(np.float32)
    for time_s, until_s, length_s in ((1.0, np.inf, 1.25), (0.1, np.inf, 1.25), (2.5, 9.0, 0.75), (1.0, 1.4, 0.65)):
        cut, length = cut_impact(wav, RATE_HZ, time_s, until_s=until_s)
        assert cut.shape == (round(1.25 * RATE_HZ),) and length == round(length_s * RATE_HZ)
        place = round(time_s * RATE_HZ)
        np.testing.assert_allclose(cut[IMPACT:length] / FULL_SCALE, wav[place : place + length - IMPACT], atol=2e-5)
        assert not cut[length:].any()
    assert not cut_impact(wav, RATE_HZ, 0.1)[0][: round(0.15 * RATE_HZ)].any()
    with pytest.raises(ValueError, match="the cut must come later"):
        cut_impact(wav, RATE_HZ, 1.0, until_s=1.0)


def test_what_is_cut_and_pasted_back_is_the_recording():
    wav = (0.5 * np.random.default_rng(2).standard_normal(2 * RATE_HZ)).clip(-1, 1).astype(np.float32)
    times = [0.4, 0.9, 1.3, 1.8]
    cuts = [cut_impact(wav, RATE_HZ, time_s) for time_s in times]
    out = paste([cut[:length] / np.float32(FULL_SCALE) for cut, length in cuts], times)
    inside = slice(round(0.36 * RATE_HZ), -64)
    np.testing.assert_allclose(out[inside], wav[inside], atol=2e-5)

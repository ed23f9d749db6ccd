"""Laws of sounds that are made over: they last, begin and are judged like the kind that was wanted."""

import numpy as np
import pytest
import soxr

from tests.retrieval.struck import bursts, scratch, stereo
from vis2sound_jax.retrieval.made_over import SCRATCH_S, as_loud, hit_of_scratch, scratch_of_hits
from vis2sound_jax.retrieval.pieces import attack_level_db, mine
from vis2sound_jax.retrieval.sound_kind import KIND_RATE_HZ, WITHOUT_LABELS, kind_features

RATES_HZ = (16_000, 22_050, 48_000, 96_000)


def hits(rate_hz, channels=1, decay_s=0.04):
    wav = bursts([0.3, 0.8, 1.4], rate_hz, 2.0, decay_s=decay_s)
    return mine(stereo(wav) if channels == 2 else wav, rate_hz, WITHOUT_LABELS)


def rubbed(rate_hz, channels=1, seconds=0.5):
    wav = scratch(rate_hz, seconds, around_s=0.4)
    return mine(stereo(wav) if channels == 2 else wav, rate_hz, WITHOUT_LABELS)[0]


def judged(wav, rate_hz):
    """Probability of a scratch."""
    mono = soxr.resample(wav.mean(axis=1), rate_hz, KIND_RATE_HZ)
    return WITHOUT_LABELS.scratch(kind_features(mono, 0)[None])[0]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_hits_that_are_rubbed_are_a_scratch(rate_hz, channels):
    pieces = hits(rate_hz, channels)
    assert judged(pieces[0].wav[pieces[0].attack :], rate_hz) < 0.5
    out = scratch_of_hits(pieces, np.random.default_rng(0))
    assert out.shape == (round(SCRATCH_S * rate_hz), channels) and out.dtype == np.float32
    assert np.isfinite(out).all() and judged(out, rate_hz) > 0.5
    loudest = np.abs(out).max()
    assert np.abs(out[: round(0.01 * rate_hz)]).max() < 0.25 * loudest and np.abs(out[0]).max() < 0.01 * loudest
    assert np.abs(out[-round(0.005 * rate_hz) :]).max() < 0.25 * loudest
    assert loudest == pytest.approx(max(np.abs(piece.wav).max() for piece in pieces) * 10 ** (-6 / 20), rel=1e-3)


def test_a_rubbed_sound_has_the_colour_and_the_sides_of_its_hits():
    out = scratch_of_hits(hits(22_050, 2), np.random.default_rng(0))
    np.testing.assert_allclose(out[:, 1], 0.5 * out[:, 0], atol=1e-6)
    t = np.arange(4_000) / 22_050
    wav = np.zeros((30_000, 1), np.float32)
    wav[10_000:14_000, 0] = 0.5 * np.exp(-t / 0.05) * np.sin(2 * np.pi * 2_000 * t)
    out = scratch_of_hits(mine(wav, 22_050, WITHOUT_LABELS), np.random.default_rng(0))
    power = np.abs(np.fft.rfft(out[:, 0])) ** 2
    near = np.abs(np.fft.rfftfreq(len(out), 1 / 22_050) - 2_000) < 200
    assert power[near].sum() > 0.8 * power.sum()


def test_the_same_seed_rubs_the_same_and_another_another():
    pieces = hits(22_050)
    first, again, other = (scratch_of_hits(pieces, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_scratch_that_strikes_is_a_hit(rate_hz, channels, seconds):
    piece = rubbed(rate_hz, channels, seconds)
    out = hit_of_scratch(piece)
    assert judged(out, rate_hz) < 0.5 and np.isfinite(out).all() and out.dtype == np.float32
    assert out.shape[1] == channels and 0.02 * rate_hz <= len(out) <= 0.3 * rate_hz + 1 and not out[0].any()
    assert np.abs(out[: len(out) // 4]).max() > 2 * np.abs(out[-len(out) // 8 :]).max()
    if channels == 2:
        np.testing.assert_allclose(out[:, 1], 0.5 * out[:, 0], atol=1e-3)


@pytest.mark.parametrize("length", [1, 3, 50, 441])
def test_sounds_of_any_length_are_made_over(length):
    for wav in (np.zeros((length, 1), np.float32), np.full((length, 1), 0.4, np.float32)):
        (piece,) = mine(wav, 22_050, WITHOUT_LABELS)
        out = hit_of_scratch(piece)
        assert 0 < len(out) <= length and np.isfinite(out).all()
        assert np.isfinite(scratch_of_hits([piece], np.random.default_rng(0))).all()


def test_what_is_made_is_as_loud_as_what_it_is_made_of() -> None:
    piece = hits(22_050)[0]
    made = as_loud(scratch_of_hits([piece], np.random.default_rng(0)), piece)
    assert attack_level_db(made.mean(axis=1), 22_050) == pytest.approx(piece.loudness_db, abs=0.1)
    struck = as_loud(hit_of_scratch(piece), piece)
    assert np.abs(struck).max() <= np.abs(piece.wav).max() + 1e-6

"""Laws of laying: copies where nothing is changed, no click, right times, tails that add up, rooms without gaps."""

import numpy as np
import pytest

from tests.retrieval.struck import bursts, stereo
from vis2sound_jax.retrieval.laying import (
    FADE_IN_S,
    FADE_OUT_S,
    Sound,
    as_channels,
    lay,
    lay_within,
    panned,
    room_tone,
    shaped,
)

RATES_HZ = (16_000, 22_050, 44_100, 48_000, 96_000)


def tone(hertz, rate_hz, seconds, amplitude=0.5):
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * hertz * t + 1.0)).astype(np.float32)[:, None]


def largest_step(wav):
    return np.abs(np.diff(wav, axis=0, prepend=0, append=0)).max()


def pitch_hz(wav, rate_hz):
    """Frequency of the largest peak, between bins by a parabola."""
    power = np.log(np.abs(np.fft.rfft(wav[:, 0] * np.hanning(len(wav)))) + 1e-12)
    k = int(power.argmax())
    bend = (power[k - 1] - power[k + 1]) / (2 * (power[k - 1] - 2 * power[k] + power[k + 1]))
    return (k + bend) * rate_hz / len(wav)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_nothing_is_changed_at_the_same_rate_but_the_edges(rate_hz, channels):
    wav = bursts([0.1], rate_hz, 0.5)
    wav = stereo(wav) if channels == 2 else wav
    attack = round(0.1 * rate_hz)
    sound = shaped(wav, attack, rate_hz, rate_hz)
    rise, fall = round(FADE_IN_S * rate_hz), round(FADE_OUT_S * rate_hz)
    assert sound.attack == attack and sound.wav.dtype == np.float32 and sound.wav.shape == wav.shape
    np.testing.assert_array_equal(sound.wav[rise:-fall], wav[rise:-fall])
    out = lay(iter([(0.3, 1.0, sound)]), rate_hz, rate_hz, channels)
    begin = round(0.3 * rate_hz) - attack
    np.testing.assert_array_equal(out[begin + rise : begin + len(wav) - fall], wav[rise:-fall])
    assert not out[:begin].any() and not out[begin + len(wav) :].any()


def test_the_piece_itself_is_left_as_it_is():
    wav = bursts([0.1], seconds=0.5)
    before = wav.copy()
    sound = shaped(wav, 2_205, 22_050, 22_050)
    lay(iter([(-0.2, 2.0, sound), (0.4, 2.0, sound)]), 22_050, 9_000, 1)
    np.testing.assert_array_equal(wav, before)
    np.testing.assert_array_equal(sound.wav, shaped(wav, 2_205, 22_050, 22_050).wav)


@pytest.mark.parametrize("attack", [0, 3, 200])
def test_a_fade_in_ends_at_the_attack(attack):
    sound = shaped(np.ones((5_000, 1), np.float32), attack, 22_050, 22_050)
    assert sound.wav[max(attack, 11), 0] == 1.0 and sound.wav[0, 0] < 0.05 and sound.wav[-1, 0] < 0.01


@pytest.mark.parametrize("length", [1, 2, 12, 100, 700])
def test_sounds_shorter_than_their_fades_are_safe(length):
    for target_hz in (22_050, 48_000):
        sound = shaped(np.ones((length, 2), np.float32), length - 1, 22_050, target_hz)
        assert np.isfinite(sound.wav).all() and 0 <= sound.attack < max(len(sound.wav), 1)
        assert lay(iter([(0.0, 1.0, sound)]), target_hz, 50, 2).shape == (50, 2)


@pytest.mark.parametrize("cents", [-25.0, 0.0, 25.0])
@pytest.mark.parametrize("target_hz", [22_050, 44_100, 48_000])
def test_edges_do_not_click(target_hz, cents):
    wav = tone(300.0, 22_050, 0.4)  # loud at both of its ends
    inside = np.abs(np.diff(tone(300.0 * 2 ** (cents / 1200), target_hz, 0.4), axis=0)).max()
    for attack in (0, 30, 265):
        sound = shaped(wav, attack, 22_050, target_hz, cents=cents)
        for time_s in (0.3, -0.1, 0.85):
            out = lay(iter([(time_s, 1.0, sound)]), target_hz, target_hz, 1)
            # Half a millisecond is the steepest fade: a raised cosine over so many samples.
            fade = 0.5 * np.pi / 2 / (0.0005 * target_hz) if attack < 10 or time_s < 0 else 0.0
            assert largest_step(out) <= 1.3 * inside + fade


@pytest.mark.parametrize("length", [0, 1, 100, 22_050, 30_001])
def test_a_soundtrack_is_as_long_as_wanted(length):
    sound = shaped(bursts([0.01], seconds=0.5), 220, 22_050, 22_050)
    times_s = (-1.0, -0.3, 0.0, 0.7, 0.9999, 1.36, 5.0)
    out = lay(iter([(time_s, 1.0, sound) for time_s in times_s]), 22_050, length, 2)
    assert out.shape == (length, 2) and out.dtype == np.float32 and np.isfinite(out).all()
    np.testing.assert_array_equal(out[:, 0], out[:, 1])


def test_what_lies_outside_is_cut_and_faded():
    sound = Sound(np.ones((10_000, 1), np.float32), 100)
    out = lay(iter([(-0.1, 1.0, sound)]), 22_050, 22_050, 1)[:, 0]
    heard = 10_000 - 100 - 2_205
    assert out[0] < 0.05 and out[11] == 1.0 and out[heard - 1] == 1.0 and not out[heard:].any()
    out = lay(iter([(0.9, 1.0, sound)]), 22_050, 22_050, 1)[:, 0]
    assert out[-1] < 0.01 and out[-1 - round(FADE_OUT_S * 22_050)] == 1.0
    assert not lay(iter([(1.1, 1.0, sound), (-0.5, 1.0, sound)]), 22_050, 22_050, 1).any()


def test_tails_add_up_in_any_order():
    sounds = [shaped(bursts([0.01], seconds=0.6, seed=seed), 220, 22_050, 22_050) for seed in range(3)]
    laid = [(0.1, 1.0, sounds[0]), (0.15, 0.5, sounds[1]), (0.3, -2.0, sounds[2])]
    together = lay(iter(laid), 22_050, 22_050, 1)
    apart = sum(lay(iter([one]), 22_050, 22_050, 1) for one in laid)
    np.testing.assert_allclose(together, apart, atol=1e-6)
    np.testing.assert_allclose(lay(iter(laid[::-1]), 22_050, 22_050, 1), together, atol=1e-6)


@pytest.mark.parametrize("cents", [-25.0, -7.0, 13.0, 25.0])
@pytest.mark.parametrize(("rate_hz", "target_hz"), [(22_050, 22_050), (48_000, 22_050), (22_050, 48_000)])
def test_cents_change_the_pitch_and_not_the_time(rate_hz, target_hz, cents):
    sound = shaped(tone(1_000.0, rate_hz, 1.0), 0, rate_hz, target_hz, cents=cents)
    found = 1200 * np.log2(pitch_hz(sound.wav, target_hz) / 1_000.0)
    assert found == pytest.approx(cents, abs=0.3)
    click = np.zeros((rate_hz, 1), np.float32)
    click[rate_hz // 2] = 0.9
    sound = shaped(click, rate_hz // 2, rate_hz, target_hz, cents=cents)
    assert abs(int(np.abs(sound.wav[:, 0]).argmax()) - sound.attack) <= 1
    out = lay(iter([(0.25, 1.0, sound)]), target_hz, target_hz, 1)
    assert abs(int(np.abs(out[:, 0]).argmax()) - 0.25 * target_hz) <= 2


def test_channels_are_made_alike_or_averaged():
    one = bursts([0.0], seconds=0.1)
    two = stereo(one)
    assert as_channels(one, 1) is one and as_channels(two, 2) is two
    np.testing.assert_array_equal(as_channels(one, 2), np.concatenate([one, one], axis=1))
    np.testing.assert_allclose(as_channels(two, 1), 0.75 * one, rtol=1e-6)


@pytest.mark.parametrize("sizes", [[4_410], [1_200, 4_410, 3_000], [8_000] * 5])
def test_a_room_goes_on_without_gaps_at_its_level(sizes):
    rng = np.random.default_rng(0)
    tones = [0.01 * rng.standard_normal((size, 2)).astype(np.float32) for size in sizes]
    out = room_tone(tones, 22_050, 6 * 22_050, np.random.default_rng(1))
    assert out.shape == (6 * 22_050, 2) and out.dtype == np.float32
    levels = np.sqrt(np.mean(out[: len(out) // 441 * 441].reshape(-1, 441 * 2) ** 2, axis=1))
    assert levels.min() > 0.01 * 10 ** (-3 / 20) and levels.max() < 0.01 * 10 ** (4 / 20)
    assert abs(20 * np.log10(np.sqrt(np.mean(out**2)) / 0.01)) < 1
    assert np.abs(np.diff(out, axis=0)).max() < 1.2 * max(np.abs(np.diff(tone, axis=0)).max() for tone in tones)


def test_a_room_is_as_long_as_wanted_and_the_same_for_the_same_seed():
    tones = [0.01 * np.random.default_rng(0).standard_normal((1_500, 1)).astype(np.float32)]
    for length in (0, 1, 700, 1_499, 20_000):
        first, again = (room_tone(tones, 22_050, length, np.random.default_rng(3)) for _ in range(2))
        assert first.shape == (length, 1)
        np.testing.assert_array_equal(first, again)


def test_stretches_that_are_laid_again_are_what_all_of_it_is():
    rng, rate_hz = np.random.default_rng(0), 8_000
    sounds = [
        (float(time_s), float(gain), Sound(rng.standard_normal((900, 2)).astype(np.float32), 100))
        for time_s, gain in zip(rng.uniform(-0.05, 2.05, 40), rng.uniform(0.1, 1, 40), strict=True)
    ]
    whole = lay(iter(sounds), rate_hz, 2 * rate_hz, 2)
    spans = [(0, 700), (701, 702), (5000, 9000), (15_900, 16_000)]
    again = np.full_like(whole, 7.0)
    for first, last in spans:
        again[first:last] = 0
    lay_within(again, spans, iter(sounds), rate_hz)
    inside = np.zeros(len(whole), bool)
    for first, last in spans:
        inside[first:last] = True
    np.testing.assert_array_equal(again[inside].view(np.uint32), whole[inside].view(np.uint32))
    assert (again[~inside] == 7).all()


def test_a_place_turns_one_side_down():
    wav = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
    assert panned(wav, 0.0) is wav
    for pan in (0.25, 1.0):
        right = panned(wav, pan)
        np.testing.assert_array_equal(right[:, 1], wav[:, 1])
        np.testing.assert_allclose(right[:, 0], wav[:, 0] * np.cos(np.pi / 2 * pan), atol=1e-6)
        np.testing.assert_array_equal(panned(wav[:, ::-1], -pan), right[:, ::-1])

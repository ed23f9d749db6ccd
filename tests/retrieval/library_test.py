"""Laws of libraries: sounds of all examples, where the events are, as long as the film; silence is none."""

import numpy as np
import pytest
import soxr

from tests.retrieval.struck import bursts, scratch, stereo
from vis2sound_jax.audio.onsets import onset_events
from vis2sound_jax.retrieval.choice import ATTACK, COPIED, GRAINS, Choice, Chooser, Wanted
from vis2sound_jax.retrieval.library import library_of, mine_blocks
from vis2sound_jax.retrieval.sound_kind import WITHOUT_LABELS

TIMES_S = (0.25, 0.9, 1.43, 2.2, 2.75)
EXAMPLES = (
    (bursts([0.3, 0.9], 22_050, 1.5), 22_050),
    (stereo(bursts([0.4, 1.2], 48_000, 2.0, seed=1)), 48_000),
    (bursts([0.0], 96_000, 0.25, decay_s=0.02, seed=2), 96_000),
)


def rng_of(number):
    return np.random.default_rng([5, number])


def library(*examples):
    found = library_of(examples, WITHOUT_LABELS)
    assert found is not None
    return found


def soundtrack(found, rate_hz, seconds=3.3, chooser=None, times_s=TIMES_S, scratch=None):
    wanted = [Wanted(k, time_s, scratch) for k, time_s in enumerate(times_s)]
    choices = (chooser or Chooser()).choose(found.pieces, wanted, rng_of)
    return found.sound(choices, rate_hz, round(seconds * rate_hz), [rng_of(100 + one.wanted.id) for one in choices])


def test_pieces_come_from_all_examples_in_order():
    found = library(*EXAMPLES)
    assert [(one.example, one.rate_hz) for one in found.pieces] == [
        *[(0, 22_050)] * 2,
        *[(1, 48_000)] * 2,
        (2, 96_000),
    ]
    assert found.clean and found.channels == 2
    assert library(EXAMPLES[0]).channels == 1


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("examples", [EXAMPLES, EXAMPLES[:1], EXAMPLES[2:]])
def test_sounds_are_where_the_events_are(rate_hz, examples):
    found = library(*examples)
    out = soundtrack(found, rate_hz, chooser=Chooser(vary=0.0))
    assert out.shape == (round(3.3 * rate_hz), found.channels) and out.dtype == np.float32
    times_s, confidence = onset_events(out.mean(axis=1), rate_hz)
    heard_s = times_s[confidence > 0.22]
    assert len(heard_s) == len(TIMES_S) and np.abs(heard_s - TIMES_S).max() < 0.01


def test_a_soundtrack_of_the_examples_rate_is_a_copy():
    found = library(EXAMPLES[0])
    (piece, _), choice = found.pieces, Choice(Wanted(0, 0.5), 0, COPIED, 1.0, 0.0, 0.0)
    out = found.sound([choice], 22_050, 22_050, [rng_of(0)])
    begin, fade = round(0.5 * 22_050) - piece.attack, 441
    np.testing.assert_array_equal(
        out[begin + piece.attack : begin + len(piece.wav) - fade], piece.wav[piece.attack : -fade]
    )


def test_gain_and_shift_of_a_choice_are_heard():
    found = library(EXAMPLES[0])
    plain, changed = (
        found.sound([Choice(Wanted(0, 0.5), 0, COPIED, gain, 0.0, shift_s)], 22_050, 22_050, [rng_of(0)])
        for gain, shift_s in ((1.0, 0.0), (0.5, 0.01))
    )
    shift = round(0.51 * 22_050) - round(0.5 * 22_050)
    np.testing.assert_allclose(changed[shift:], 0.5 * plain[:-shift], atol=1e-7)


@pytest.mark.parametrize("length", [0, 1, 12_345])
def test_a_soundtrack_is_as_long_as_wanted(length):
    found = library(*EXAMPLES)
    for choices in ([], Chooser().choose(found.pieces, [Wanted(0, 0.1), Wanted(1, 99.0)], rng_of)):
        assert found.sound(choices, 22_050, length, [rng_of(0)] * len(choices)).shape == (length, 2)


def test_the_same_seed_sounds_the_same():
    found = library(*EXAMPLES)
    np.testing.assert_array_equal(soundtrack(found, 44_100), soundtrack(found, 44_100))


@pytest.mark.parametrize(("example", "wanted", "how"), [(EXAMPLES[1], 0.99, GRAINS), (None, 0.01, ATTACK)])
def test_the_kind_that_is_lacking_is_made_of_the_other(example, wanted, how):
    found = library(example or (stereo(scratch(48_000, around_s=0.5)), 48_000))
    choices = Chooser().choose(found.pieces, [Wanted(0, 0.5, wanted)], rng_of)
    assert choices[0].how == how
    out = found.sound(choices, 48_000, 72_000, [rng_of(0)])
    heard = np.flatnonzero(np.abs(out[:, 0]) > 1e-5) / 48_000
    assert 0.49 < heard[0] < 0.52 and 0.51 < heard[-1] < 0.96 and np.isfinite(out).all()
    again = library(*[EXAMPLES[1]]).sound(choices, 48_000, 72_000, [rng_of(1)]) if how == GRAINS else out
    assert (np.abs(again - out).max() > 0.01) == (how == GRAINS)


NOTHING = (
    [],
    [(np.zeros((0, 1), np.float32), 22_050)],
    [(np.zeros((9_000, 2), np.float32), 48_000)],
    [(np.full((9_000, 1), 9e-5, np.float32), 22_050), (np.zeros((0, 2), np.float32), 8_000)],
)


@pytest.mark.parametrize("examples", NOTHING)
def test_silence_is_no_library(examples):
    assert library_of(examples, WITHOUT_LABELS) is None


def test_silence_beside_a_sound_adds_nothing():
    found = library(*NOTHING[2], EXAMPLES[0], *NOTHING[1])
    assert {one.example for one in found.pieces} == {1} and found.clean
    assert len(found.pieces) == len(library(EXAMPLES[0]).pieces)


def test_without_a_sound_that_stands_out_there_is_one_piece():
    noise = 0.1 * np.random.default_rng(0).standard_normal((3 * 22_050, 1)).astype(np.float32)
    found = library((noise, 22_050))
    assert len(found.pieces) == 1 and not found.clean and not found.tones
    assert library((noise, 22_050), EXAMPLES[1]).clean


def test_the_room_is_heard_at_its_own_level():
    wav = bursts([0.5, 2.5], 48_000, 5.0, floor=0.003)
    found = library((stereo(wav), 48_000), (wav, 48_000))
    for rate_hz in (22_050, 48_000):
        out = found.tone(rate_hz, 3 * rate_hz, rng_of(0))
        assert out.shape == (3 * rate_hz, 2)
        # Its part below half the lower rate, which is all that a lower rate can hold.
        room = soxr.resample(np.concatenate([tone for tone, _ in found.tones if tone.shape[1] == 1]), 48_000, rate_hz)
        assert abs(20 * np.log10(out[:, 0].std() / room.std())) < 1
    assert all(np.abs(tone).max() < 0.03 for tone, _ in found.tones)


@pytest.mark.parametrize(
    "wav", [bursts([0.0], seconds=0.3), bursts([0.0], seconds=0.9, decay_s=0.2, floor=0.0), bursts([0.3], floor=0.0)]
)
def test_a_sound_and_its_tail_are_no_room(wav):
    found = library((wav, 22_050))
    assert all(np.abs(tone).max() < 1e-3 for tone, _ in found.tones)
    out = found.tone(44_100, 5_000, rng_of(0))
    assert out.shape == (5_000, 1) and np.abs(out).max() < 1e-3


def test_of_a_long_example_those_that_stand_out_are_kept():
    times_s = 0.2 + 0.2 * np.arange(600)
    found = library((bursts(times_s, seconds=121.0, decay_s=0.02), 22_050))
    assert len(found.pieces) == 512 and found.clean
    starts_s = [one.start_s for one in found.pieces]
    assert starts_s == sorted(starts_s)


@pytest.mark.parametrize("block_s", [6.0, 7.3, 11.0])
def test_blocks_give_the_pieces_of_the_whole(block_s: float) -> None:
    rate_hz, length_s = 22_050, 31.0
    rng = np.random.default_rng(3)
    wav = 0.0005 * rng.standard_normal((round(length_s * rate_hz), 1))
    times = np.arange(0.7, length_s - 0.5, 1.13)
    for time_s in times:
        first, t = round(time_s * rate_hz), np.arange(round(0.4 * rate_hz)) / rate_hz
        wav[first : first + len(t), 0] += 0.5 * np.exp(-t / 0.05) * np.sin(2 * np.pi * 900 * t)
    wav = wav.astype(np.float32)
    size = round(block_s * rate_hz)
    blocks = [wav[first : first + size] for first in range(0, len(wav), size)]
    whole = mine_blocks([wav], rate_hz, WITHOUT_LABELS).pieces
    parts = mine_blocks(blocks, rate_hz, WITHOUT_LABELS).pieces
    assert len(whole) == len(times)
    np.testing.assert_allclose([piece.start_s for piece in parts], [piece.start_s for piece in whole], atol=0.002)
    assert [piece.clean for piece in parts] == [piece.clean for piece in whole]
    np.testing.assert_allclose([p.length_s for p in parts], [p.length_s for p in whole], atol=0.03)

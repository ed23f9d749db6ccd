"""Laws of pieces: one for each sound, at its time, copied bit for bit, never with a second sound in it."""

import numpy as np
import pytest

from tests.retrieval.struck import bursts, scratch, stereo
from vis2sound_jax.retrieval.pieces import CLEAN_DB, CLEAN_S, LEAD_S, LONGEST_S, clean_pieces, mine
from vis2sound_jax.retrieval.sound_kind import WITHOUT_LABELS

RATES_HZ = (16_000, 22_050, 44_100, 48_000, 96_000, 192_000)
TIMES_S = (0.3, 0.72, 1.1, 1.6, 2.2)


def pieces_of(wav, rate_hz=22_050, example=0):
    return mine(wav, rate_hz, WITHOUT_LABELS, example)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_there_is_a_piece_for_each_sound(rate_hz, channels):
    wav = bursts(TIMES_S, rate_hz)
    wav = stereo(wav) if channels == 2 else wav
    pieces = pieces_of(wav, rate_hz, 7)
    assert len(pieces) == len(TIMES_S) and all(piece.clean for piece in pieces)
    for piece, time_s, next_s in zip(pieces, TIMES_S, [*TIMES_S[1:], 3.0], strict=True):
        assert abs(piece.start_s - time_s) < 0.002 and piece.rate_hz == rate_hz and piece.example == 7
        assert piece.wav.dtype == np.float32 and piece.wav.shape[1] == channels
        first = round(piece.start_s * rate_hz) - piece.attack
        start = min(range(first - 2, first + 3), key=lambda k: np.abs(wav[k : k + 50] - piece.wav[:50]).max())
        np.testing.assert_array_equal(wav[start : start + len(piece.wav)], piece.wav)
        assert abs((start + piece.attack) / rate_hz - time_s) < 0.002
        # It ends before the next sound begins, and holds all of its own, which dies away by 60 dB in 0.2 s.
        assert start + len(piece.wav) <= (next_s - LEAD_S) * rate_hz + 0.002 * rate_hz or next_s == 3.0
        assert piece.length_s >= 0.18 and piece.attack <= (LEAD_S + 0.001) * rate_hz
        assert piece.alone_s == pytest.approx(next_s - time_s, abs=0.003)


def test_pieces_are_copies_and_no_views():
    wav = bursts([0.5])
    piece = pieces_of(wav)[0]
    assert not np.shares_memory(piece.wav, wav)


@pytest.mark.parametrize(("gap_s", "decay_s"), [(0.08, 0.02), (0.12, 0.04), (0.3, 0.1), (0.5, 0.2)])
def test_a_piece_ends_before_the_next_sound_however_close(gap_s, decay_s):
    times_s = 0.3 + gap_s * np.arange(5)
    pieces = pieces_of(bursts(times_s, decay_s=decay_s))
    assert len(pieces) == 5
    for piece, next_s in zip(pieces, times_s[1:], strict=False):
        assert piece.start_s + piece.length_s <= next_s - 0.005
        assert piece.attack / piece.rate_hz <= LEAD_S + 0.001
    for before, after in zip(pieces, pieces[1:], strict=False):
        assert after.start_s - after.attack / after.rate_hz >= before.start_s


@pytest.mark.parametrize("rate_hz", [16_000, 48_000, 192_000])
def test_a_one_shot_is_one_clean_piece(rate_hz):
    wav = bursts([0.0], rate_hz, 0.03, decay_s=0.02)
    (piece,) = pieces_of(wav, rate_hz)
    assert piece.clean and piece.start_s < 0.001 and piece.attack < 0.001 * rate_hz
    assert len(piece.wav) >= len(wav) - 0.001 * rate_hz and piece.alone_s >= LONGEST_S
    np.testing.assert_array_equal(piece.wav, wav[: len(piece.wav)])


def test_steady_noise_has_its_most_prominent_moment_alone():
    noise = 0.1 * np.random.default_rng(0).standard_normal((60_000, 1)).astype(np.float32)
    (piece,) = pieces_of(noise)
    assert piece.rise_db == 0 and not piece.clean
    assert clean_pieces([piece]) == ([piece], False)


@pytest.mark.parametrize("wav", [np.zeros((0, 1)), np.zeros((0, 2))])
def test_an_empty_sound_has_none(wav):
    assert pieces_of(wav.astype(np.float32)) == [] and clean_pieces([]) == ([], False)


@pytest.mark.parametrize("length", [1, 5, 100, 3_000])
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 192_000])
def test_sounds_of_any_length_are_taken_apart(length, rate_hz):
    for wav in (np.zeros((length, 2), np.float32), np.full((length, 2), 0.5, np.float32)):
        for piece in pieces_of(wav, rate_hz):
            assert 0 <= piece.attack < len(piece.wav) <= length and np.isfinite(piece.brightness_hz)
            assert np.isfinite([piece.loudness_db, piece.rise_db, piece.alone_s]).all() and 0 <= piece.scratch <= 1


def test_a_sound_that_has_decayed_ends_though_nothing_follows():
    (piece,) = pieces_of(bursts([0.5], seconds=8.0, floor=0.0))
    assert 0.2 < piece.length_s < 0.4
    (long,) = pieces_of(bursts([0.5], seconds=8.0, floor=0.01))
    assert long.length_s == pytest.approx(LONGEST_S, abs=0.02)


def test_measures_say_how_loud_and_of_which_kind():
    wav = bursts([0.5, 1.2], levels=[0.05, 0.4])
    soft, loud = pieces_of(wav)
    assert loud.loudness_db - soft.loudness_db == pytest.approx(20 * np.log10(8), abs=0.5)
    assert loud.scratch < 0.5 and 2_000 < loud.brightness_hz < 9_000
    (rubbed,) = pieces_of(scratch(around_s=0.5))
    assert rubbed.scratch > 0.5


def test_clean_pieces_stand_out_and_are_alone():
    pieces = pieces_of(bursts([0.5, 0.55, 0.9, 1.5], decay_s=0.05))
    clean, found = clean_pieces(pieces)
    assert found and 0 < len(clean) < len(pieces) + 1
    assert all(piece.rise_db >= CLEAN_DB and piece.alone_s >= CLEAN_S for piece in clean)
    unclean = [piece for piece in pieces_of(bursts([0.5, 0.6], seconds=0.7)) if not piece.clean]
    assert clean_pieces(unclean)[1] is False and len(clean_pieces(unclean)[0]) == min(len(unclean), 1)

"""Laws of the choice: an event's own affair; the kind first; never the same piece twice in a row; small changes."""

import dataclasses

import numpy as np
import pytest

from vis2sound_jax.retrieval.choice import ATTACK, COPIED, GRAINS, Chooser, Wanted
from vis2sound_jax.retrieval.pieces import Piece

PLAIN = Chooser(vary=0.0)


def piece(*, scratch=0.1, loudness_db=-20.0, alone_s=1.0):
    """A piece of which only what is chosen by matters."""
    return Piece(np.zeros((100, 1), np.float32), 22_050, 0, 0, 0.0, 20.0, alone_s, loudness_db, 3_000.0, scratch)


def rng_of(number, seed=0):
    return np.random.default_rng([seed, number])


HITS = [piece(loudness_db=db) for db in (-32.0, -28.0, -24.0, -20.0, -16.0, -12.0)]
SCRATCHES = [piece(scratch=0.9, loudness_db=db) for db in (-26.0, -18.0)]
MIXED = [HITS[0], SCRATCHES[0], *HITS[1:4], SCRATCHES[1], *HITS[4:]]
EVENTS = [Wanted(k, 0.3 * k, scratch=(0.1, 0.2, 0.8)[k % 3], force_db=float(k % 5 - 2)) for k in range(40)]


def test_a_choice_does_not_depend_on_other_events():
    chosen = {one.wanted.id: one for one in Chooser().choose(MIXED, EVENTS, rng_of)}
    assert list(chosen) == [one.id for one in EVENTS]
    for some in (EVENTS[::-1], EVENTS[::3], EVENTS[5:6], [*EVENTS[20:], Wanted(99, 0.1), *EVENTS[:20]]):
        for one in Chooser().choose(MIXED, some, rng_of):
            assert one.wanted.id == 99 or one == chosen[one.wanted.id]


@pytest.mark.parametrize("number", [2, 3, 6])
@pytest.mark.parametrize("chooser", [Chooser(), Chooser(by_level=False), Chooser(by_kind=False)])
@pytest.mark.parametrize("scratch", [None, 0.1])
def test_neighbours_never_sound_alike_where_two_pieces_fit(number, chooser, scratch):
    wanted = [Wanted(k, k / 10, scratch) for k in range(60)]
    chosen = [one.piece for one in chooser.choose(HITS[:number], wanted, rng_of)]
    assert all(a != b for a, b in zip(chosen, chosen[1:], strict=False))
    assert set(chosen) == set(range(number)) or chooser.by_level


def test_a_single_piece_is_for_all():
    assert {one.piece for one in Chooser().choose(HITS[:1], EVENTS, rng_of)} == {0}


def test_hits_get_hits_and_scratches_get_scratches():
    for one in Chooser().choose(MIXED, EVENTS, rng_of):
        assert (MIXED[one.piece].scratch >= 0.5) == (one.wanted.scratch >= 0.5) and one.how == COPIED
    blind = Chooser(by_kind=False).choose(MIXED, EVENTS, rng_of)
    assert any((MIXED[one.piece].scratch >= 0.5) != (one.wanted.scratch >= 0.5) for one in blind)
    unknown = Chooser().choose(MIXED, [Wanted(k, 0.0) for k in range(40)], rng_of)
    assert {MIXED[one.piece].scratch for one in unknown} == {0.1, 0.9}


@pytest.mark.parametrize(("pieces", "sure", "how"), [(HITS, 0.97, GRAINS), (SCRATCHES, 0.03, ATTACK)])
def test_a_sound_is_made_over_only_where_the_kind_is_sure(pieces, sure, how):
    def how_of(scratch, chooser=PLAIN, among=pieces):
        return chooser.choose(among, [Wanted(0, 0.0, scratch)], rng_of)[0].how

    assert how_of(sure) == how
    assert how_of(0.5 + 0.85 * (sure - 0.5)) == how_of(None) == how_of(1 - sure) == COPIED
    assert how_of(sure, Chooser(made_over=False)) == how_of(sure, Chooser(by_kind=False)) == COPIED
    assert how_of(sure, among=MIXED) == COPIED


def test_without_variation_nothing_is_changed():
    for one in Chooser(vary=0.0, by_level=False).choose(MIXED, EVENTS, rng_of):
        assert one.cents == one.shift_s == 0 and one.gain == 1.0
    exact = [Wanted(k, 0.0, gain=0.5) for k in range(9)]
    assert {one.gain for one in PLAIN.choose([piece()] * 3, exact, rng_of)} == {0.5}


def test_variations_are_small_and_grow_with_vary():
    wanted = [Wanted(k, 0.0) for k in range(300)]
    full, half = (Chooser(vary=vary, by_level=False).choose(HITS, wanted, rng_of) for vary in (1.0, 0.5))
    cents, shift_s = np.array([one.cents for one in full]), np.array([one.shift_s for one in full])
    assert 15 < np.abs(cents).max() <= 30 and 0.002 < np.abs(shift_s).max() <= 0.005
    assert np.abs(20 * np.log10([one.gain for one in full])).max() <= 2
    assert abs(cents.mean()) < 3 and len(set(cents)) == 300
    np.testing.assert_allclose([one.cents for one in half], cents / 2)
    assert [one.piece for one in half] == [one.piece for one in full]


def test_the_same_seed_chooses_the_same_and_another_another():
    first, again = (Chooser().choose(MIXED, EVENTS, rng_of) for _ in range(2))
    other = Chooser().choose(MIXED, EVENTS, lambda number: rng_of(number, 1))
    assert first == again
    assert np.mean([a.piece != b.piece for a, b in zip(first, other, strict=True)]) > 0.2
    assert all(a.cents != b.cents for a, b in zip(first, other, strict=True))


def test_what_looks_harder_sounds_louder():
    pieces = [piece(loudness_db=-37.0 + 2 * k) for k in range(16)]  # -22 dB on average

    def level_db(force_db, chooser=PLAIN):
        chosen = chooser.choose(pieces, [Wanted(k, 0.0, force_db=force_db) for k in range(40)], rng_of)
        return np.array([pieces[one.piece].loudness_db + 20 * np.log10(one.gain) for one in chosen])

    for force_db in (-8.0, 0.0, 8.0):
        assert np.abs(level_db(force_db) - (force_db - 22.0)).max() < 9
        assert np.median(level_db(force_db)) == pytest.approx(force_db - 22.0, abs=1)
    same = Chooser(vary=0.0, by_level=False)
    np.testing.assert_array_equal(level_db(-8.0, same), level_db(8.0, same))


def test_gains_are_corrected_by_six_decibels_at_most():
    one = PLAIN.choose(HITS, [Wanted(0, 0.0, force_db=40.0)], rng_of)[0]
    assert one.gain == pytest.approx(10 ** (6 / 20))


def test_pieces_that_were_cut_short_are_the_last_resort():
    pieces = [piece(alone_s=0.15), piece(alone_s=0.9), piece(alone_s=0.14), piece(alone_s=0.6)]
    assert {one.piece for one in Chooser().choose(pieces, EVENTS, rng_of)} == {1, 3}
    short = [dataclasses.replace(piece(), alone_s=alone_s) for alone_s in (0.2, 0.3, 0.3, 0.1)]
    assert {one.piece for one in Chooser().choose(short, EVENTS, rng_of)} == {1, 2}


def test_what_is_pinned_moves_nothing_that_is_drawn():
    free = Chooser().choose(MIXED, EVENTS, rng_of)
    for number in (0, 3):
        pinned = [dataclasses.replace(one, piece=number, cents=100.0, pan=0.5) for one in EVENTS]
        for one, other in zip(Chooser().choose(MIXED, pinned, rng_of), free, strict=True):
            assert one.piece == number and one.how == other.how and one.shift_s == other.shift_s
            assert one.cents == pytest.approx(other.cents + 100)
    kept = [dataclasses.replace(one.wanted, piece=one.piece) for one in free]
    for one, other in zip(Chooser().choose(MIXED, kept, rng_of), free, strict=True):
        assert dataclasses.replace(one, wanted=other.wanted) == other


def test_an_example_alone_leaves_its_pieces_to_chance():
    pieces = [dataclasses.replace(one, example=k % 2) for k, one in enumerate(MIXED)]
    for example in (0, 1):
        wanted = [dataclasses.replace(one, example=example) for one in EVENTS]
        chosen = {one.piece for one in Chooser().choose(pieces, wanted, rng_of)}
        assert {pieces[k].example for k in chosen} == {example} and len(chosen) > 1

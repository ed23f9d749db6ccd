"""Laws of an edit: only what was changed sounds otherwise, every other sample stays, and pins are kept."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.systems.condfoley.engines_test import ALWAYS, RATE_HZ, knocks
from vis2sound_jax.audio.example import Example
from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.events import Event, EventList
from vis2sound_jax.retrieval.library import Library
from vis2sound_jax.systems.condfoley.edits import events_of_list
from vis2sound_jax.systems.condfoley.engines import Options, heard_events, open_library
from vis2sound_jax.systems.condfoley.plan import Plan, plan_pieces

DURATION_S = 12.0
NAMES = ("one.wav", "two.wav")


@pytest.fixture(scope="module")
def library() -> Library:
    rubbed = np.random.default_rng(1).standard_normal((RATE_HZ, 1)).astype(np.float32)
    return open_library(
        [Example.of_wav(knocks(1), RATE_HZ, "one.wav"), Example.of_wav(rubbed, RATE_HZ, "two.wav")], ALWAYS
    )


def listed(seed: int, number: int = 24) -> list[Event]:
    """Hits and scratches, some of them at the same time and some at the borders of the film."""
    rng = np.random.default_rng(seed)
    times_s = np.sort(np.concatenate([[0.0, 0.001, DURATION_S - 0.01], rng.uniform(0, DURATION_S, number - 4), [5.0]]))
    kinds = [("hit", 0.02), ("scratch", 0.98), ("hit", 0.4)]
    return [
        Event(float(time_s), id=k, kind=kinds[k % 3][0], scratch=kinds[k % 3][1], confidence=0.5, force_db=float(k % 5))
        for k, time_s in enumerate(times_s)
    ]


def planned(library: Library, events: list[Event], *, takes: int = 1, seed: int = 3, **options: Any) -> Plan:
    heard = heard_events(events_of_list(EventList(tuple(events))), ALWAYS)
    return plan_pieces(library, heard, ALWAYS, Options(**options), seed=seed, takes=takes, examples=NAMES)


def changed(events: list[Event], k: int, **values: Any) -> list[Event]:
    return [dataclasses.replace(event, **values) if number == k else event for number, event in enumerate(events)]


EDITS = {
    "moved": lambda events: changed(events, 8, time_s=events[8].time_s + 0.2),
    "moved past others": lambda events: changed(events, 4, time_s=9.0),
    "muted": lambda events: changed(events, 8, muted=True),
    "deleted": lambda events: events[:8] + events[9:],
    "added": lambda events: [*events, Event(6.5, kind="hit")],
    "softer": lambda events: changed(events, 8, gain_db=-6),
    "higher": lambda events: changed(events, 8, pitch_cents=300),
    "lower": lambda events: changed(events, 8, pitch_cents=-2400),
    "another take": lambda events: changed(events, 8, take=7),
    "another piece": lambda events: changed(events, 8, example="one.wav", piece=2),
    "another kind": lambda events: changed(events, 9, kind="scratch"),
    "at the beginning": lambda events: changed(events, 0, gain_db=3),
    "at the end": lambda events: changed(events, len(events) - 1, gain_db=3),
    "three at once": lambda events: changed(changed(events[1:], 8, gain_db=-6), 15, time_s=3.3),
    "all": lambda events: [dataclasses.replace(event, gain_db=-6) for event in events],
    "none": lambda events: events,
}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("tone_db", [None, 0.0])
def test_an_edit_changes_what_it_reaches_and_not_one_bit_elsewhere(
    name: str, tone_db: float | None, library: Library
) -> None:
    events = listed(0)
    edited = EDITS[name](events)
    before, after = planned(library, events, tone_db=tone_db), planned(library, edited, tone_db=tone_db)
    first, whole = before.sound(0, DURATION_S), after.sound(0, DURATION_S)
    again, made = after.sound_again(0, first, before)
    np.testing.assert_array_equal(again.view(np.uint32), whole.view(np.uint32))
    old, new = ({choice.wanted.id: choice for choice in plan.choices[0]} for plan in (before, after))
    touched = [old.get(k) for k in old if old[k] != new.get(k)] + [new.get(k) for k in new if new[k] != old.get(k)]
    reached = np.zeros(len(first), bool)
    for choice in touched:
        begin, end = library.reach(choice, RATE_HZ)
        reached[max(begin, 0) : max(end, 0)] = True
    np.testing.assert_array_equal(first[~reached].view(np.uint32), again[~reached].view(np.uint32))
    differs = (first != again).any(axis=1)
    assert differs.any() == (name != "none") and not (differs & ~reached).any()
    assert made < len(edited) or name in ("all", "three at once")
    # The soundtrack that was given stays as it was.
    np.testing.assert_array_equal(first, before.sound(0, DURATION_S))


@pytest.mark.parametrize("seed", range(4))
def test_a_sound_stays_within_its_reach(seed: int, library: Library) -> None:
    rng = np.random.default_rng(seed)
    events = [dataclasses.replace(event, pitch_cents=float(rng.uniform(-1200, 1200))) for event in listed(seed)]
    for choice in planned(library, events, seed=seed).choices[0]:
        alone = library.sound([choice], RATE_HZ, round(DURATION_S * RATE_HZ), [np.random.default_rng(0)])
        heard = np.flatnonzero(alone.any(axis=1))
        begin, end = library.reach(choice, RATE_HZ)
        assert len(heard) == 0 or begin <= heard[0] and heard[-1] < end


def test_choices_are_an_events_own(library: Library) -> None:
    """Whatever is added, taken away or changed beside it, in whatever order the rows stand."""
    events = listed(5)
    own = {choice.wanted.id: choice for choice in planned(library, events).choices[0]}
    others = [Event(t, kind="hit") for t in (0.5, 3.25, 7.0)]
    for some in ([*others, *events[::-1]], events[::2], [*events[5:], *others]):
        for choice in planned(library, some).choices[0]:
            assert choice.wanted.id not in own or choice == own[choice.wanted.id]
    added = {choice.wanted.id: choice for choice in planned(library, [*others, *events]).choices[0]}
    assert added[1_003_250] == {c.wanted.id: c for c in planned(library, [*events, others[1]]).choices[0]}[1_003_250]


def test_gain_pitch_and_place_are_heard(library: Library) -> None:
    plain = [Event(1.0, id=0, kind="hit", confidence=0.9)]
    wav = planned(library, plain, vary=0.0).sound(0, 2.0)
    assert wav.shape[1] == 1
    softer = planned(library, changed(plain, 0, gain_db=-6), vary=0.0).sound(0, 2.0)
    np.testing.assert_allclose(softer, wav * 10 ** (-6 / 20), atol=1e-6)
    left, right = (planned(library, changed(plain, 0, pan=pan), vary=0.0).sound(0, 2.0) for pan in (-1.0, 1.0))
    np.testing.assert_array_equal(left[:, 0], wav[:, 0])
    assert np.abs(left[:, 1]).max() < 1e-7 and left.shape[1] == 2
    np.testing.assert_allclose(right, left[:, ::-1], atol=1e-7)
    higher = planned(library, changed(plain, 0, pitch_cents=1200), vary=0.0).sound(0, 2.0)
    peaks = [np.abs(np.fft.rfft(sound[:, 0])).argmax() / 2 for sound in (wav, higher)]
    assert peaks[0] == pytest.approx(700, abs=30) and peaks[1] == pytest.approx(1400, abs=60)


def test_a_sound_that_is_panned_makes_two_channels_and_changes_no_other(library: Library) -> None:
    events = listed(2)
    before, after = planned(library, events), planned(library, changed(events, 8, pan=0.5))
    first = before.sound(0, DURATION_S)
    again, _ = after.sound_again(0, first, before)
    np.testing.assert_array_equal(again, after.sound(0, DURATION_S))
    assert first.shape[1] == 1 and again.shape[1] == 2
    begin, end = library.reach(after.choices[0][8], RATE_HZ)
    for channel in range(2):
        np.testing.assert_array_equal(again[:begin, channel], first[:begin, 0])
        np.testing.assert_array_equal(again[end:, channel], first[end:, 0])


def test_an_event_keeps_the_take_and_the_piece_it_is_pinned_to(library: Library) -> None:
    events = listed(1)
    free = planned(library, events, takes=4)
    pinned = []
    for event, choice, said in zip(events, free.choices[2], free.listed(2, NAMES), strict=True):
        assert said["event"] == choice.wanted.id == event.id and said["take"] == 3
        pinned.append(dataclasses.replace(event, take=said["take"], example=said["example"], piece=said["piece"]))
    kept = planned(library, pinned, takes=2)
    for take in range(2):
        np.testing.assert_array_equal(kept.sound(take, DURATION_S), free.sound(2, DURATION_S))
    assert len({free.sound(take, DURATION_S).tobytes() for take in range(4)}) == 4
    toned = [planned(library, some, takes=4, tone_db=0.0).sound(take, 2.0) for some, take in ((events, 2), (pinned, 0))]
    np.testing.assert_array_equal(*toned)
    # An example alone leaves the piece to chance.
    some = planned(library, [dataclasses.replace(event, example="two.wav") for event in events])
    assert {library.pieces[choice.piece].example for choice in some.choices[0]} == {1}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"example": "three.wav"},
            "event 7, example 'three.wav': is not among those given .one.wav, two.wav.",
        ),
        ({"piece": 2}, "event 7, piece 2: of which example is not said; give one of one.wav, two.wav"),
        ({"example": "one.wav", "piece": 99}, "event 7, piece 99: one.wav has 4 pieces that stand alone; give 1 to 4"),
    ],
)
def test_pins_to_what_is_not_there_are_told(values: dict[str, Any], message: str, library: Library) -> None:
    with pytest.raises(UserError, match=message):
        planned(library, [Event(1.0, id=7, **values)])


def test_a_place_that_is_taken_back_leaves_one_channel_as_it_was(library: Library) -> None:
    events = listed(2)
    plain, moved = planned(library, events), planned(library, changed(events, 8, pan=0.5))
    again, _ = plain.sound_again(0, moved.sound(0, DURATION_S), moved)
    np.testing.assert_array_equal(again.view(np.uint32), plain.sound(0, DURATION_S).view(np.uint32))

"""Laws of the artist's list: as it was written it gives the same sound; an edit changes only what it reaches."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.systems.condfoley.engines_test import ALWAYS, example, knocks
from tests.tiny_run import call, command
from vis2sound_jax import api
from vis2sound_jax.audio.files import read_channels, write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.formats import FORMS, read_events, write_events
from vis2sound_jax.exchange.timecode import Rate
from vis2sound_jax.run.steps import Events, Request, Result
from vis2sound_jax.systems.condfoley.chain import Foley, load
from vis2sound_jax.systems.condfoley.edits import clock_of, events_of_list, is_pinned, list_of
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import write_film

FRAMES = np.random.default_rng(0).integers(0, 256, (100, 40, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def foley(tiny_run: Path) -> Foley:
    return dataclasses.replace(load(tiny_run), rule=ALWAYS)


@pytest.fixture(scope="module")
def film() -> Film:
    return Film.of_frames(FRAMES, 25.0, "noise")


@pytest.fixture(scope="module")
def result(foley: Foley, film: Film) -> Result:
    return foley.generate(film, Request(example=example(), takes=2))


def sounded(foley: Foley, film: Film, events: EventList, takes: int = 2) -> Result:
    """Sounds a list from the beginning."""
    composed = foley.compose(foley.listed(film, events), Request(example=(example(),), takes=takes))
    return foley.sound(composed)


def test_a_list_as_it_was_written_gives_the_same_sound(
    foley: Foley, film: Film, result: Result, tmp_path: Path
) -> None:
    events = foley.event_list(result.composed.watched, "01:00:00:00")
    assert len(events.events) >= 4 and not any(event.take for event in events.events)
    for form in FORMS.values():
        if form.writes:
            path = tmp_path / f"events{form.suffixes[0]}"
            write_events(path, events, form.name)
            back = sounded(foley, film, read_events(path, events.clock))
            np.testing.assert_array_equal(back.wavs, result.wavs, err_msg=form.name)


def test_a_list_of_a_result_is_its_best_take(foley: Foley, film: Film, result: Result) -> None:
    events = foley.event_list(result)
    assert is_pinned(events) and all(event.example == "knocks" for event in events.events)
    again = sounded(foley, film, events, takes=1)
    np.testing.assert_array_equal(again.wavs[0], result.wavs[result.best])


def test_an_edit_gives_what_the_list_gives_from_the_beginning(foley: Foley, film: Film, result: Result) -> None:
    events = list(foley.event_list(result.composed.watched).events)
    edits = {
        "moved": [dataclasses.replace(events[1], time_s=events[1].time_s + 0.1), *events[:1], *events[2:]],
        "deleted and added": [*events[1:], Event(3.1, kind="hit", note="added")],
        "muted": [dataclasses.replace(events[0], muted=True), *events[1:]],
        "panned": [dataclasses.replace(events[0], pan=-0.5), *events[1:]],
    }
    for some in edits.values():
        listed = EventList(tuple(some))
        edited = foley.edited(result, listed)
        np.testing.assert_array_equal(edited.wavs, sounded(foley, film, listed).wavs)
        same = (edited.wavs == result.wavs).all(axis=(0, 2))
        assert same.any() and not same.all()
        assert edited.take_notes == sounded(foley, film, listed).take_notes and not edited.scores
        ranked = foley.rank(edited)
        assert set(ranked.scores) == {"agreement"} and len(ranked.events) == sum(not one.muted for one in some)


def test_codes_are_not_edited(foley: Foley, film: Film) -> None:
    both = foley.generate(film, Request(example=example(), takes=1, options={"engine": "both"}))
    with pytest.raises(UserError, match="takes of codes cannot be edited; make takes of pieces with --engine=exemplar"):
        foley.edited(both, foley.event_list(both))


def test_what_is_not_sure_is_muted_in_the_list() -> None:
    notes = tuple({"id": k, "kind": "hit", "scratch": 0.2, "force_db": 1.5, "x": 0.1, "y": 0.9} for k in range(3))
    events = Events(np.array([0.1, 0.2, 1 / 3]), np.array([0.05, 0.2, 0.9], np.float32), notes)
    listed = list_of(events, FilmClock(), EventRule(threshold=0.4))
    assert [event.muted for event in listed.events] == [True, False, False]
    back = events_of_list(listed)
    np.testing.assert_array_equal(back.times_s, events.times_s)
    np.testing.assert_array_equal(back.confidence, events.confidence)
    assert [{k: v for k, v in note.items() if k != "muted"} for note in back.notes] == list(notes)
    changed = events_of_list(
        EventList((Event(1, kind="scratch", scratch=0.1), Event(2, kind="door"), Event(3, kind="hit")))
    )
    assert [note.get("scratch") for note in changed.notes] == [1.0, None, 0.0]
    assert list(changed.confidence) == [1.0] * 3


def test_the_clock_of_a_film(tmp_path: Path) -> None:
    for fps, said, name in (
        (25.0, "10:00:00:00", "10:00:00:00"),
        (29.97, "01:00:00;00", "01:00:00;00"),
        (29.97, "01:00:00:00", "01:00:00:00"),
        (23.976, "", "00:00:00:00"),
        (29.9, "", ""),
    ):
        assert clock_of(Film.of_frames(FRAMES, fps), said).start_name == name
    assert clock_of(Film.of_frames(FRAMES, 25.0, "a.mov")) == FilmClock("a.mov", Rate(Fraction(25)), 0, 4.0)
    for fps, said, message in (
        (29.9, "01:00:00:00", "--timecode=01:00:00:00: the film has 29.9 frames a second, which have no timecode"),
        (25.0, "01:00:00:25", "--timecode: '01:00:00:25' is no timecode at 25"),
        (29.97, "00:01:00;00", "--timecode: '00:01:00;00' is a name that 29.97 DF leaves out"),
    ):
        with pytest.raises(UserError, match=message):
            clock_of(Film.of_frames(FRAMES, fps), said)


def test_events_go_out_are_edited_and_come_back_by_command(tiny_run: Path, tmp_path: Path) -> None:
    video, out, table = tmp_path / "film.mp4", tmp_path / "out.mp4", tmp_path / "events.csv"
    write_film(video, FRAMES, 25)
    write_wav(tmp_path / "knocks.wav", knocks(1), 48_000)
    asked = ["--job=generate", f"--video={video}", f"--example={tmp_path / 'knocks.wav'}"]
    answer = call(*command(tiny_run, "--job=onsets", f"--video={video}", f"--output={table}", "--timecode=01:00:00:00"))
    assert answer.code == 0, answer.err
    clock = FilmClock("film.mp4", Rate(Fraction(25)), 90_000, 4.0)
    listed = read_events(table, clock)
    loud = EventList(tuple(dataclasses.replace(event, muted=False) for event in listed.events), clock)
    write_events(table, loud)
    first = [*asked, "--takes=2", f"--events={table}", f"--output={out}", f"--events_out={tmp_path / 'out.edl'}"]
    answer = call(*command(tiny_run, *first, "--timecode=01:00:00:00"))
    assert answer.code == 0, answer.err
    assert f"events_out {tmp_path / 'out.edl'}" in answer.out
    pinned = read_events(tmp_path / "out.edl", clock)
    assert is_pinned(pinned) and len(pinned.events) == len(loud.events)
    softer = (*pinned.events[1:], dataclasses.replace(pinned.events[0], gain_db=-20))
    write_events(tmp_path / "edited.mid", EventList(softer, clock))
    second = [*asked, f"--events={tmp_path / 'edited.mid'}", f"--output={tmp_path / 'two.mp4'}"]
    answer = call(*command(tiny_run, *second))
    assert answer.code == 0, answer.err
    before, after = read_channels(out.with_suffix(".wav"), 48_000), read_channels(tmp_path / "two.wav", 48_000)
    assert before.shape == after.shape and (before != after).any() and not (tmp_path / "two_take2.wav").exists()
    # Without --lufs and below the limiter's ceiling the delivered sound keeps every other sample, too.
    differs = np.flatnonzero((before != after).any(axis=1)) / 48_000 - pinned.events[0].time_s
    assert -0.05 < differs[0] and differs[-1] < 2.6


def test_lists_that_cannot_be_used_are_told_before_any_work(tiny_run: Path, tmp_path: Path) -> None:
    video, table = tmp_path / "film.mp4", tmp_path / "events.csv"
    write_film(video, FRAMES, 25)
    write_wav(tmp_path / "knocks.wav", knocks(1), 48_000)
    table.write_text("time_s,gain_db\n1,loud\n")
    late = tmp_path / "late.csv"
    late.write_text("time_s\n5\n")
    good = tmp_path / "out.json"
    good.write_text('{"events": [{"time_s": 1, "piece": 99}]}')
    asked = [
        "--job=generate",
        f"--video={video}",
        f"--example={tmp_path / 'knocks.wav'}",
        f"--output={tmp_path / 'o.mp4'}",
    ]
    for flags, message in (
        ([f"--events={table}"], f"{table}: row 2, column gain_db, 'loud': is not a number; give a change of level"),
        (
            [f"--events={late}"],
            f"{late}: row 2, column time_s, 5: is not in the film; give a time before its",
        ),
        ([f"--events={good}"], "piece 99: knocks.wav has"),
        (
            [f"--events={good}", f"--output={tmp_path / 'out.mp4'}", "--overwrite=true"],
            f"{good}: would be replaced by what is made",
        ),
        ([f"--events={good}", "--engine=codes"], "--events goes with --engine=exemplar or both"),
        ([f"--events_out={tmp_path / 'a.doc'}"], "has the ending .doc; name a file that ends in .csv"),
        ([f"--events_out={tmp_path / 'no' / 'a.csv'}"], "there is no such folder"),
        ([f"--events={good}", f"--events_out={good}"], "is another file of this request; name another --events_out"),
        ([f"--events_out={tmp_path / 'a.edl'}", "--engine=codes"], "--events_out goes with --engine=exemplar or both"),
        (["--format=midi"], "--format goes with --events_out"),
        ([f"--events={tmp_path / 'none.mid'}"], "none.mid: no such file; check the path"),
        (["--timecode=1:2"], "--timecode: '1:2' is no timecode; write it as 01:00:00:00"),
    ):
        before = sorted(tmp_path.iterdir())
        answer = call(*command(tiny_run, *asked, *flags))
        assert answer.code == 2 and message in answer.err and answer.err.count("\n") == 1, answer.err
        assert sorted(tmp_path.iterdir()) == before
    answer = call(*command(tiny_run, "--job=generate", f"--events={table}"))
    assert answer.code == 2 and "--events and --events_out go with --video=FILM" in answer.err
    odd = tmp_path / "odd.mp4"
    write_film(odd, FRAMES, Fraction(299, 10))
    for job in (["--job=onsets", f"--video={odd}", f"--output={tmp_path / 'a.edl'}"],):
        answer = call(*command(tiny_run, *job))
        assert answer.code == 2 and "a.edl: needs timecode, and the film has a rate that timecode" in answer.err


def test_programs_have_the_same_by_the_door() -> None:
    assert api.read_events is read_events and api.write_events is write_events and api.EventList is EventList

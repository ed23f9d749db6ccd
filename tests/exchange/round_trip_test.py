"""Laws of every form: what nobody touched comes back exactly, what was moved is read to the form's grid."""

import dataclasses
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.exchange.waves import write_noise
from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.bwf import mark_wave, read_bwf
from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.formats import FORMS, FRAME, Form, form_of, form_to_write, read_events, write_events
from vis2sound_jax.exchange.midi import TICK_S
from vis2sound_jax.exchange.timecode import RATES, Rate

WRITTEN = [form for form in FORMS.values() if form.writes]
WITH_TIMECODE = [form for form in WRITTEN if form.timed]
Draw = Callable[[Rate, int], EventList]


def _in_order(events: EventList) -> list[Event]:
    return sorted(events.events, key=repr)


def _grid_s(form: Form, rate: Rate) -> float:
    """Half a step of a form's times."""
    steps = {"exact": 0.0, "microsecond": 1e-6, "MIDI tick": float(TICK_S), "sample": 1 / 48_000}
    return (float(1 / rate.fps) if form.grid == FRAME else steps[form.grid]) / 2 + 1e-9


def without_our_brackets(path: Path) -> None:
    """Makes markers of anybody of ours, so that only the form's own times are left."""
    data = path.read_bytes()
    for encoding in ("utf-8", "utf-16-le"):
        data = data.replace("[at=".encode(encoding), "[to=".encode(encoding))
    path.write_bytes(data)


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("form", WRITTEN, ids=lambda form: form.name)
def test_a_list_comes_back_as_it_was(form: Form, rate: Rate, drawn: Draw, tmp_path: Path) -> None:
    events = drawn(rate, RATES.index(rate))
    path = tmp_path / f"events{form.suffixes[0]}"
    write_events(path, events, form.name)
    assert form_of(path) == form
    back = read_events(path, events.clock, events.seed)
    assert _in_order(back) == _in_order(events)
    assert back.clock == events.clock and back.seed == events.seed
    # Read by anybody else, times are those of the grid.
    without_our_brackets(path)
    plain = read_events(path, events.clock, events.seed)
    heard = [event for event in events.events if form.name != "midi" or not event.muted]
    assert len(plain.events) == len(heard)
    for one, other in zip(heard, plain.events, strict=True):
        assert abs(one.time_s - other.time_s) <= _grid_s(form, rate)
    # And they stay there.
    again = tmp_path / f"again{form.suffixes[0]}"
    write_events(again, plain, form.name)
    assert [event.time_s for event in read_events(again, events.clock).events] == [e.time_s for e in plain.events]


@pytest.mark.parametrize("name", ["edl", "premiere", "resolve"])
def test_what_was_moved_is_where_it_was_put(name: str, drawn: Draw, tmp_path: Path) -> None:
    """With another first frame every marker lies elsewhere in the film, as if each had been moved."""
    for rate in (Rate(Fraction(25)), RATES[-2]):
        events = drawn(rate, 3)
        path = tmp_path / f"events{FORMS[name].suffixes[0]}"
        write_events(path, events, name)
        moved = dataclasses.replace(events.clock, start=events.clock.start - 5, duration_s=70.0)
        back = read_events(path, moved)
        for one, other in zip(events.events, back.events, strict=True):
            assert other.time_s == moved.time_of(events.clock.frame_at(one.time_s) + 5)
        assert {event.id for event in back.events} == {event.id for event in events.events}


def test_texts_are_safe_in_every_form(tmp_path: Path) -> None:
    """Markup, quotes, line ends and formulas are text and stay it."""
    clock = FilmClock('<b>film</b> & "co".mp4', Rate(Fraction(24)), 0, 10.0)
    event = Event(1.0, id=1, kind='=x "<i>', note="<script>\n]]>&amp; | ;\t\"' \\ 音 [at=3]", example="a;b,c.wav")
    for form in WRITTEN:
        path = tmp_path / f"events{form.suffixes[0]}"
        write_events(path, EventList((event,), clock), form.name)
        assert read_events(path, clock).events == (event,), form.name
        if form.suffixes[0] in (".fcpxml", ".html"):
            assert "<script>" not in path.read_text()


@pytest.mark.parametrize("form", WITH_TIMECODE, ids=lambda form: form.name)
def test_a_film_without_timecode_is_told_before_anything_is_written(form: Form, tmp_path: Path) -> None:
    path = tmp_path / f"events{form.suffixes[0]}"
    with pytest.raises(UserError, match="needs timecode, and the film has a rate that timecode does not count"):
        write_events(path, EventList((Event(1.0),), FilmClock("film.mp4", None, 0, 9.0)), form.name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.name)
def test_other_files_are_refused_on_one_line(form: Form, tmp_path: Path) -> None:
    clock = FilmClock("film.mp4", Rate(Fraction(25)), 0, 9.0)
    for data in (
        b"",
        b"\0" * 100,
        b"MThd\0\0\0\6\0\1",
        b"<a>",
        b"{}",
        random.Random(0).randbytes(50),
        "ü\n".encode("latin1"),
        b"a,b\n",
    ):
        path = tmp_path / f"bad{form.suffixes[0]}"
        path.write_bytes(data)
        with pytest.raises(UserError) as told:
            read_events(path, clock)
        assert str(told.value).startswith(f"{path}: ") and "\n" not in str(told.value) and "; " in str(told.value)


@pytest.mark.parametrize("form", WRITTEN, ids=lambda form: form.name)
def test_a_file_cut_off_anywhere_is_refused_or_read_in_part(form: Form, drawn: Draw, tmp_path: Path) -> None:
    events = drawn(RATES[-2], 5)
    path = tmp_path / f"events{form.suffixes[0]}"
    write_events(path, events, form.name)
    data = path.read_bytes()
    for part in range(1, 20):
        path.write_bytes(data[: len(data) * part // 20])
        try:
            assert len(read_events(path, events.clock).events) <= len(events.events)
        except UserError as error:
            assert "\n" not in str(error)


def test_files_that_are_nested_deep_or_long_are_refused_at_once(tmp_path: Path) -> None:
    """Readers in C would end the program."""
    clock = FilmClock("film.mp4", Rate(Fraction(25)), 0, 9.0)
    stack = '{"OTIO_SCHEMA":"Stack.1","children":['
    gaps = '<gap offset="0s">' * 20_000 + "</gap>" * 20_000
    for name, data in (
        ("a.otio", "[" * 200_000),
        ("a.otio", '{"OTIO_SCHEMA":"Timeline.1","tracks":' + stack * 20_000 + "]}" * 20_000 + "}"),
        ("a.json", "[" * 200_000),
        ("a.fcpxml", f"<fcpxml><sequence><spine>{gaps}</spine></sequence></fcpxml>"),
        ("a.edl", "001  AX A C " + " " * 1_000_000 + "x\n"),
        ("a.edl", "001  AX A C 0 0 0 0\n|C:a |M:" + " " * 1_000_000 + "\n"),
    ):
        (tmp_path / name).write_text(data)
        with pytest.raises(UserError) as told:
            read_events(tmp_path / name, clock)
        assert "\n" not in str(told.value) and len(str(told.value)) < 400


def test_no_event_at_all_is_a_list(tmp_path: Path) -> None:
    clock = FilmClock("film.mp4", Rate(Fraction(25)), 0, 9.0)
    for name in ("table", "event_json", "midi", "fcpxml", "otio", "pro_tools", "reaper", "premiere", "resolve"):
        path = tmp_path / f"events{FORMS[name].suffixes[0]}"
        write_events(path, EventList((), clock), name)
        assert read_events(path, clock).events == ()


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_markers_of_a_wave_are_read_to_the_sample(rate_hz: int, drawn: Draw, tmp_path: Path) -> None:
    events = drawn(RATES[-2], 8)
    write_noise(tmp_path / "a.wav", rate_hz)
    mark_wave(tmp_path / "a.wav", tmp_path / "b.wav", events)
    assert _in_order(read_events(tmp_path / "b.wav", events.clock, 8)) == _in_order(events)
    data = (tmp_path / "b.wav").read_bytes()
    (tmp_path / "b.wav").write_bytes(data.replace(b"[at=", b"[to="))
    back = read_bwf(tmp_path / "b.wav", events.clock, 8)
    for one, other in zip(events.events, back.events, strict=True):
        assert other.time_s == round(one.time_s * rate_hz) / rate_hz


def test_forms_are_chosen_by_ending_and_name(tmp_path: Path) -> None:
    assert [form_to_write(f"a{suffix}").name for suffix in (".csv", ".JSON", ".mid", ".txt", ".edl")] == [
        *("table", "event_json", "midi", "audacity", "edl")
    ]
    assert form_to_write("a.txt", "pro_tools").name == "pro_tools"
    for name, path, message in (
        ("cubase", "a.csv", "--format=cubase is not known; it must be one of table, event_json, midi, edl"),
        ("edl", "a.csv", "a.csv: has the ending .csv; name a file that ends in .edl"),
        ("bwf", "a.wav", "--format=bwf is not known"),
        ("", "a.doc", "a.doc: has the ending .doc; name a file that ends in .csv or .json or .mid"),
        ("", "a", r"a: has the ending \(none\)"),
    ):
        with pytest.raises(UserError, match=message):
            form_to_write(path, name)

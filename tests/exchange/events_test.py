"""Laws of events: values are checked once, ids depend on the event alone, and mistakes have a place."""

import dataclasses
from fractions import Fraction

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.events import Event, EventList, FilmClock, Row, events_of
from vis2sound_jax.exchange.timecode import Rate

CLOCK = FilmClock("film.mp4", Rate(Fraction(25)), 90_000, 10.0)


def test_values_are_read_from_text_of_any_spreadsheet() -> None:
    event = Event("1,25", id="7", gain_db=" -3,5 ", muted="WAHR", piece="2.0", note="a\r\nb", pan="-0", kind="  hit ")
    assert event == Event(1.25, id=7, gain_db=-3.5, muted=True, piece=2, note="a\nb", kind="hit")
    assert str(event.pan) == "0.0" and event.confidence is None
    assert event.changes() == {"kind": "hit", "id": 7, "gain_db": -3.5, "piece": 2, "muted": True, "note": "a\nb"}
    assert [Event(0, muted=word).muted for word in ("yes", "x", 1, True, "", "no", "FALSCH", 0)] == [True] * 4 + [
        False
    ] * 4


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        *(
            ("time_s", "nan", "is not a finite number"),
            ("time_s", "inf", "finite"),
            ("time_s", -0.1, "is out of range"),
        ),
        *(("time_s", "", "is empty"), ("time_s", "1e400", "finite"), ("time_s", "1.234,5", "is not a number")),
        *(("time_s", True, "is not a number"), ("time_s", [1], "is not a number"), ("time_s", 10**400, "finite")),
        *(("time_s", "1_0", "is not a finite"), ("gain_db", "loud", "give a change of level in dB, from -96 to 24")),
        *(
            ("pan", 2, "out of range"),
            ("id", 1.5, "is not a whole number"),
            ("id", -1, "range"),
            ("id", 2**60, "finite"),
        ),
        *(("piece", 0, "range"), ("muted", "perhaps", "is neither yes nor no"), ("muted", 2, "neither")),
        *(("kind", "a\nb", "several lines"), ("note", "a\0b", "cannot be written"), ("note", "\ud800", "cannot be")),
        *(
            ("note", "x" * 2001, "is longer than 2000 characters"),
            ("note", 5, "is not a text"),
            ("kind", {}, "not a text"),
        ),
    ],
)
def test_a_wrong_value_is_told_with_row_column_value_and_remedy(column: str, value: object, problem: str) -> None:
    with pytest.raises(UserError, match=f"^f.csv: row 2, column {column}, .*{problem}.*") as told:
        events_of("f.csv", [Row("row 2", {"time_s": 1, column: value})], CLOCK)
    assert "; " in str(told.value) and "\n" not in str(told.value) and len(str(told.value)) < 200


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"time_s": 10.0}], "row 1, column time_s, 10: is not in the film; give a time before its end at 10 s"),
        ([{"timecode": "01:00:10:00"}], "column timecode, '01:00:10:00': is not in the film"),
        ([{"timecode": "00:59:59:24"}], "column timecode, '00:59:59:24': is not in the film"),
        ([{"timecode": "01:00:00:25"}], "column timecode, '01:00:00:25' is no timecode at 25"),
        ([{"time_s": 1, "timecode": "01:00:02:00"}], "is not the frame of time_s, which is 01:00:01:00; empty the one"),
        (
            [{"time_s": 1, "id": 4}, {"time_s": 2, "id": "4"}],
            "row 2, column id, 4: is the id of row 1 too; leave it empty",
        ),
        ([{"gain_db": 1}], "row 1, column time_s, '': is empty"),
        ([{"time_s": 1, "volume": 3}], "row 1, column volume, 3: there is no such column; use time_s, confidence"),
    ],
)
def test_rows_that_do_not_fit_are_told(rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        events_of("f.csv", [Row(f"row {number}", row) for number, row in enumerate(rows, 1)], CLOCK)


def test_a_timecode_alone_is_a_time() -> None:
    (event,) = events_of("f.csv", [Row("row 1", {"timecode": "01:00:01:05"})], CLOCK)
    assert event.time_s == 1.2
    without = FilmClock("film.mp4", None, 0, 10.0)
    assert events_of("f.csv", [Row("row 1", {"timecode": "01:00:09:00", "time_s": 3})], without)[0].time_s == 3
    with pytest.raises(UserError, match="the film has no timecode; give time_s"):
        events_of("f.csv", [Row("row 1", {"timecode": "01:00:09:00"})], without)
    with pytest.raises(
        UserError, match="needs timecode, and the film has a rate that timecode does not count; use .csv"
    ):
        without.timed("a.edl")


def test_the_end_of_a_film_has_a_frame() -> None:
    assert CLOCK.frame_at(9.999) == 249 and CLOCK.name_at(9.999) == "01:00:09:24"
    assert dataclasses.replace(CLOCK, duration_s=None).frame_at(9.999) == 250


def test_an_id_of_an_added_event_depends_on_its_time_alone() -> None:
    seen = [Event(1.0, id=0), Event(2.0, id=1)]
    one = EventList((*seen, Event(3.25))).numbered()
    two = EventList((Event(0.5), *seen, Event(3.25))).numbered()
    assert [event.id for event in one.events] == [0, 1, 1_003_250]
    assert [event.id for event in two.events] == [1_000_500, 0, 1, 1_003_250]
    both = EventList((Event(1.0), Event(1.0), Event(1.0, id=1_001_000))).numbered()
    assert [event.id for event in both.events] == [1_001_000, 1_001_001, 1_001_002]
    assert both.numbered() == both

"""Laws of EVENTS.csv and .json: any spreadsheet's file is read, formulas stay text, and a mistake names its row."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.columns import COLUMNS
from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.formats import read_events, write_events
from vis2sound_jax.exchange.table import NAMES, guarded, unguarded
from vis2sound_jax.exchange.timecode import Rate

CLOCK = FilmClock("film.mp4", Rate(Fraction(25)), 90_000, 10.0)
EVENTS = (Event(1.25, id=3, kind="hit", gain_db=-3.5, muted=True, note="Tür"), Event(2.5, note="=1+1"))


def written(tmp_path: Path, data: str | bytes, name: str = "events.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_older_columns_come_first_and_every_value_has_one(tmp_path: Path) -> None:
    write_events(tmp_path / "a.csv", EventList(EVENTS, CLOCK))
    rows = list(csv.DictReader((tmp_path / "a.csv").open(newline="", encoding="utf-8")))
    assert list(rows[0])[:6] == ["time_s", "confidence", "kind", "force_db", "x", "y"]
    assert set(rows[0]) == {*COLUMNS, "timecode"} == set(NAMES)
    assert rows[0]["timecode"] == "01:00:01:06" and rows[0]["muted"] == "yes" and rows[1]["note"] == "'=1+1"
    assert read_events(tmp_path / "a.csv", CLOCK).events == EVENTS


@pytest.mark.parametrize(
    "data",
    [
        "time_s;id;kind;gain_db;muted;note\r\n1,25;3;hit;-3,5;WAHR;T\u00fcr\r\n2,5;;;;;=1+1\r\n",
        b"\xef\xbb\xbf" + "Time_S,ID,kind,gain_db,muted,note\n1.25,3,hit,-3.5,yes,Tür\n2.5,,,,,=1+1\n".encode(),
        "time_s\tid\tkind\tgain_db\tmuted\tnote\n1.25\t3\thit\t-3.5\tx\tTür\n\n2.5\n".encode("utf-16"),
        "sep=;\ntime_s;id;kind;gain_db;muted;note\n1,25;3;hit;-3,5;1;T\u00fcr\n2,5;;;;;\n".encode("cp1252"),
        'timecode,time_s,id,kind,gain_db,muted,note\n"01:00:01:06","1,25",3,hit,"-3,5",true,"Tür"\n01:00:02:13,2.5\n',
        ",".join(NAMES[:7]) + ",gain_db,muted,note,,,\n1.25,,hit,,,,3,-3.5,true,Tür,,,\n2.5,,,,,,,,,,,,\n",
    ],
    ids=["excel in Europe", "mark", "utf-16 and tabs", "sep and ansi", "quoted", "empty columns"],
)
def test_files_of_spreadsheets_are_read(tmp_path: Path, data: str | bytes) -> None:
    found = read_events(written(tmp_path, data), CLOCK).events
    assert found[0] == EVENTS[0] and found[1].time_s == 2.5 and found[1].note in ("", "=1+1")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "'=1", "''", "'tis", "'", "x=1", "'''@", "\t=1"])
def test_formulas_are_no_formulas_and_come_back(tmp_path: Path, text: str) -> None:
    assert unguarded(guarded(text)) == text and guarded(text)[:1] not in ("=", "+", "-", "@", "\t")
    write_events(tmp_path / "a.csv", EventList((Event(1, note=text, example=text),)))
    (back,) = read_events(tmp_path / "a.csv").events
    assert (back.note, back.example) == (text.strip(), text.strip())
    plain = written(tmp_path, f'time_s,note\n1,"{text}"\n', "plain.csv")
    assert read_events(plain).events[0].note == unguarded(text).strip()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("time_s,volume\n1,2\n", "row 1, column 2, 'volume': there is no such column; take it out, or use time_s, "),
        ("time_s,note,NOTE\n1,2,3\n", "row 1, column 3, 'note': stands there twice; take one out"),
        ("time_s,note\n1,a,b\n", "row 2, column 3, 'b': there is no such column; put a text with commas into quotes"),
        ("time_s,gain_db\n1,0\n2,loud\n", "row 3, column gain_db, 'loud': is not a number; give a change of level"),
        ("time_s,id\n1,5\n\n2,5\n", "row 4, column id, 5: is the id of row 2 too"),
        ("time_s\nNaN\n", "row 2, column time_s, 'NaN': is not a finite number"),
        ("time_s\n11\n", "row 2, column time_s, 11: is not in the film; give a time before its end at 10 s"),
        ('time_s,note\n1,"open\n', "row 2 cannot be read .*; save it as CSV again"),
        ("a,b\n1,2\n", "its first line is that of no list of events; give a table of events"),
        ("", "is empty; give a file of events"),
        (b"\x89PNG\x00\x00\xff", "its first line is that of no list|is no text"),
        ("time_s\n" + "9" * 200_000 + "\n", "row 2|cannot be read"),
    ],
)
def test_mistakes_are_told_on_one_line(tmp_path: Path, data: str | bytes, message: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(UserError, match=message) as told:
        read_events(path, CLOCK)
    assert str(told.value).startswith(f"{path}: ") and "\n" not in str(told.value) and told.value.path == path


def test_json_says_which_film_it_is_of(tmp_path: Path) -> None:
    events = EventList(EVENTS, CLOCK, 7)
    write_events(tmp_path / "a.json", events)
    assert read_events(tmp_path / "a.json") == events
    # What the film at hand says counts before what the file says.
    other = FilmClock("cut.mp4", None, 0, 2.0)
    with pytest.raises(UserError, match="event 2, column time_s, 2.5: is not in the film"):
        read_events(tmp_path / "a.json", other)
    small = written(tmp_path, '{"events": [{"time_s": 1.5, "muted": true}]}', "b.json")
    assert read_events(small, CLOCK, 4) == EventList((Event(1.5, muted=True),), CLOCK, 4)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "line 1 is not JSON"),
        ("[]", "holds no list under events"),
        ('{"events": {}}', "holds no list under events"),
        ('{"events": [1]}', "event 1, 1: is no object"),
        ('{"events": [{"time_s": NaN}]}', "NaN is not a finite number"),
        ('{"events": [{"time_s": 1, "time_s": 2}]}', "the key 'time_s' stands twice"),
        ('{"events": [{"time_s": 1, "loud": 2}]}', "event 1, 'loud': there is no such key; use timecode, time_s"),
        ('{"events": [{"time_s": "x"}]}', "event 1, column time_s, 'x': is not a number"),
        ('{"events": [], "fsp": 25}', "the file, 'fsp': there is no such key; use form, film"),
        ('{"events": [], "fps": "1e999999999"}', "fps, start or duration_s is wrong"),
        ('{"events": [], "fps": "25/0"}', "fps, start or duration_s is wrong"),
        ('{"events": [], "fps": 25, "start": "x"}', "fps, start or duration_s is wrong .*'x' is no timecode"),
        ('{"events": [], "duration_s": true}', "fps, start or duration_s is wrong"),
        ("[" * 100_000, "is not a list of events"),
        ('{"events": [{"time_s": 1' + "0" * 5000 + "}]}", "is not a"),
    ],
)
def test_json_that_is_wrong_is_told(tmp_path: Path, data: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as told:
        read_events(written(tmp_path, data, "a.json"), CLOCK)
    assert "\n" not in str(told.value)


def test_a_file_of_no_events_and_no_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file; check the path"):
        read_events(tmp_path / "none.csv")
    with pytest.raises(UserError, match="check the path"):
        (tmp_path / "folder.csv").mkdir()
        read_events(tmp_path / "folder.csv")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(UserError, match="is larger than 64 MB"):
        read_events(tmp_path / "large.csv")
    with pytest.raises(
        UserError, match="has the ending .doc, which no list of events has; give a file that ends in .csv"
    ):
        read_events(tmp_path / "a.doc")

"""What other libraries read of our files, and what we read of files that other programs write."""

import json
import math
import struct
import xml.dom.minidom
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import mido
import opentimelineio
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.formats import read_events, write_events
from vis2sound_jax.exchange.midi import note_of, tick_of, velocity_of
from vis2sound_jax.exchange.timecode import RATES, Rate

Draw = Callable[[Rate, int], EventList]
PAL = FilmClock("film.mp4", Rate(Fraction(25)), 90_000, 600.0)
DROP = Rate(Fraction(30000, 1001), drop=True)
BROADCAST = FilmClock("film.mp4", DROP, DROP.number("01:00:00;00"), 4000.0)


def read(tmp_path: Path, name: str, data: str | bytes, clock: FilmClock = PAL) -> tuple[Event, ...]:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_events(path, clock).events


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_edit_lists_are_read_by_opentimelineio(rate: Rate, drawn: Draw, tmp_path: Path) -> None:
    events = drawn(rate, 1)
    frames = sorted({events.clock.frame_at(event.time_s) for event in events.events})
    apart = [frame for frame, after in zip(frames, [*frames[1:], 10**9], strict=True) if after > frame + 1]
    listed = [Event(events.clock.time_of(frame), id=frame, kind="hit") for frame in apart]
    write_events(tmp_path / "a.edl", EventList(tuple(listed), events.clock))
    text = (tmp_path / "a.edl").read_text()
    timeline = opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=float(rate.fps))
    clips = [clip for track in timeline.tracks for clip in track if isinstance(clip, opentimelineio.schema.Clip)]
    begins = [round(clip.range_in_parent().start_time.value) for clip in clips]
    # The library counts from the first event of a track.
    assert [begin + apart[0] for begin in begins] == apart
    assert [clip.name for clip in clips] == [f"hit #{frame}" for frame in apart]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_final_cuts_xml_is_read_by_another_parser(rate: Rate, drawn: Draw, tmp_path: Path) -> None:
    events = drawn(rate, 2)
    frames = [events.clock.frame_at(event.time_s) for event in events.events]
    write_events(tmp_path / "a.fcpxml", events)
    text = (tmp_path / "a.fcpxml").read_text()
    document = xml.dom.minidom.parseString(text.encode())
    (form,), (sequence,) = (document.getElementsByTagName(name) for name in ("format", "sequence"))

    def seconds(value: str) -> Fraction:
        return Fraction(value.removesuffix("s"))

    assert 1 / seconds(form.getAttribute("frameDuration")) == rate.fps
    assert seconds(sequence.getAttribute("tcStart")) == rate.time_of(events.clock.start)
    assert sequence.getAttribute("tcFormat") == ("DF" if rate.drop else "NDF")
    starts = [seconds(one.getAttribute("start")) for one in document.getElementsByTagName("marker")]
    assert starts == [rate.time_of(frame) for frame in frames]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_timelines_are_plain_json_and_read_by_opentimelineio(rate: Rate, drawn: Draw, tmp_path: Path) -> None:
    events = drawn(rate, 3)
    write_events(tmp_path / "a.otio", events)
    timeline = opentimelineio.adapters.read_from_file(str(tmp_path / "a.otio"))
    assert timeline.global_start_time.to_timecode(float(rate.fps), drop_frame=rate.drop) == events.clock.start_name
    (gap,) = timeline.tracks[0]
    frames = [events.clock.frame_at(event.time_s) for event in events.events]
    assert [marker.marked_range.start_time.value for marker in gap.markers] == frames
    plain = json.loads((tmp_path / "a.otio").read_text())["tracks"]["children"][0]["children"][0]["markers"]
    assert [one["marked_range"]["start_time"]["value"] for one in plain] == frames


def test_midi_is_read_by_mido_and_by_hand(drawn: Draw, tmp_path: Path) -> None:
    events = drawn(RATES[0], 4)
    write_events(tmp_path / "a.mid", events)
    file = mido.MidiFile(tmp_path / "a.mid")
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 960, 2)
    tick, notes = 0, []
    for message in file.tracks[1]:
        tick += message.time
        if message.type == "note_on":
            notes.append((tick, message.note, message.velocity))
    heard = [event for event in events.events if not event.muted]
    wanted = [(tick_of(event.time_s), note_of(event), velocity_of(event.gain_db)) for event in heard]
    assert notes == wanted
    assert all(
        abs(tick / 1920 - event.time_s) <= 0.5001 / 1920 for (tick, _, _), event in zip(notes, heard, strict=True)
    )
    seconds = [time for time, message in _timed(file) if message.type == "note_on"]
    assert all(abs(one - event.time_s) <= 0.5001 / 1920 for one, event in zip(seconds, heard, strict=True))
    # The head by hand: a chunk of 6 bytes, form 1, two tracks, 960 ticks; then 500,000 µs a beat.
    data = (tmp_path / "a.mid").read_bytes()
    assert struct.unpack(">4sIHHH", data[:14]) == (b"MThd", 6, 1, 2, 960)
    assert data[22:29] == b"\0\xff\x51\3\x07\xa1\x20"


def _timed(file: mido.MidiFile) -> list[tuple[float, mido.Message]]:
    seconds, found = 0.0, []
    for message in file:
        seconds += message.time
        found.append((seconds, message))
    return found


def test_what_was_changed_in_a_sequencer_counts(tmp_path: Path) -> None:
    clock = FilmClock("film.mp4", None, 0, 60.0)
    events = [Event(1.0001, id=1, kind="hit", gain_db=-2.9), Event(2.0, id=2, kind="hit"), Event(3.0, id=3, muted=True)]
    write_events(tmp_path / "a.mid", EventList(tuple(events), clock))
    file = mido.MidiFile(tmp_path / "a.mid")
    on = [message for message in file.tracks[1] if message.type == "note_on"]
    on[1].velocity, on[1].note = 50, 64
    file.save(tmp_path / "b.mid")
    back = read_events(tmp_path / "b.mid", clock).events
    assert back[0] == events[0] and back[2] == events[2]
    assert (back[1].id, back[1].gain_db, back[1].piece, back[1].kind) == (2, -12.04, 5, "hit")
    assert [velocity_of(gain) for gain in (0, -12.04, 24, -96)] == [100, 50, 127, 1]


def test_tempo_and_resolution_of_other_midi_files(tmp_path: Path) -> None:
    file = mido.MidiFile(type=0, ticks_per_beat=480)
    note = mido.Message
    file.tracks.append(
        mido.MidiTrack(
            [
                mido.MetaMessage("track_name", name="drums"),
                mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(60)),
                note("note_on", note=38, velocity=100, time=480),
                note("note_on", note=38, velocity=0, time=10),
                mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(240), time=470),
                note("note_on", note=45, velocity=127, time=960),
            ]
        )
    )
    file.save(tmp_path / "a.mid")
    one, two = read_events(tmp_path / "a.mid").events
    assert (one.time_s, one.kind, one.gain_db) == (1.0, "scratch", 0.0)
    assert (two.time_s, two.kind, two.gain_db) == (2.5, "", 4.15)


def test_labels_by_audacity(tmp_path: Path) -> None:
    text = "1.234567\t1.234567\thit\n\\\t200.0\t4000.0\n2.500000\t3.000000\tdoor — slam\n3,25\t3,25\t\n"
    one, two, three = read(tmp_path, "labels.txt", text)
    assert (one.time_s, one.kind, one.note) == (1.234567, "hit", "")
    assert (two.time_s, two.kind, two.note) == (2.5, "", "door — slam")
    assert three == Event(3.25)
    write_events(tmp_path / "b.txt", EventList((Event(1.2345678, id=3, kind="hit"),)))
    assert (tmp_path / "b.txt").read_text() == "1.234568\t1.234568\thit #3 [at=1.2345678]\n"
    with pytest.raises(UserError, match="line 2 is no label; separate start, end and text by tabs"):
        read(tmp_path, "bad.txt", "1.0\t1.0\thit\n2.0 2.0 hit\n")
    with pytest.raises(UserError, match="line 2, column time_s, '-1.0': is out of range|column time_s, '-1.0'"):
        read(tmp_path, "bad.txt", "1.0\t1.0\thit\n-1.0\t1.0\thit\n")


def test_regions_and_markers_by_reaper(tmp_path: Path) -> None:
    head = "#,Name,Start,End,Length,Color\n"
    text = head + 'M1,"a, b",0:01.250,,,FF0000\nR1,hit,1:02:03.500,1:02:04.000,0:00.500,\nM2,x,61.5,,,\n'
    clock = FilmClock("film.mp4", Rate(Fraction(25)), 90_000, 4000.0)
    found = read(tmp_path, "a.csv", text, clock)
    assert [(event.time_s, event.kind, event.note) for event in found] == [
        *((1.25, "", "a, b"), (61.5, "", "x"), (3723.5, "hit", ""))
    ]
    assert read(tmp_path, "a.csv", head + "M1,hit,01:00:02:05,,,\n")[0].time_s == 2.2
    with pytest.raises(UserError, match=r"row 2, column Start, '1.2.00': is not in seconds; export it with a ruler of"):
        read(tmp_path, "a.csv", head + "M1,hit,1.2.00,,,\n")
    # Reaper rounds to a millisecond; what was not moved keeps its exact time.
    assert read(tmp_path, "a.csv", head + "M1,hit #4 [at=1.23456789],0:01.235,,,\n")[0] == Event(
        1.23456789, id=4, kind="hit"
    )


def test_session_info_by_pro_tools(tmp_path: Path) -> None:
    text = (
        "SESSION NAME:\tReel 1\nSAMPLE RATE:\t48000.000000\nBIT DEPTH:\t24-bit\nSESSION START TIMECODE:\t00:59:50:00\n"
        "TIMECODE FORMAT:\t25 Frame\n# OF AUDIO TRACKS:\t0\n\n\nM A R K E R S  L I S T I N G\n"
        "#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME                             \t"
        "TRACK NAME                       \tTRACK TYPE   \tCOMMENTS\n"
        "1   \t00:59:51:06  \t60000             \tSamples  \thit                              \tMarkers"
        "                          \tRuler        \t\n"
        "2   \t00:59:52:00  \t4|1|000           \tTicks    \tdoor                             \tMarkers"
        "                          \tRuler        \tslam\n\nT R A C K  L I S T I N G\n"
    )
    one, two = read(tmp_path, "a.txt", text)
    assert (one.time_s, one.kind) == (1.25, "hit") and (two.time_s, two.note) == (2.0, "door / slam")
    with pytest.raises(UserError, match="line 11, column LOCATION, '00:59:51:77' is no timecode at 25"):
        read(tmp_path, "a.txt", text.replace("60000 ", "").replace("00:59:51:06", "00:59:51:77"))
    with pytest.raises(UserError, match="lists no markers; export the session info with its markers"):
        read(tmp_path, "a.txt", text.partition("M A R")[0])


def test_markers_by_premiere(tmp_path: Path) -> None:
    text = "Marker Name\tDescription\tIn\tOut\tDuration\tMarker Type\t\r\n"
    text += "hit\t\t01;10;00;00\t\t\tComment\t\r\n"
    text += "Test\tSome comment here\t01;00;10;01\t01;00;11;00\t00;00;00;29\tChapter\t\r\n"
    one, two = read(tmp_path, "a.csv", text.encode("utf-16"), BROADCAST)
    assert (one.time_s, one.note) == (float(DROP.time_of(301)), "Test / Some comment here")
    assert (two.time_s, two.kind) == (float(DROP.time_of(17_982)), "hit")
    with pytest.raises(UserError, match="row 3, column In, '01;00;10;31' is no timecode at 29.97 DF"):
        read(tmp_path, "a.csv", text.replace("10;01", "10;31").encode("utf-16"), BROADCAST)


def test_edit_index_by_resolve(tmp_path: Path) -> None:
    text = (
        '"#","Reel","Match","V","C","Dur","Source In","Source Out","Record In","Record Out","Name","Comments","Notes"\n'
    )
    text += '1,,,M1,,00:00:00:01,,,"01:00:02:05","01:00:02:06","Marker 1",,"a glass"\n'
    assert read(tmp_path, "a.csv", text)[0] == Event(2.2, note="Marker 1 / a glass")
    with pytest.raises(UserError, match="row 2, column Record In, '01:00:02:75' is no timecode"):
        read(tmp_path, "a.csv", text.replace("02:05", "02:75"))


RESOLVE_EDL = """TITLE: Timeline 1
FCM: DROP FRAME

001  001      V     C        01:00:10;01 01:00:10;02 01:00:10;01 01:00:10;02
 |C:ResolveColorBlue |M:hit |D:1

002  001      V     C        01:01:00;02 01:01:00;03 01:01:00;02 01:01:00;03
12345 glasses fall |C:ResolveColorGreen |M:Marker 2 |D:1
"""
AVID_EDL = """TITLE:   REEL 1
FCM: NON-DROP FRAME
* OUR PICTURE
001  TAPE1    V     C        00:00:00:00 00:00:10:00 01:00:00:00 01:00:10:00
* FROM CLIP NAME:  SCENE 12
* LOC: 01:00:01:05 RED     DOOR
* LOC: 01:00:02:10 GREEN   HIT
002  TAPE1    V     D    024 00:00:00:00 00:00:10:00 01:00:10:00 01:00:20:00
M2   TAPE1    012.5                00:00:00:00
"""


def test_edit_lists_of_other_programs(tmp_path: Path) -> None:
    one, two = read(tmp_path, "a.edl", RESOLVE_EDL, BROADCAST)
    assert (one.time_s, one.kind) == (float(DROP.time_of(301)), "hit")
    assert (two.time_s, two.note) == (float(DROP.time_of(1800)), "Marker 2 / 12345 glasses fall")
    # The list says that names are dropped; the film's first frame is the same all the same.
    plain = FilmClock("film.mp4", Rate(DROP.fps), 108_000, 4000.0)
    assert [event.time_s for event in read(tmp_path, "b.edl", RESOLVE_EDL, plain)] == [one.time_s, two.time_s]
    found = read(tmp_path, "c.edl", AVID_EDL)
    assert [(event.time_s, event.kind, event.note) for event in found] == [
        *((1.2, "", "DOOR"), (2.4, "hit", ""), (10.0, "", ""))
    ]
    for data, message in (
        (AVID_EDL.replace("NON-DROP", "DROP"), "counts drop-frame, and the film has 25 frames a second"),
        (AVID_EDL.replace("01:00:01:05", "01:00:01:65"), "line 6, '01:00:01:65' is no timecode at 25"),
        (AVID_EDL.replace("01:00:10:00 01:00:20:00", "soon"), "line 8, .*: is no event of an edit list; give its"),
        ("TITLE: nothing\n", "holds no event; export an edit list in CMX 3600"),
    ):
        with pytest.raises(UserError, match=message):
            read(tmp_path, "bad.edl", data)


FINAL_CUT = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.9"><resources><format id="r1" frameDuration="100/2500s"/></resources><library><event><project>
<sequence format="r1" tcStart="3600s" tcFormat="NDF"><spine>
<asset-clip offset="3600s" start="10s" duration="5s"><marker start="11s" value="hit"/>
<asset-clip lane="1" offset="12s" start="0s" duration="1s"><marker start="1/4s" value="inner" note="x"/></asset-clip>
</asset-clip>
<gap offset="3605s" start="3600s" duration="5s"><chapter-marker start="90025/25s" value="chapter"/></gap>
</spine></sequence></project></event></library></fcpxml>
"""


def test_final_cuts_own_xml(tmp_path: Path) -> None:
    found = read(tmp_path, "a.fcpxml", FINAL_CUT)
    assert [(event.time_s, event.kind or event.note) for event in found] == [
        *((1.0, "hit"), (2.25, "inner / x"), (6.0, "chapter"))
    ]
    for data, message in (
        (FINAL_CUT.replace("<!DOCTYPE fcpxml>", '<!DOCTYPE fcpxml [<!ENTITY a "b">]>'), "defines entities"),
        (FINAL_CUT.replace("fcpxml", "xmeml"), r"is XML of another kind \('xmeml'\)"),
        (FINAL_CUT.replace('start="11s"', 'start="1/0s"'), "'1/0s' is no time; export the project as XML again"),
        ("<fcpxml>", "is not XML"),
        ("<fcpxml/>", "holds no sequence"),
    ):
        with pytest.raises(UserError, match=message):
            read(tmp_path, "bad.fcpxml", data)


def test_timelines_of_others(tmp_path: Path) -> None:
    time, schema = opentimelineio.opentime, opentimelineio.schema
    clip = schema.Clip(source_range=time.TimeRange(time.RationalTime(100, 25), time.RationalTime(50, 25)))
    clip.markers.append(schema.Marker(name="hit", marked_range=time.TimeRange(time.RationalTime(110, 25))))
    track = schema.Track(children=[schema.Gap(duration=time.RationalTime(25, 25)), clip])
    timeline = schema.Timeline(name="cut", global_start_time=time.RationalTime(90_000, 25))
    timeline.tracks.append(track)
    path = tmp_path / "a.otio"
    opentimelineio.adapters.write_to_file(timeline, str(path))
    (event,) = read_events(path).events
    assert math.isclose(event.time_s, 1.4) and event.kind == "hit"
    assert read_events(path).clock == FilmClock("cut", Rate(Fraction(25)), 90_000)
    with pytest.raises(UserError, match="is no timeline of OpenTimelineIO; export one as .otio"):
        read(tmp_path, "bad.otio", '{"OTIO_SCHEMA": "Clip.1"}')

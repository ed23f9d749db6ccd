"""Laws of Broadcast WAV: no sample changes, other readers find time and markers, and 4 GB are no border."""

import struct
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wavinfo

from tests.exchange.waves import write_noise
from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.bwf import mark_wave, read_bwf, time_reference
from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.riff import chunks_of, contents
from vis2sound_jax.exchange.timecode import Rate

CLOCK = FilmClock("Träume.mov", Rate(Fraction(25)), 10 * 90_000, 3.0)
EVENTS = EventList((Event(0.0123, id=0, kind="hit", note="Tür"), Event(0.05, id=1, kind="scratch", gain_db=-3)), CLOCK)


@pytest.mark.parametrize(
    ("subtype", "rate_hz", "channels"), [("PCM_24", 48_000, 1), ("FLOAT", 96_000, 2), ("PCM_16", 44_100, 2)]
)
def test_other_readers_find_samples_time_and_markers(subtype: str, rate_hz: int, channels: int, tmp_path: Path) -> None:
    write_noise(tmp_path / "a.wav", rate_hz, subtype, channels)
    before, _ = soundfile.read(tmp_path / "a.wav", dtype="int32" if subtype != "FLOAT" else "float32")
    mark_wave(tmp_path / "a.wav", tmp_path / "b.wav", EVENTS, when=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    after, found_hz = soundfile.read(tmp_path / "b.wav", dtype=before.dtype.name)
    np.testing.assert_array_equal(before, after)
    assert found_hz == rate_hz and soundfile.info(tmp_path / "b.wav").subtype == subtype
    found = wavinfo.WavInfoReader(str(tmp_path / "b.wav"))
    assert found.bext.time_reference == 36_000 * rate_hz and found.bext.version == 1
    assert found.bext.description == "Tr?ume.mov 10:00:00:00" and found.bext.originator == "vis2sound_jax"
    assert (found.bext.originator_date, found.bext.originator_time) == ("2026-05-04", "03:02:01")
    assert found.bext.coding_history.startswith(f"A={'FLOAT' if subtype == 'FLOAT' else 'PCM'},F={rate_hz},W=")
    assert [cue.position for cue in found.cues.cues] == [round(0.0123 * rate_hz), round(0.05 * rate_hz)]
    assert [cue.sample_offset for cue in found.cues.cues] == [cue.position for cue in found.cues.cues]
    assert found.cues.label_and_note(1)[0] == "hit #0"
    assert found.cues.label_and_note(2) == ("scratch #1", "[at=0.05 gain_db=-3]")
    assert read_bwf(tmp_path / "b.wav", CLOCK, 0) == EVENTS


def test_a_file_is_marked_anew_and_other_chunks_stay(tmp_path: Path) -> None:
    write_noise(tmp_path / "a.wav")
    data = (tmp_path / "a.wav").read_bytes()
    held = data + b"iXML" + struct.pack("<I", 3) + b"<x>\0" + b"LIST" + struct.pack("<I", 12) + b"INFOINAM\0\0\0\0"
    (tmp_path / "a.wav").write_bytes(held[:4] + struct.pack("<I", len(held) - 8) + held[8:])
    mark_wave(tmp_path / "a.wav", tmp_path / "a.wav", EVENTS)
    first = (tmp_path / "a.wav").read_bytes()
    mark_wave(tmp_path / "a.wav", tmp_path / "a.wav", EVENTS)
    assert (tmp_path / "a.wav").read_bytes() == first
    names = [chunk.name for chunk in chunks_of(tmp_path / "a.wav")]
    assert names.count("bext") == names.count("cue ") == names.count("iXML") == 1 and names.count("LIST") == 2
    assert names.index("bext") < names.index("data") < names.index("cue ")
    assert struct.unpack("<I", first[4:8])[0] == len(first) - 8
    mark_wave(tmp_path / "a.wav", tmp_path / "a.wav", EventList((), CLOCK))
    with pytest.raises(UserError, match="has no markers; save it with its cue points"):
        read_bwf(tmp_path / "a.wav", CLOCK, 0)


def test_above_4_gb_it_is_rf64(tmp_path: Path) -> None:
    """With a small border here; the sizes are in 64 bits, and other readers take it."""
    write_noise(tmp_path / "a.wav")
    before, _ = soundfile.read(tmp_path / "a.wav", dtype="int32")
    mark_wave(tmp_path / "a.wav", tmp_path / "b.wav", EVENTS, largest=1000)
    data = (tmp_path / "b.wav").read_bytes()
    assert data[:4] == b"RF64" and data[12:16] == b"ds64"
    whole, size, samples = struct.unpack("<QQQ", data[20:44])
    assert (whole, size, samples) == (len(data) - 8, before.size * 3, len(before))
    after, _ = soundfile.read(tmp_path / "b.wav", dtype="int32")
    np.testing.assert_array_equal(before, after)
    assert wavinfo.WavInfoReader(str(tmp_path / "b.wav")).bext.time_reference == 36_000 * 48_000
    assert read_bwf(tmp_path / "b.wav", CLOCK, 0) == EVENTS
    # Below the border it is a plain file again.
    mark_wave(tmp_path / "b.wav", tmp_path / "c.wav", EVENTS)
    mark_wave(tmp_path / "a.wav", tmp_path / "d.wav", EVENTS)
    assert (tmp_path / "c.wav").read_bytes() == (tmp_path / "d.wav").read_bytes()


def test_the_time_of_day_is_that_of_the_frame() -> None:
    """At 29.97 an hour of names is 3603.6 s long, or 3599.9964 s where names are dropped."""
    plain, drop = Rate(Fraction(30000, 1001)), Rate(Fraction(30000, 1001), drop=True)
    assert time_reference(FilmClock("", plain, plain.number("01:00:00:00")), 48_000) == 172_972_800
    assert time_reference(FilmClock("", drop, drop.number("01:00:00;00")), 48_000) == 172_799_827
    assert time_reference(FilmClock(), 48_000) == 0


def test_files_that_are_no_sound_are_told(tmp_path: Path) -> None:
    for data, message in (
        (b"", "is no WAV file"),
        (b"RIFF\4\0\0\0WAVE", "says nothing of its samples"),
        (b"RIFF\4\0\0\0AVI ", "is no WAV file; give a sound as .wav"),
        (b"RIFF\x20\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8), "holds no sound"),
    ):
        (tmp_path / "a.wav").write_bytes(data)
        with pytest.raises(UserError, match=message):
            mark_wave(tmp_path / "a.wav", tmp_path / "b.wav", EVENTS)
        assert not (tmp_path / "b.wav").exists()
    with pytest.raises(UserError, match="no such file; check the path"):
        chunks_of(tmp_path / "none.wav")
    write_noise(tmp_path / "c.wav")
    (tmp_path / "c.wav").write_bytes((tmp_path / "c.wav").read_bytes()[:-100])
    assert sum(len(contents(tmp_path / "c.wav", chunk)) for chunk in chunks_of(tmp_path / "c.wav")) > 0

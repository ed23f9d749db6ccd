"""Laws of a film's facts: its length whatever its header claims, refused before any work where nothing is so long."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.run.steps_test import Clicks
from tests.transport import join, write_burst_film
from vis2sound_jax.audio.files import read_sound, write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.requested_film import make_film
from vis2sound_jax.run.steps import Request
from vis2sound_jax.video import facts
from vis2sound_jax.video.film import Film

HOUR_S = 3600


def write_sparse(path: Path, *times_s: int) -> Path:
    """A picture at each of these times."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", 25, options={"bf": "0"}, width=32, height=32)
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for number, time_s in enumerate(times_s):
            picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * number + 40, np.uint8), "rgb24")
            picture.pts, picture.time_base = 1000 * time_s, Fraction(1, 1000)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    return path


def test_a_film_of_three_pictures_may_last_an_hour_and_says_so_first(tmp_path: Path, capsys) -> None:
    path = write_sparse(tmp_path / "sparse.mkv", 0, 1, HOUR_S)
    assert path.stat().st_size < 2000
    with Film.open(path) as film:
        assert film.duration_s == pytest.approx(HOUR_S, abs=0.1)
        shown = [float(picture.mean()) for picture in film.pictures(0.01, 4, 4, look="grey")]
        assert len(shown) == 36 and len({round(level) for level in shown}) == 2
    with pytest.raises(UserError, match="out.json: its folder .* does not exist"):
        make_film(Clicks(), path, Request(), tmp_path / "no" / "out.mp4")
    assert capsys.readouterr().out.startswith("sparse.mkv: lasts 1:00:00\n")


def test_longer_than_four_hours_is_refused_at_once(tmp_path: Path) -> None:
    path = write_sparse(tmp_path / "long.mkv", 0, 1, 5 * HOUR_S)
    told = r"long.mkv: lasts 5.00 hours by its header or time stamps, more than 4; cut it into parts, or write it anew"
    with pytest.raises(UserError, match=told):
        Film.open(path)


def test_a_header_that_claims_more_than_there_is_leaves_the_film_as_long_as_it_is(tmp_path: Path) -> None:
    path = write_burst_film(tmp_path / "film.mkv")
    data = path.read_bytes()
    place = data.index(b"\x44\x89\x88") + 3
    path.write_bytes(data[:place] + struct.pack(">d", 1000.0 * 3 * HOUR_S) + data[place + 8 :])
    with Film.open(path) as film:
        assert film.duration_s == pytest.approx(2.0, abs=0.05)


def test_a_sound_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "LONGEST_S", 1.5)
    wav = (0.1 * np.random.default_rng(0).standard_normal(2 * 16000)).astype(np.float32)
    write_wav(tmp_path / "s.wav", wav, 16000)
    with pytest.raises(UserError, match="s.wav: lasts .* hours by its header or time stamps, more than"):
        read_sound(tmp_path / "s.wav", 16000)
    assert len(read_sound(tmp_path / "s.wav", 16000, duration_s=1.0)) == 16000


def test_the_parts_of_a_joined_film_are_told_and_stand_in_the_manifest(tmp_path: Path, capsys) -> None:
    part = write_burst_film(tmp_path / "part.ts", pictures=25, bursts_s=())
    path = join(tmp_path / "joined.ts", part, part)
    manifest = make_film(Clicks(), path, Request(), tmp_path / "out.mp4")
    assert manifest["joined_at_s"] == [1.0] and manifest["duration_s"] == 2.0
    told = "joined.ts: its clock begins again at 1.00 s; its parts follow one another\n"
    assert capsys.readouterr().out.startswith(told)


@pytest.mark.parametrize("suffix", ["ogg", "ts"])
def test_joined_sounds_follow_one_another(tmp_path: Path, suffix: str) -> None:
    codec = {"ogg": "libopus", "ts": "aac"}[suffix]
    wav = (0.2 * np.random.default_rng(0).standard_normal(48000)).astype(np.float32)
    with av.open(str(tmp_path / f"part.{suffix}"), "w") as out:
        stream = out.add_stream(codec, 48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(wav[None], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    part = tmp_path / f"part.{suffix}"
    once, twice = (read_sound(path, 8000) for path in (part, join(tmp_path / f"joined.{suffix}", part, part)))
    assert len(twice) == pytest.approx(2 * len(once), abs=800)
    assert np.abs(twice[-4000:]).mean() > 0.02

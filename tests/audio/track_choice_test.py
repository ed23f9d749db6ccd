"""Laws of several sound tracks: the first that is not silent is read and named, another where it is asked for."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vis2sound_jax.audio import track_choice
from vis2sound_jax.audio.example import Example, open_examples
from vis2sound_jax.audio.files import read_sound, write_wav
from vis2sound_jax.errors import UserError

RATE_HZ = 48_000


def write_tracks(path: Path, tracks: list[np.ndarray], *, default: int | None = None, language: str = "") -> Path:
    """A file of many mono tracks, one after another in small blocks."""
    with av.open(str(path), "w") as out:
        streams = [out.add_stream("pcm_s16le", RATE_HZ, layout="mono") for _ in tracks]
        if default is not None:
            for number, stream in enumerate(streams, 1):
                stream.disposition = av.stream.Disposition.default if number == default else 0
        if language:
            streams[-1].metadata["language"] = language
        for first in range(0, len(tracks[0]), 4800):
            for stream, wav in zip(streams, tracks, strict=True):
                block = np.round(wav[None, first : first + 4800] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, first, Fraction(1, RATE_HZ)
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
    return path


@pytest.fixture
def sounds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Silence but for the last bit, a soft sound that begins late, and a louder one."""
    rng = np.random.default_rng(0)
    silence = (rng.integers(-1, 2, RATE_HZ) / 32768).astype(np.float32)
    late = np.zeros(RATE_HZ, np.float32)
    late[40_000:] = 0.01 * np.sin(np.arange(8000) / 9)
    return silence, late, (0.5 * np.sin(np.arange(RATE_HZ) / 7)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["mov", "mkv"])
def test_the_first_track_that_sounds_is_read_and_named(sounds, tmp_path: Path, suffix: str) -> None:
    silence, late, loud = sounds
    path = write_tracks(tmp_path / f"camera.{suffix}", [silence, silence, late, loud, silence])
    np.testing.assert_allclose(read_sound(path, RATE_HZ), late, atol=1e-4)
    with Example.open(path) as example:
        np.testing.assert_allclose(np.concatenate(list(example.blocks(0.3)))[:, 0], late, atol=1e-4)
        assert example.track == 3


def test_all_silent_tracks_are_silent(sounds, tmp_path: Path) -> None:
    with Example.open(write_tracks(tmp_path / "camera.mov", [sounds[0], 0 * sounds[0]])) as example:
        assert example.track == 1 and np.abs(example.read(RATE_HZ)).max() < 1e-4


def test_the_default_track_comes_before_others(sounds, tmp_path: Path) -> None:
    silence, late, loud = sounds
    with Example.open(write_tracks(tmp_path / "film.mkv", [silence, late, loud], default=3)) as example:
        assert example.track == 3
    with Example.open(write_tracks(tmp_path / "film2.mkv", [late, loud, silence], default=3)) as example:
        assert example.track == 1


def test_a_track_may_be_chosen_and_a_wrong_one_lists_them(sounds, tmp_path: Path) -> None:
    silence, late, loud = sounds
    path = write_tracks(tmp_path / "film.mkv", [silence, late, loud], language="fre")
    with Example.open(path, 3) as example:
        np.testing.assert_allclose(example.read(RATE_HZ), loud, atol=1e-4)
        assert example.track == 3
    told = r"film.mkv: has no sound track 4 that can be read; it has 1: mono, 48000 Hz; 2: mono, .*; 3: .*, fre$"
    with pytest.raises(UserError, match=told):
        Example.open(path, 4)


def test_several_examples_have_a_track_each_or_one_for_all(sounds, tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "film.mkv", list(sounds))
    assert [one.track for one in open_examples([path, path], [3, 2])] == [3, 2]
    assert [one.track for one in open_examples([path, path], [1])] == [1, 1]
    assert [one.track for one in open_examples([path, path])] == [2, 2]
    with pytest.raises(UserError, match="--example_track: 3 sound tracks are named for 2 examples; name one for each"):
        open_examples([path, path], [1, 2, 3])


def test_of_a_long_file_no_more_is_decoded_than_until_the_first_sound(sounds, tmp_path: Path, monkeypatch) -> None:
    path = write_tracks(tmp_path / "film.mkv", [np.tile(sounds[2], 5), np.tile(sounds[2], 5)])
    looked: list[int] = []
    sounding = track_choice._sounds
    monkeypatch.setattr(track_choice, "_sounds", lambda frame: looked.append(1) or sounding(frame))
    with Example.open(path) as example:
        assert example.track == 1
    assert len(looked) == 1


def test_channels_that_cancel_are_heard_in_files_too(tmp_path: Path) -> None:
    wav = (0.2 * np.random.default_rng(0).standard_normal(RATE_HZ)).astype(np.float32)
    write_wav(tmp_path / "wide.wav", np.stack([wav, -wav], axis=1), RATE_HZ, subtype="FLOAT")
    np.testing.assert_array_equal(read_sound(tmp_path / "wide.wav", RATE_HZ), wav)
    with Example.open(tmp_path / "wide.wav") as example:
        assert example.said is None
        np.testing.assert_array_equal(example.mono_weights(), [1, 0])
        channels, _ = example.read_channels()
        np.testing.assert_array_equal(channels[:, 1], -wav)
        assert example.said == "one channel of 2 channels, which cancel; channel 1 is heard alone"


def test_the_mix_of_a_window_is_that_of_the_whole(tmp_path: Path) -> None:
    """A film's own sound is mixed minute by minute; it must not become louder where it is soft."""
    wav = (0.1 * np.random.default_rng(0).standard_normal((RATE_HZ, 6))).astype(np.float32)
    wav[: RATE_HZ // 2] = 0.9
    write_wav(tmp_path / "six.wav", wav, RATE_HZ, subtype="FLOAT")
    with Example.open(tmp_path / "six.wav") as example:
        whole, _ = example.read_channels()
        part, _ = example.read_channels(start_s=0.6, duration_s=0.2)
    assert np.abs(whole).max() == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(part, whole[28_800:38_400], atol=1e-6)

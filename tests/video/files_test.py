"""Laws of reading films: the picture on the screen at the asked time, and errors that teach."""

import json
import os
import pathlib
from fractions import Fraction

import numpy as np
import pytest

from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.files import decode_jpeg, encode_jpeg, probe, read_frames

SHARED = pathlib.Path(os.environ.get("VIS2SOUND_SHARED", pathlib.Path(__file__).parents[3] / "shared"))


@pytest.mark.parametrize("fps", [15, 21.5, 24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60])
def test_every_rate_gives_the_picture_on_the_screen(make_film, numbers_of, fps):
    path = make_film(fps=fps, n=40)
    info = probe(path)
    assert (info.width, info.height, info.has_sound, info.rotation_deg) == (64, 48, False, 0)
    assert info.fps == pytest.approx(fps) and info.n_frames == 40 and info.duration_s == pytest.approx(40 / fps)
    assert numbers_of(read_frames(path, fps, 24, 32)) == list(range(40))
    expected = [int(k / 15 * info.fps + 1e-4) for k in range(round(40 / fps * 15))]
    assert numbers_of(read_frames(path, 15, 24, 32)) == expected


def test_a_variable_rate_shows_each_picture_until_the_next(make_film, numbers_of):
    ticks = [0, 10, 300, 340, 1000, 1500]
    path = make_film(n=6, ticks=ticks, tick=Fraction(1, 1000))
    times = np.arange(15) * 0.1
    expected = (np.searchsorted(ticks, times * 1000 + 0.1) - 1).tolist()
    assert numbers_of(read_frames(path, 10, 24, 32, duration_s=1.5)) == expected


@pytest.mark.parametrize(
    "name,codec,pixels",
    [
        ("f.mkv", "libx264", "yuv420p"),
        ("f.webm", "libvpx-vp9", "yuv420p"),
        ("f.ts", "libx264", "yuv420p"),
        ("f.avi", "mjpeg", "yuvj420p"),
        ("f.mp4", "libx265", "yuv420p"),
        ("f.mov", "prores_ks", "yuv422p10le"),
    ],
)
def test_containers_and_codecs(make_film, numbers_of, name, codec, pixels):
    path = make_film(name, n=40, size=(96, 128), codec=codec, pixels=pixels)
    assert numbers_of(read_frames(path, 25, 24, 32, duration_s=1.6))[2:] == list(range(2, 40))


@pytest.mark.parametrize("name", ["short.mp4", "short.mkv"])
def test_a_film_of_three_pictures_and_one_of_one(make_film, numbers_of, name):
    for n in (3, 1):
        path = make_film(name, n=n)
        assert probe(path).n_frames == n and numbers_of(read_frames(path, 25, 24, 32)) == list(range(n))


@pytest.mark.parametrize("start,edit", [(0, 0.0), (25, 0.0), (0, 0.4)])
def test_the_clock_starts_at_the_first_picture_shown(make_film, numbers_of, start, edit):
    path = make_film(ticks=range(start, start + 50))
    first = round(edit * 25)
    if edit:
        cut_in(path, edit)
    assert probe(path).duration_s == pytest.approx(2.0 - edit)
    assert numbers_of(read_frames(path, 25, 24, 32)) == list(range(first, 50))
    assert numbers_of(read_frames(path, 25, 24, 32, start_s=0.2, duration_s=0.2)) == list(range(first + 5, first + 10))


def test_a_window_equals_the_same_part_of_the_whole_film(make_film):
    path = make_film(n=200, options={"g": "25", "bf": "3"})
    whole = read_frames(path, 25, 24, 32)
    for first in (0, 1, 76, 130, 197):
        window = read_frames(path, 25, 24, 32, start_s=first / 25, duration_s=3 / 25)
        np.testing.assert_array_equal(window, whole[first : first + 3])


@pytest.mark.parametrize(
    "degrees,bright", [(0, np.s_[:, :16]), (90, np.s_[:16]), (180, np.s_[:, 16:]), (270, np.s_[16:])]
)
def test_the_rotation_flag_turns_the_pictures(make_film, degrees, bright):
    path = make_film(n=5, degrees=degrees, half=True)
    info = probe(path)
    assert info.rotation_deg == degrees
    assert (info.width, info.height) == ((48, 64) if degrees % 180 else (64, 48))
    frame = read_frames(path, 25, 32, 32)[0].astype(int)
    assert frame[bright].mean() > 250 and frame.mean() < 140


def test_the_mirror_flag_mirrors_after_the_turn(make_film):
    frame = read_frames(make_film(n=5, mirror=True, half=True), 25, 32, 32, grey=True)[0]
    assert frame[:, 17:].min() > 250 and frame[:, :15].max() < 5
    frame = read_frames(make_film(n=5, degrees=90, mirror=True, half=True), 25, 32, 32, grey=True)[0]
    assert frame[:15].min() > 250 and frame[17:].max() < 5


def test_odd_and_portrait_sizes_grey_and_the_held_last_frame(make_film, numbers_of):
    path = make_film("odd.mkv", n=10, size=(75, 33), codec="mjpeg", pixels="yuvj444p")
    assert (probe(path).width, probe(path).height) == (33, 75)
    colour, grey = read_frames(path, 25, 9, 7), read_frames(path, 25, 9, 7, grey=True)
    assert colour.shape == (10, 9, 7, 3) and grey.shape == (10, 9, 7)
    assert np.abs(colour[..., 0].astype(int) - grey).max() <= 2
    assert numbers_of(read_frames(path, 25, 9, 7, duration_s=0.44)) == [*range(10), 9]


def test_area_averaging_keeps_the_mean(make_film):
    path = make_film(n=1, half=True, options={"crf": "0"})
    means = [read_frames(path, 25, size, size, duration_s=0.04).mean() for size in (48, 12, 4, 1)]
    assert np.ptp(means) < 2


@pytest.mark.parametrize(
    "name,data,message",
    [
        ("none.mp4", None, "no such file"),
        ("empty.mp4", b"", "is empty"),
        ("text.txt", b"hello\n" * 100, "is not a film or sound file"),
        ("junk.mp4", bytes(range(256)) * 40, "is not a media file"),
    ],
)
def test_unreadable_files_are_named_in_one_line(tmp_path, name, data, message):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=message) as caught:
        probe(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value) and ";" in str(caught.value)


def test_a_folder_a_picture_and_a_sound_are_no_films(tmp_path, noise):
    (tmp_path / "p.jpg").write_bytes(encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    write_wav(tmp_path / "s.wav", noise, 44100)
    for name, message in (
        ("", "is a folder"),
        ("p.jpg", "not a film or sound"),
        ("s.wav", "no video stream"),
    ):
        with pytest.raises(UserError, match=message):
            probe(tmp_path / name)


@pytest.mark.parametrize("start_s,duration_s", [(2.0, 0.2), (1.5, 1.0), (-0.1, 0.5), (0.5, 0.001)])
def test_a_window_outside_the_film_is_refused(make_film, start_s, duration_s):
    with pytest.raises(UserError, match=r"film\.mp4: no .* in a film of 2\.00 s; choose a window inside"):
        read_frames(make_film(), 25, 24, 32, start_s=start_s, duration_s=duration_s)


def test_a_cut_off_film_says_where_and_reads_up_to_there(make_film):
    path = make_film(n=100, options={"g": "10", "crf": "1"}, size=(96, 128), busy=True, name="cut.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    readable = probe(path).duration_s
    assert 1.0 < readable < 3.5 and len(read_frames(path, 25, 24, 32)) == round(readable * 25)


def test_a_damaged_film_says_where(make_film, numbers_of):
    path = make_film(n=100, options={"g": "10"}, container_options={"movflags": "faststart"}, size=(96, 128), busy=True)
    data = bytearray(path.read_bytes())
    middle = (data.find(b"mdat") + len(data)) // 2
    path.write_bytes(data[:middle])
    with pytest.raises(UserError, match=r"film\.mp4: its pictures break off at \d\.\d\d s of 4\.00 s; copy"):
        read_frames(path, 25, 24, 32)
    assert len(read_frames(path, 25, 24, 32, duration_s=0.4)) == 10
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    with pytest.raises(UserError, match="its pictures break off at"):
        read_frames(path, 25, 24, 32)
    assert len(read_frames(path, 25, 24, 32, start_s=3.6)) == 10


def test_avi_with_reordered_pictures_is_refused(make_film):
    with pytest.raises(UserError, match="no usable times; re-encode it to mp4"):
        read_frames(make_film("b.avi", options={"bf": "3", "b-adapt": "0"}), 25, 24, 32)


def test_jpeg_bytes_keep_the_picture():
    ramp = np.linspace(0, 255, 64 * 48 * 3).reshape(48, 64, 3).astype(np.uint8)
    assert np.abs(decode_jpeg(encode_jpeg(ramp)).astype(int) - ramp).max() < 12
    assert decode_jpeg(encode_jpeg(ramp), grey=True).shape == (48, 64)
    assert np.abs(decode_jpeg(encode_jpeg(ramp[..., 0]), grey=True).astype(int) - ramp[..., 0]).max() < 12
    for data in (b"no picture", encode_jpeg(ramp)[:300]):
        with pytest.raises(UserError, match="is not JPEG; prepare the data again"):
            decode_jpeg(data)


@pytest.mark.skipif(not (SHARED / "clips").is_dir(), reason="real clips are not at $VIS2SOUND_SHARED or ../shared")
def test_all_real_clips_are_read_whole():
    clips = json.loads((SHARED / "clips" / "manifest.json").read_text())
    for clip in clips:
        path, info = SHARED / "clips" / clip["file"], probe(SHARED / "clips" / clip["file"])
        assert (info.width, info.height) == (clip["width"], clip["height"])
        assert info.fps == pytest.approx(clip["fps"], abs=0.01)
        assert info.duration_s == pytest.approx(clip["duration"], abs=0.15)
        assert len(read_frames(path, 5, 9, 16, grey=True)) == round(info.duration_s * 5)


def cut_in(path: pathlib.Path, seconds: float) -> None:
    """Makes the edit list of the first track skip its beginning."""
    data = bytearray(path.read_bytes())
    entry = data.find(b"elst") + 12
    length_ms, first = (int.from_bytes(data[entry + k : entry + k + 4]) for k in (0, 4))
    data[entry : entry + 4] = (length_ms - round(seconds * 1000)).to_bytes(4)
    data[entry + 4 : entry + 8] = (first + round(seconds * 12800)).to_bytes(4)
    path.write_bytes(data)

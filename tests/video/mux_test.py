"""Laws of writing films: pictures untouched, sound where it belongs, nothing half-written."""

import os

import av
import numpy as np
import pytest

from vis2sound_jax.audio.files import read_channels, read_sound
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.files import mux_sound, probe, read_frames, write_film
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sounds
from vis2sound_jax.world.recording import Measures, render_recording


def packets_of(path):
    with av.open(str(path)) as container:
        return [(bytes(p), p.pts * p.time_base) for p in container.demux(container.streams.video[0]) if p.size]


def lag_of(heard, wav, first=30000, n=16384, reach=2000):
    """By how many samples `heard` comes late, by cross-correlation with noise."""
    part = heard[first : first + n]
    return reach - int(np.correlate(wav[first - reach : first + n + reach], part, "valid").argmax())


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_pictures_are_copied_bit_for_bit_and_the_sound_starts_with_them(make_film, noise, tmp_path, codec, suffix):
    source, target = (
        make_film(codec=codec, size=(96, 128), wav=noise[::-1].copy()),
        tmp_path / f"out.{suffix}",
    )
    mux_sound(source, noise, 44100, target)
    if suffix != "mkv":  # which keeps milliseconds and another byte layout
        assert packets_of(target) == packets_of(source)
    heard = read_sound(target, 44100)
    assert len(heard) == 88200 and lag_of(heard, noise) == 0
    with av.open(str(target)) as container:
        assert [s.codec_context.name for s in container.streams] == [
            {"libx264": "h264", "libx265": "hevc"}[codec],
            "aac",
        ]
        assert container.duration / 1e6 < 2.04


@pytest.mark.parametrize(
    "film",
    [
        {"ticks": range(20, 70)},
        {"name": "f.ts"},
        {"name": "f.mkv"},
        {"name": "f.webm", "codec": "libvpx-vp9"},
        {"name": "f.avi", "codec": "mjpeg", "pixels": "yuvj420p"},
        {"degrees": 90},
        {"degrees": 270, "fps": 24000 / 1001},
    ],
)
def test_the_film_keeps_its_clock_rotation_and_length(make_film, noise, tmp_path, film):
    source, target = make_film(size=(96, 128), **film), tmp_path / "out.mp4"
    mux_sound(source, noise, 44100, target)
    before, after = probe(source), probe(target)
    assert (after.width, after.height, after.rotation_deg) == (
        before.width,
        before.height,
        before.rotation_deg,
    )
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.002) and after.has_sound
    np.testing.assert_array_equal(read_frames(source, 25, 8, 8), read_frames(target, 25, 8, 8))
    heard = read_sound(target, 44100)
    assert lag_of(heard, noise) == 0 and abs(len(heard) - before.duration_s * 44100) <= 1
    assert packets_of(target)[0][1] == 0


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    "film",
    [
        {"name": "f.webm", "codec": "libvpx"},
        {"name": "f.webm", "codec": "libvpx-vp9"},
        {"name": "f.mkv", "codec": "libvpx", "ticks": range(20, 70)},
        {"name": "f.webm", "codec": "libvpx-vp9", "fps": 24000 / 1001, "n": 47},
        {"name": "f.mp4", "codec": "libsvtav1", "options": {"preset": "12"}},
    ],
)
def test_in_webm_opus_starts_with_the_untouched_pictures(make_film, noise, tmp_path, film, channels):
    source, target = make_film(**film), tmp_path / "out.webm"
    wav = noise if channels == 1 else np.stack([noise, np.roll(noise, 1000)], axis=1)
    mux_sound(source, wav, 44100, target)
    before, after = probe(source), probe(target)
    assert [data for data, _ in packets_of(target)] == [data for data, _ in packets_of(source)]
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.002) and packets_of(target)[0][1] == 0
    np.testing.assert_array_equal(read_frames(source, 25, 8, 8), read_frames(target, 25, 8, 8))
    heard = read_channels(target, 44100)
    assert heard.shape[1] == channels and abs(len(heard) - before.duration_s * 44100) <= 88
    for k in range(channels):
        # Opus has 6.5 ms of padding, and Matroska counts milliseconds: neither moves the sound.
        assert abs(lag_of(heard[:, k], wav.reshape(len(wav), -1)[:, k])) <= 1
    with av.open(str(target)) as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.sample_rate) == ("opus", 48000)


def test_players_that_count_from_the_files_zero_hear_the_opus_in_step(make_film, noise, tmp_path):
    """Read without our reader: decoded times as they are, from the first click to the picture shown with it."""
    clicks = np.zeros(88200, np.float32)
    clicks[44100], clicks[66150] = 0.9, 0.9
    mux_sound(make_film("f.webm", codec="libvpx"), clicks, 44100, tmp_path / "out.webm")
    with av.open(str(tmp_path / "out.webm")) as container:
        frames = list(container.decode(container.streams.audio[0]))
        heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
        assert frames[0].time == 0
        assert container.streams.video[0].start_time == 0
    for at_s in (1.0, 1.5):
        near = slice(round((at_s - 0.1) * 48000), round((at_s + 0.1) * 48000))
        assert abs(near.start + np.abs(heard[near]).argmax() - at_s * 48000) <= 48


@pytest.mark.parametrize("rate_hz", [8000, 22050, 48000, 96000])
def test_opus_has_one_rate_and_sound_of_any_fits(make_film, noise, tmp_path, rate_hz):
    source, target = make_film("f.webm", codec="libvpx"), tmp_path / "out.webm"
    wav = np.tile(noise, 3)[: 2 * rate_hz]
    mux_sound(source, wav, rate_hz, target)
    heard = read_sound(target, rate_hz)
    assert len(heard) == 2 * rate_hz and abs(lag_of(heard, wav, rate_hz // 2, rate_hz, rate_hz // 3)) <= rate_hz // 1000


@pytest.mark.parametrize("seconds", [0.5, 2.0, 3.0])
def test_sound_of_any_length_and_rate_is_fitted_to_the_film(make_film, noise, tmp_path, seconds):
    source, target = make_film(), tmp_path / "out.mp4"
    wav = np.tile(noise, 2)[: int(seconds * 20000)]
    mux_sound(source, wav, 20000, target)
    heard = read_sound(target, 20000)
    assert len(heard) == 40000 and lag_of(heard, np.pad(wav, (0, 20000)), 4000, 5000) == 0
    assert np.abs(heard[int(seconds * 20000) + 2000 :]).max(initial=0) < 1e-3
    with av.open(str(target)) as container:
        sound = container.streams.audio[0]
        assert abs(sound.duration * sound.time_base - 2) < 0.04


def test_two_channels_stay_two(make_film, noise, tmp_path):
    mux_sound(make_film(), np.stack([noise, np.zeros_like(noise)], axis=1), 44100, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        left, right = next(container.decode(audio=0)).to_ndarray()
    assert left.std() > 0.1 and right.std() < 1e-3


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("suffix", "rate_hz"), [("mov", 44100), ("mkv", 48000), ("mov", 192000)])
def test_pcm_keeps_every_sample_beside_untouched_pictures(make_film, noise, tmp_path, channels, suffix, rate_hz):
    source, target = make_film(size=(96, 128)), tmp_path / f"out.{suffix}"
    wav = np.stack([np.tile(noise, 5), -np.tile(noise, 5)], axis=1)[: 2 * rate_hz, :channels]
    with Film.open(source) as film:
        mux_sounds(film, [wav], rate_hz, [target], pcm=True)
    if suffix == "mov":
        assert packets_of(target) == packets_of(source)
    with av.open(str(target)) as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.sample_rate, sound.channels) == ("pcm_s24le", rate_hz, channels)
    heard = read_channels(target, rate_hz)
    np.testing.assert_allclose(heard, np.clip(wav, -1, 1 - 2.0**-23), atol=2.0**-24)


@pytest.mark.parametrize("suffix", ["mp4", "m4v"])
def test_pcm_has_no_place_in_mp4(make_film, noise, tmp_path, suffix):
    target = tmp_path / f"out.{suffix}"
    with Film.open(make_film()) as film, pytest.raises(UserError, match=f"a .{suffix} does not hold PCM .*name a .mov"):
        mux_sounds(film, [noise], 44100, [target], pcm=True)
    with pytest.raises(UserError, match="does not hold PCM"):
        write_film(target, np.zeros((5, 16, 16, 3), np.uint8), 25, wav=noise, rate_hz=44100, pcm=True)
    assert not target.exists()


def test_a_film_may_be_replaced_by_itself(make_film, noise):
    path = make_film()
    before = packets_of(path)
    mux_sound(path, noise, 44100, path)
    assert probe(path).has_sound and packets_of(path) == before


def test_what_mp4_cannot_hold_names_the_remedy(make_film, noise, tmp_path):
    source = make_film("f.mov", codec="prores_ks", pixels="yuv422p10le")
    with pytest.raises(UserError, match=r"out\.mp4: mp4 cannot hold the prores .*choose a \.mov or \.mkv"):
        mux_sound(source, noise, 44100, tmp_path / "out.mp4")
    mux_sound(source, noise, 44100, tmp_path / "out.mov")
    assert packets_of(tmp_path / "out.mov") == packets_of(source)


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize("fps,size", [(25, (48, 64)), (24000 / 1001, (33, 75)), (60, (75, 33))])
def test_written_frames_and_sound_come_back(noise, tmp_path, fps, size, suffix):
    ramp = np.linspace(0, 255, size[0] * size[1]).reshape(1, *size, 1)
    frames = np.concatenate([ramp, 255 - ramp, 0 * ramp + 128], axis=-1).astype(np.uint8).repeat(30, axis=0)
    frames[10:20] = frames[10:20, ::-1]
    path = tmp_path / f"w.{suffix}"
    write_film(path, frames, fps, wav=noise, rate_hz=44100, crf=5)
    info = probe(path)
    assert info.n_frames == 30 and info.fps == pytest.approx(fps, abs=1e-3)
    assert (info.height, info.width) == tuple(s + s % 2 for s in size)
    back = read_frames(path, fps, info.height, info.width)[:, : size[0], : size[1]]
    assert np.abs(back.astype(int) - frames).mean() < 3
    heard = read_sound(path, 44100)
    # Matroska counts milliseconds, and the film ends with one.
    assert abs(len(heard) - round(30 / info.fps * 44100)) <= (0 if suffix == "mp4" else 44)
    assert lag_of(heard, noise, 4000, 10000) == 0


def test_a_silent_film_has_no_sound(tmp_path):
    write_film(tmp_path / "w.mkv", np.zeros((5, 16, 16, 3), np.uint8), 25)
    assert not probe(tmp_path / "w.mkv").has_sound
    with pytest.raises(UserError, match="has no sound track; use a recording with sound"):
        read_sound(tmp_path / "w.mkv", 16000)
    with pytest.raises(ValueError, match="0 frames"):
        write_film(tmp_path / "w.mp4", np.zeros((0, 16, 16, 3), np.uint8), 25)


@pytest.mark.parametrize(
    "name,message",
    [
        ("none/out.mp4", "its folder .*none does not exist; create the folder first"),
        ("folder.mp4", "is a folder, not a file; name the file to write"),
        ("out.wmv", r"'\.wmv' names no film; use one of \.mp4, \.mov, \.m4v, \.mkv"),
        ("out", "'no suffix' names no film"),
    ],
)
def test_outputs_that_cannot_be_written(make_film, noise, tmp_path, name, message):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UserError, match=message):
        mux_sound(make_film(), noise, 44100, tmp_path / name)
    with pytest.raises(UserError, match=message):
        write_film(tmp_path / name, np.zeros((5, 16, 16, 3), np.uint8), 25)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_locked_folder_is_named(make_film, noise, tmp_path):
    source = make_film()
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written .*; choose another folder"):
        mux_sound(source, noise, 44100, tmp_path / "out.mp4")
    tmp_path.chmod(0o700)


def test_after_a_failure_the_old_file_stays_and_nothing_else(make_film, noise, tmp_path):
    path = make_film(n=100, size=(96, 128), busy=True, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    (tmp_path / "out.mp4").write_bytes(b"an older film")
    with pytest.raises(
        UserError, match=r"film\.mp4: its pictures break off at \d\.\d\d s of 4\.00 s; copy the file again"
    ):
        mux_sound(path, noise, 44100, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"an older film"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mp4", "out.mp4"]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name", ["f.mkv", "f.mp4"])
def test_a_film_of_few_pictures_keeps_them(make_film, noise, tmp_path, name, n):
    """Matroska keeps no decoding times, and so few H.264 packets come without any."""
    source, target = make_film(name=name, n=n, size=(48, 64)), tmp_path / "out.mov"
    mux_sound(source, noise, 44100, target)
    assert len(packets_of(target)) == len(packets_of(source)) == n
    assert len(read_frames(target, 25.0, 8, 8)) == n


def test_the_same_frames_make_the_same_film(tmp_path):
    """With the AVX-512 code of x264, one of several was another, where pictures move as these do."""
    frames, made = render_recording(0, "test", 0, Measures(seconds=4.0, fps=25.0, height=270, width=480)).frames, set()
    for _ in range(10):
        write_film(tmp_path / "a.mp4", frames, 25.0)
        made.add((tmp_path / "a.mp4").read_bytes())
    assert len(made) == 1

"""Laws of sound files: the film's clock, exact lengths, windows, and errors that teach."""

import json
import os
import pathlib
import resource
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

from vis2sound_jax.audio.files import decode_channels, decode_flac, encode_flac, read_sound, write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.files import encode_jpeg, probe, write_film

SHARED = pathlib.Path(os.environ.get("VIS2SOUND_SHARED", pathlib.Path(__file__).parents[3] / "shared"))
RATE_HZ = 44100


@pytest.fixture
def noise():
    return (0.2 * np.random.default_rng(0).standard_normal(2 * RATE_HZ)).astype(np.float32)


def write_offset_film(path, wav, offset_s, *, codec="aac", first_picture_s=0.0, seconds=2.0, gap_s=0.0):
    """A film whose sound begins `offset_s` after its first picture, with a gap after one second of sound."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", 25, width=32, height=32)
        video.codec_context.gop_size = 25
        sound = container.add_stream(codec, RATE_HZ, layout="mono", bit_rate=192000)
        for number in range(round(seconds * 25)):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            picture.pts, picture.time_base = number + round(first_picture_s * 25), Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        first = round((first_picture_s + offset_s) * RATE_HZ)
        for begin, part in ((0, wav[:RATE_HZ]), (RATE_HZ, wav[RATE_HZ:])):
            frame = av.AudioFrame.from_ndarray(part[None], format="fltp", layout="mono")
            frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
            frame.pts = first + begin + (round(gap_s * RATE_HZ) if begin else 0)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def lag_of(heard, wav, first=30000, n=16384, reach=2000):
    part = heard[first : first + n]
    return reach - int(np.correlate(wav[first - reach : first + n + reach], part, "valid").argmax())


@pytest.mark.parametrize("first_picture_s", [0.0, 1.0])
@pytest.mark.parametrize("offset_s", [-0.32, 0.0, 0.32])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_sample_zero_is_the_first_picture(noise, tmp_path, suffix, offset_s, first_picture_s):
    path = tmp_path / f"film.{suffix}"
    write_offset_film(path, noise, offset_s, first_picture_s=first_picture_s)
    heard = read_sound(path, RATE_HZ)
    shift = round(offset_s * RATE_HZ)
    expected = np.pad(noise, (max(shift, 0), 0))[max(-shift, 0) :]
    assert len(heard) == 2 * RATE_HZ
    tolerance = 0 if offset_s == first_picture_s == 0 else 45  # the containers round offsets to a millisecond
    assert abs(lag_of(heard, np.pad(expected, (0, 30000)))) <= tolerance
    assert np.abs(heard[: max(shift - 1100, 0)]).max(initial=0) < 1e-3


def test_a_gap_in_the_sound_is_silent(noise, tmp_path):
    write_offset_film(tmp_path / "gap.mkv", noise, 0.0, codec="pcm_s16le", gap_s=0.5)
    heard = read_sound(tmp_path / "gap.mkv", RATE_HZ)
    np.testing.assert_allclose(heard[:RATE_HZ], noise[:RATE_HZ], atol=1e-4)
    assert np.abs(heard[RATE_HZ + 45 : RATE_HZ * 3 // 2 - 45]).max() == 0
    late = np.concatenate([np.zeros(RATE_HZ // 2), noise])
    assert abs(lag_of(heard, late, 70000, 10000)) <= 45 and len(heard) == 2 * RATE_HZ


@pytest.mark.parametrize("rate_hz", [16000, 22050, 44100, 48000])
def test_a_window_equals_the_same_part_of_the_whole(noise, tmp_path, rate_hz):
    write_offset_film(tmp_path / "film.mp4", np.tile(noise, 3), 0.0, seconds=6.0)
    write_wav(tmp_path / "sound.wav", np.tile(noise, 3), RATE_HZ)
    for name in ("film.mp4", "sound.wav"):
        whole = read_sound(tmp_path / name, rate_hz)
        assert len(whole) == 6 * rate_hz
        for start_s in (0.0, 0.06, 1.5, 4.3, 5.9):
            first = round(start_s * rate_hz)
            part = read_sound(tmp_path / name, rate_hz, start_s=start_s, duration_s=0.1)
            assert part.dtype == np.float32 and len(part) == round(0.1 * rate_hz)
            np.testing.assert_allclose(part, whole[first : first + len(part)], atol=2e-4)


def test_silence_fills_a_window_over_the_end_and_nothing_starts_there(noise, tmp_path):
    write_wav(tmp_path / "sound.wav", noise, RATE_HZ)
    part = read_sound(tmp_path / "sound.wav", 22050, start_s=1.5, duration_s=1.0)
    assert len(part) == 22050 and np.abs(part[:11000]).max() > 0.1 and np.abs(part[11025:]).max() == 0
    assert len(read_sound(tmp_path / "sound.wav", 22050, start_s=1.5)) == 11025
    with pytest.raises(UserError, match=r"sound\.wav: sound from 2\.50 s on lies beyond its end \(2\.00 s\); start"):
        read_sound(tmp_path / "sound.wav", 22050, start_s=2.5, duration_s=1.0)
    with pytest.raises(UserError, match="no sound starts at -1 s"):
        read_sound(tmp_path / "sound.wav", 22050, start_s=-1.0)
    write_offset_film(tmp_path / "film.mp4", noise, 0.0)
    with pytest.raises(UserError, match=r"from 2\.00 s on lies beyond its end \(2\.00 s\)"):
        read_sound(tmp_path / "film.mp4", 22050, start_s=2.0)


@pytest.mark.parametrize(
    "subtype,error", [("PCM_U8", 1e-2), ("PCM_16", 1e-4), ("PCM_24", 1e-6), ("FLOAT", 0), ("DOUBLE", 0)]
)
def test_wav_files_of_all_kinds_come_back(noise, tmp_path, subtype, error):
    write_wav(tmp_path / "s.wav", noise, RATE_HZ, subtype=subtype)
    np.testing.assert_allclose(read_sound(tmp_path / "s.wav", RATE_HZ), noise, atol=error)
    write_wav(tmp_path / "s.wav", np.stack([noise, -noise / 2], axis=1), RATE_HZ, subtype=subtype)
    np.testing.assert_allclose(read_sound(tmp_path / "s.wav", RATE_HZ), noise / 4, atol=error + 1e-7)


@pytest.mark.parametrize("name", ["s.flac", "s.ogg", "s.mp3"])
def test_compressed_sound_files_keep_their_length_and_place(noise, tmp_path, name):
    soundfile.write(tmp_path / name, noise, RATE_HZ)
    heard = read_sound(tmp_path / name, RATE_HZ)
    assert abs(len(heard) - 2 * RATE_HZ) <= 1152 and abs(lag_of(heard, noise)) <= 1


def test_resampling_keeps_a_tone_and_its_time(tmp_path):
    time_s = np.arange(96000) / 96000
    write_wav(tmp_path / "tone.wav", np.sin(2 * np.pi * 440 * time_s).astype(np.float32), 96000)
    heard = read_sound(tmp_path / "tone.wav", 22050)
    expected = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    np.testing.assert_allclose(heard[100:-100], expected[100:-100], atol=1e-3)


def test_a_song_with_a_cover_is_no_film(noise, tmp_path):
    path, cover = tmp_path / "song.mp3", encode_jpeg(np.zeros((16, 16, 3), np.uint8))
    soundfile.write(path, noise, RATE_HZ)
    body = b"\0image/jpeg\0\x03\0" + cover
    frame = b"APIC" + len(body).to_bytes(4) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\0\0" + size + frame + path.read_bytes())
    assert len(read_sound(path, RATE_HZ)) > 1.9 * RATE_HZ
    with pytest.raises(UserError, match="has no video stream"):
        probe(path)


@pytest.mark.parametrize("name,data,message", [("no.wav", None, "no such file"), ("empty.wav", b"", "empty"),
                                               ("junk.wav", b"RIFF" * 50, "not a media file")])  # fmt: skip
def test_unreadable_files_are_named(tmp_path, name, data, message):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=f"{name}: .*{message}"):
        read_sound(tmp_path / name, 16000)


def test_a_cut_off_sound_says_where(noise, tmp_path):
    data = encode_flac(noise, RATE_HZ)
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"cut\.flac: its sound breaks off at (0\.9|1\.0)\d s; copy the file again"):
        read_sound(tmp_path / "cut.flac", 22050)
    assert len(read_sound(tmp_path / "cut.flac", 22050, duration_s=0.5)) == 11025


def test_a_cut_off_film_says_where_its_sound_ends(noise, tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (50, 48, 64, 3), np.uint8)
    write_film(tmp_path / "film.mp4", frames, 25, wav=noise, rate_hz=RATE_HZ)
    data = (tmp_path / "film.mp4").read_bytes()
    (tmp_path / "film.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"film\.mp4: its sound breaks off at [01]\.\d\d s; copy the file again"):
        read_sound(tmp_path / "film.mp4", 16000)
    assert len(read_sound(tmp_path / "film.mp4", 16000, duration_s=0.4)) == 6400


def test_a_failed_write_leaves_the_old_file_alone(noise, tmp_path):
    write_wav(tmp_path / "s.wav", noise, RATE_HZ)
    before = (tmp_path / "s.wav").read_bytes()
    with pytest.raises(UserError, match=r"s\.wav: cannot be written as WAV"):
        write_wav(tmp_path / "s.wav", np.zeros((8, 5000), np.float32), RATE_HZ)
    with pytest.raises(UserError, match="its folder .*none does not exist; create the folder first"):
        write_wav(tmp_path / "none" / "s.wav", noise, RATE_HZ)
    assert (tmp_path / "s.wav").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_flac_bytes_keep_sixteen_bits(noise):
    wav = np.clip(noise * 4, -2, 2)
    back, rate_hz = decode_flac(encode_flac(wav, 22050))
    assert rate_hz == 22050 and back.dtype == np.float32
    np.testing.assert_allclose(back, np.clip(wav, -1, 1), atol=2**-15)
    np.testing.assert_array_equal(decode_flac(encode_flac(back, 22050))[0], back)
    with pytest.raises(UserError, match="is not FLAC; prepare the data again"):
        decode_flac(b"no sound")


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_flac_bytes_keep_every_channel(noise, channels):
    wav = np.stack([np.roll(noise, 7 * k) / (k + 1) for k in range(channels)], axis=1)
    back, rate_hz = decode_channels(encode_flac(wav, RATE_HZ))
    assert rate_hz == RATE_HZ and back.shape == wav.shape and back.dtype == np.float32
    np.testing.assert_allclose(back, wav, atol=2**-15)
    mixed, _ = decode_flac(encode_flac(wav, RATE_HZ))
    np.testing.assert_allclose(mixed, back.mean(axis=1), atol=1e-7)
    assert mixed.shape == (len(wav),) and mixed.dtype == np.float32


def test_one_channel_is_the_same_bytes_in_both_shapes(noise):
    data = encode_flac(noise, RATE_HZ)
    assert encode_flac(noise[:, None], RATE_HZ) == data
    np.testing.assert_array_equal(decode_channels(data)[0][:, 0], decode_flac(data)[0])


def test_flac_refuses_more_channels_than_it_holds():
    with pytest.raises(UserError, match="a sound of 9 channels: FLAC holds 1 to 8; mix some of them"):
        encode_flac(np.zeros((100, 9), np.float32), RATE_HZ)


@pytest.mark.skipif(not (SHARED / "clips").is_dir(), reason="real clips are not at $VIS2SOUND_SHARED or ../shared")
def test_the_sound_of_all_real_clips_is_as_long_as_the_film():
    for clip in json.loads((SHARED / "clips" / "manifest.json").read_text()):
        path = SHARED / "clips" / clip["file"]
        wav = read_sound(path, 22050)
        assert abs(len(wav) - probe(path).duration_s * 22050) <= 1
        level_db = 20 * np.log10(np.sqrt(np.mean(np.square(wav))))
        assert abs(level_db - clip["rms_db"]) < 2.0


def test_a_full_disk_is_told_as_such(tmp_path):
    """libsndfile says "System error"; a small limit on files stands for a small disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(UserError, match=r"s\.wav: cannot be written \(file too large\); free some space"):
            write_wav(tmp_path / "s.wav", np.zeros(200_000, np.float32), 22050)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("head", ["ffconcat version 1.0\nfile secret.wav\n", "#EXTM3U\n#EXTINF:1,\nsecret.wav\n"])
def test_a_list_of_other_files_is_no_recording(tmp_path, head):
    write_wav(tmp_path / "secret.wav", np.zeros(8000, np.float32), 8000)
    for name in ("x.mp4", "x.wav"):
        (tmp_path / name).write_text(head)
        with pytest.raises(UserError, match="is not a"):
            read_sound(tmp_path / name, 8000)

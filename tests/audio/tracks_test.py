"""Laws of sound tracks: channels in their order, on the clock of the mixed sound; impossible sound is refused."""

import av
import numpy as np
import pytest

from vis2sound_jax.audio.files import read_channels, read_sound, write_wav
from vis2sound_jax.audio.tracks import read_window
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.container import Media
from vis2sound_jax.video.facts import read_facts

RATE_HZ = 44100


def write_stereo_film(path, wav, first_picture_s=0.0):
    """A film with one sound of two channels; its clock begins at the first picture."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", 25, width=32, height=32)
        sound = container.add_stream("pcm_s16le", RATE_HZ, layout="stereo")
        for number in range(50):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            picture.pts = number + round(first_picture_s * 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        samples = np.round(wav * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE_HZ, 0
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


@pytest.fixture
def stereo(noise):
    return np.stack([noise, -0.5 * np.roll(noise, 100)], axis=1)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
def test_channels_come_in_the_order_of_the_file(stereo, tmp_path, subtype):
    write_wav(tmp_path / "s.wav", stereo, RATE_HZ, subtype=subtype)
    heard = read_channels(tmp_path / "s.wav", RATE_HZ)
    assert heard.shape == stereo.shape and heard.dtype == np.float32
    np.testing.assert_allclose(heard, stereo, atol=1e-2 if subtype == "PCM_U8" else 1e-4)


@pytest.mark.parametrize("rate_hz", [22050, 44100, 48000])
@pytest.mark.parametrize("window", [{}, {"start_s": 0.5}, {"start_s": 1.5, "duration_s": 1.0}])
def test_the_mean_of_the_channels_is_the_mixed_sound(stereo, tmp_path, rate_hz, window):
    write_wav(tmp_path / "s.wav", stereo, RATE_HZ, subtype="FLOAT")
    channels = read_channels(tmp_path / "s.wav", rate_hz, **window)
    mixed = read_sound(tmp_path / "s.wav", rate_hz, **window)
    assert channels.shape == (len(mixed), 2)
    np.testing.assert_allclose(channels.mean(axis=1), mixed, atol=1e-5)


def test_one_channel_has_an_axis_of_its_own(noise, tmp_path):
    write_wav(tmp_path / "s.wav", noise, RATE_HZ)
    heard = read_channels(tmp_path / "s.wav", 22050, duration_s=3.0)
    assert heard.shape == (3 * 22050, 1)
    np.testing.assert_array_equal(heard[:, 0], read_sound(tmp_path / "s.wav", 22050, duration_s=3.0))


@pytest.mark.parametrize("first_picture_s", [0.0, 0.4])
def test_channels_of_a_film_lie_on_its_clock(stereo, tmp_path, first_picture_s):
    write_stereo_film(tmp_path / "film.mkv", stereo, first_picture_s)
    heard = read_channels(tmp_path / "film.mkv", RATE_HZ)
    assert heard.shape == (2 * RATE_HZ, 2)
    first = round(first_picture_s * RATE_HZ)
    np.testing.assert_allclose(heard[: len(stereo) - first], stereo[first:], atol=1e-4)
    assert not heard[len(stereo) - first :].any()


def test_a_window_before_any_sound_is_silent_in_every_channel(stereo, tmp_path):
    write_stereo_film(tmp_path / "film.mkv", stereo[:RATE_HZ])
    with Media(tmp_path / "film.mkv") as media:
        silent = read_window(media, read_facts(media), 22050, 1.5, 0.25, mixed=False)
    assert silent.shape == (round(0.25 * 22050), 2) and not silent.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_counted_and_refused(noise, tmp_path, value):
    noise[[700, 800, 900]] = value
    write_wav(tmp_path / "bad.wav", noise, RATE_HZ, subtype="FLOAT")
    told = rf"bad.wav: 3 samples of its sound are not finite numbers, the first at {700 / RATE_HZ:.3f} s; export"
    for read in (read_sound, read_channels):
        with pytest.raises(UserError, match=told) as caught:
            read(tmp_path / "bad.wav", 22050)
        assert caught.value.path == tmp_path / "bad.wav"


def test_samples_far_beyond_full_scale_are_refused_with_their_time(noise, tmp_path):
    noise[[700, 900]] = 1e30, -1e30
    write_wav(tmp_path / "bad.wav", noise, RATE_HZ, subtype="FLOAT")
    told = rf"2 samples of its sound are more than 1000 times full scale, the first at {700 / RATE_HZ:.3f} s"
    with pytest.raises(UserError, match=told):
        read_sound(tmp_path / "bad.wav", 22050)
    noise[[700, 900]] = 4.0, -4.0
    write_wav(tmp_path / "loud.wav", noise, RATE_HZ, subtype="FLOAT")
    assert np.abs(read_sound(tmp_path / "loud.wav", RATE_HZ)).max() > 3.9


def test_a_rate_that_no_recorder_has_is_refused(noise, tmp_path):
    write_wav(tmp_path / "slow.wav", noise[:100], 1)
    with pytest.raises(UserError, match="slow.wav: its sound claims 1 samples a second; use a recording of 4000 Hz"):
        read_sound(tmp_path / "slow.wav", 22050)
    write_wav(tmp_path / "phone.wav", noise[:8000], 8000)
    assert len(read_sound(tmp_path / "phone.wav", 16000)) == 16000

"""Laws of the sound in a film: AAC at 48 kHz or PCM as delivered, and no peak above -1 dB when it is played."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

from vis2sound_jax.audio.files import read_channels, write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.delivery import Delivery, deliver
from vis2sound_jax.run.film_sound import write_with_sound
from vis2sound_jax.video.film import Film

FILM = Film.of_frames(np.zeros((75, 16, 16, 3), np.uint8), 25, "drawn")


def dense(rate_hz: int, *channels: int) -> np.ndarray:
    """Loud noise up to 11 kHz, limited: AAC moves its peaks."""
    wav = np.random.default_rng(0).standard_normal((3 * 22050, *channels)).astype(np.float32)
    return deliver(wav, 22050, FILM, Delivery(rate_hz))


def form_of(path: Path) -> tuple[str, int, int]:
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        return sound.codec_context.name, sound.sample_rate, sound.channels


@pytest.mark.parametrize("channels", [(), (2,)])
@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_aac_has_48_khz_and_no_peak_above_minus_one_db(tmp_path: Path, rate_hz: int, channels: tuple[int, ...]) -> None:
    path, wav = tmp_path / "out.mp4", dense(rate_hz, *channels)
    write_with_sound(FILM, wav, Delivery(rate_hz), path)
    assert form_of(path) == ("aac", 48000, 2 if channels else 1)
    heard = read_channels(path, 48000)
    assert len(heard) == 3 * 48000
    fine = np.abs(soxr.resample(heard.astype(np.float64), 48000, 8 * 48000, quality="VHQ"))
    assert 20 * np.log10(fine.max()) <= -0.95
    assert 0.6 * wav.std() < heard.std() < 1.05 * wav.std()


@pytest.mark.parametrize("channels", [(), (2,)])
@pytest.mark.parametrize(("suffix", "rate_hz"), [(".mov", 48000), (".mkv", 96000), (".mov", 22050)])
def test_pcm_holds_the_samples_of_the_wav_file(
    tmp_path: Path, suffix: str, rate_hz: int, channels: tuple[int, ...]
) -> None:
    path, wav = tmp_path / f"out{suffix}", dense(rate_hz, *channels)
    write_with_sound(FILM, wav, Delivery(rate_hz, pcm=True), path)
    write_wav(tmp_path / "out.wav", wav, rate_hz)
    assert form_of(path) == ("pcm_s24le", rate_hz, 2 if channels else 1)
    beside, _ = soundfile.read(tmp_path / "out.wav", dtype="float32", always_2d=True)
    np.testing.assert_allclose(read_channels(path, rate_hz), beside, atol=2.0**-23)


@pytest.mark.parametrize("rate_hz", [48000, 96000])
def test_opus_in_webm_has_no_peak_above_minus_one_db(tmp_path: Path, rate_hz: int) -> None:
    path, wav = tmp_path / "out.webm", dense(rate_hz, 2)
    write_with_sound(FILM, wav, Delivery(rate_hz), path)
    assert form_of(path) == ("opus", 48000, 2)
    heard = read_channels(path, 48000)
    assert len(heard) == 3 * 48000
    fine = np.abs(soxr.resample(heard.astype(np.float64), 48000, 8 * 48000, quality="VHQ"))
    assert 20 * np.log10(fine.max()) <= -0.95
    assert 0.6 * wav.std() < heard.std() < 1.05 * wav.std()


def test_pcm_in_mp4_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="out.mp4: a .mp4 does not hold PCM"):
        write_with_sound(FILM, dense(48000), Delivery(pcm=True), tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())

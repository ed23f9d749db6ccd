"""Laws of delivery: the length of the film to the sample, no peak above -1 dB, the loudness and mix that were asked."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soxr

from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.delivery import PLAIN, RATES_HZ, Delivery, check_delivery, deliver, delivery_of
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import write_film

RATE_HZ, FPS = 22050, 24000 / 1001


def peak_db(wav: np.ndarray, rate_hz: int) -> float:
    fine = soxr.resample(wav.astype(np.float64), rate_hz, 8 * rate_hz, quality="VHQ")
    return float(20 * np.log10(np.abs(fine).max()))


def drawn(frames: int = 49) -> Film:
    return Film.of_frames(np.zeros((frames, 16, 16, 3), np.uint8), FPS, "drawn")


def tone(hz: float, level: float, rate_hz: int = RATE_HZ, seconds: float = 2.1) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def loud(*channels: int) -> np.ndarray:
    """Dense noise with peaks far beyond full scale, on the other channel at a quarter."""
    wav = (0.4 * np.random.default_rng(0).standard_normal(round(2.1 * RATE_HZ))).astype(np.float32)
    return wav if not channels else np.stack([wav, 0.25 * wav], axis=1)


def level_of(wav: np.ndarray, hz: float, rate_hz: int) -> float:
    """Amplitude of a tone in the middle of a sound."""
    part = wav[rate_hz // 2 : rate_hz // 2 + rate_hz]
    return 2 * abs(np.exp(-2j * np.pi * hz * np.arange(len(part)) / rate_hz) @ part) / len(part)


@pytest.fixture
def sounding(tmp_path: Path) -> Path:
    """A film of two seconds whose own sound is 500 Hz on the left and 700 Hz on the right."""
    own = np.stack([tone(500, 0.2, 48000), tone(700, 0.1, 48000)], axis=1)
    write_film(tmp_path / "own.mp4", np.zeros((50, 16, 16, 3), np.uint8), 25, wav=own, rate_hz=48000)
    return tmp_path / "own.mp4"


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_it_is_as_long_as_the_film_at_every_rate(rate_hz: int) -> None:
    for frames in (20, 49, 50):
        film = drawn(frames)
        for wav in (loud(), loud(2)):
            made = deliver(wav[: round(film.duration_s * RATE_HZ)], RATE_HZ, film, Delivery(rate_hz))
            assert made.shape == (round(film.duration_s * rate_hz), *wav.shape[1:]) and made.dtype == np.float32


@pytest.mark.parametrize("lufs", [None, -23.0, -14.0, -9.0])
@pytest.mark.parametrize("rate_hz", [22050, 48000, 96000])
def test_no_peak_is_above_minus_one_db(lufs: float | None, rate_hz: int) -> None:
    for wav in (loud(), loud(2), 8 * tone(440, 0.5)):
        kept = wav.copy()
        assert peak_db(deliver(wav, RATE_HZ, drawn(), Delivery(rate_hz, lufs)), rate_hz) <= -1.0
        np.testing.assert_array_equal(wav, kept)


def test_at_its_own_rate_a_low_sound_is_not_touched() -> None:
    wav = tone(440, 0.5)
    np.testing.assert_array_equal(deliver(wav, RATE_HZ, drawn(), Delivery(RATE_HZ)), wav[: round(49 / FPS * RATE_HZ)])


@pytest.mark.parametrize("channels", [(), (2,)])
@pytest.mark.parametrize("lufs", [-30.0, -23.0, -16.0, -10.0])
def test_a_loudness_is_reached_though_peaks_are_limited(channels: tuple[int, ...], lufs: float) -> None:
    made = deliver(loud(*channels), RATE_HZ, drawn(), Delivery(lufs=lufs))
    assert pyloudnorm.Meter(48000).integrated_loudness(made) == pytest.approx(lufs, abs=0.2)


def test_what_peaks_do_not_allow_is_not_forced() -> None:
    wav = np.zeros(round(2.1 * RATE_HZ), np.float32)
    wav[2500::5000] = 0.9
    made = deliver(wav, RATE_HZ, drawn(), Delivery(lufs=-6.0))
    assert peak_db(made, 48000) <= -1.0 and pyloudnorm.Meter(48000).integrated_loudness(made) < -20


def test_silence_and_short_sounds_stay() -> None:
    for frames in (5, 49):
        made = deliver(
            np.zeros(round(frames / FPS * RATE_HZ), np.float32), RATE_HZ, drawn(frames), Delivery(lufs=-23.0)
        )
        assert made.shape == (round(frames / FPS * 48000),) and not made.any()


@pytest.mark.parametrize("level_db", [0.0, -12.0, 6.0])
@pytest.mark.parametrize("stereo", [False, True])
def test_the_films_own_sound_lies_under_it_at_its_level(sounding: Path, level_db: float, stereo: bool) -> None:
    wav = tone(300, 0.3)
    wav = np.stack([wav, 0.5 * wav], axis=1) if stereo else wav
    with Film.open(sounding) as film:
        made = deliver(wav, RATE_HZ, film, Delivery(keep_sound_db=level_db))
    assert made.shape == (96000, 2)
    left, right = made.T
    gain = 10 ** (level_db / 20)
    assert level_of(left, 500, 48000) == pytest.approx(0.2 * gain, rel=0.02)
    assert level_of(right, 700, 48000) == pytest.approx(0.1 * gain, rel=0.02)
    assert level_of(left, 700, 48000) < 0.002 and level_of(left, 300, 48000) == pytest.approx(0.3, rel=0.01)
    assert level_of(right, 300, 48000) == pytest.approx(0.15 if stereo else 0.3, rel=0.01)


def test_one_channel_over_one_stays_one_and_minutes_are_joined(
    make_film: Any, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_film(wav=noise)
    silent = np.zeros(2 * RATE_HZ, np.float32)
    with Film.open(path) as film:
        whole = deliver(silent, RATE_HZ, film, Delivery(keep_sound_db=-6.0))
        monkeypatch.setattr("vis2sound_jax.run.delivery._BLOCK_S", 1)
        parts = deliver(silent, RATE_HZ, film, Delivery(keep_sound_db=-6.0))
    np.testing.assert_allclose(whole, 10 ** (-6 / 20) * read_sound(path, 48000), atol=1e-6)
    np.testing.assert_allclose(parts, whole, atol=1e-4)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"rate": 48001}, "--rate=48001 is no rate that players know; it must be one of 8000, 11025, "),
        ({"rate": 0}, "--rate=0 is no rate"),
        ({"lufs": "0"}, "--lufs=0 is no loudness; give one from -70 to below 0, such as -23"),
        ({"lufs": "-71"}, "--lufs=-71 is no loudness"),
        ({"lufs": "nan"}, "--lufs=nan is no loudness"),
        ({"lufs": "loud"}, "--lufs=loud is not a number; give a level in dB, such as -23"),
        ({"keep_sound": "13"}, "--keep_sound=13 dB is out of range; give a level from -96 to 12"),
        ({"keep_sound": "true"}, "--keep_sound=true is not a number; give a level in dB"),
    ],
)
def test_what_cannot_be_asked(asked: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        delivery_of(SimpleNamespace(**{"rate": 48000, "lufs": "", "keep_sound": "", "pcm": False, **asked}))


def test_flags_are_read() -> None:
    assert delivery_of(SimpleNamespace(rate=48000, lufs="", keep_sound="", pcm=False)) == PLAIN
    asked = delivery_of(SimpleNamespace(rate=96000, lufs="-23", keep_sound="0", pcm=True))
    assert asked == Delivery(96000, -23.0, 0.0, pcm=True)


def test_what_cannot_be_delivered_is_told_before_the_work(sounding: Path, tmp_path: Path) -> None:
    write_film(tmp_path / "silent.mp4", np.zeros((5, 16, 16, 3), np.uint8), 25)
    check_delivery(PLAIN, tmp_path / "none.mp4", tmp_path / "out.mp4")
    check_delivery(Delivery(keep_sound_db=-6.0, pcm=True), sounding, tmp_path / "out.mov")
    with pytest.raises(UserError, match=r"silent.mp4: has no sound of its own to keep; leave --keep_sound out"):
        check_delivery(Delivery(keep_sound_db=0.0), tmp_path / "silent.mp4", tmp_path / "out.mp4")
    with pytest.raises(UserError, match=r"out.mp4: a .mp4 does not hold PCM that players read; name a .mov or .mkv"):
        check_delivery(Delivery(pcm=True), sounding, tmp_path / "out.mp4")
    with pytest.raises(UserError, match="drawn: has no sound of its own to keep"):
        deliver(loud(), RATE_HZ, drawn(), Delivery(keep_sound_db=0.0))

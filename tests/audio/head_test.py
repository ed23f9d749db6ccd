"""The spherical head: what its papers say of delays and levels, and a source that moves."""

import numpy as np
import pytest
import scipy.signal

from vis2sound_jax.audio.head import SOUND_SPEED, Head, between
from vis2sound_jax.errors import UserError

RATE_HZ = 16000
HEAD = Head()


def noise(seconds: float = 0.5) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ))


def level_db(wav: np.ndarray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(wav)) ** 2
    hz = np.fft.rfftfreq(len(wav), 1 / RATE_HZ)
    return 10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].sum())


@pytest.mark.parametrize("azimuth_deg", [0, 20, 55, 90])
def test_the_delay_between_the_ears_is_woodworths(azimuth_deg: float) -> None:
    turned = np.deg2rad(azimuth_deg)
    left_s, right_s = HEAD.delays_s(azimuth_deg)
    assert left_s - right_s == pytest.approx(HEAD.radius_m / SOUND_SPEED * (turned + np.sin(turned)))
    other = HEAD.delays_s(-azimuth_deg)
    np.testing.assert_allclose(other, [right_s, left_s])


def test_the_shadow_is_brown_and_dudas() -> None:
    np.testing.assert_allclose(HEAD.shadows(90.0), [1.05 + 0.95 * np.cos(np.pi * 180 / 150), 2.0])
    assert HEAD.shadows(60.0)[0] == pytest.approx(0.1)  # 150 degrees from the left ear
    np.testing.assert_allclose(Head(shadow=0.0).shadows(40.0), 1.0)


@pytest.mark.parametrize("azimuth_deg", [-70.0, 0.0, 35.0])
def test_delay_and_level_are_heard(azimuth_deg: float) -> None:
    ears = HEAD.hear(noise(), azimuth_deg, RATE_HZ)
    # Low frequencies: the filter itself delays by a fraction of a sample only where it shades.
    sos = scipy.signal.butter(4, (400, 3000), "bandpass", fs=RATE_HZ * 8, output="sos")
    left, right = (scipy.signal.sosfilt(sos, scipy.signal.resample_poly(ear, 8, 1)) for ear in ears)
    lag = np.argmax(scipy.signal.correlate(left, right)) - (len(right) - 1)
    left_s, right_s = HEAD.delays_s(azimuth_deg)
    assert lag / (8 * RATE_HZ) == pytest.approx(left_s - right_s, abs=1.2e-4)
    # The filter at 6 kHz, as a digital one bends frequencies.
    bent = np.tan(np.pi * 6000 / RATE_HZ) * 2 * RATE_HZ / (2 * SOUND_SPEED / HEAD.radius_m)
    gains = np.abs((1 + 1j * bent * HEAD.shadows(azimuth_deg)) / (1 + 1j * bent))
    wanted_db = 20 * np.log10(gains[0] / gains[1])
    apart_db = level_db(ears[0], 5000, 7000) - level_db(ears[1], 5000, 7000)
    assert apart_db == pytest.approx(wanted_db, abs=1.0) and np.sign(round(apart_db, 1)) == np.sign(round(wanted_db, 1))
    assert abs(level_db(ears[0], 20, 120) - level_db(ears[1], 20, 120)) < 1.0


def test_a_moving_source_is_at_each_moment_where_a_still_one_would_be() -> None:
    wav = noise()
    track = np.linspace(-60, 60, len(wav))
    moving = HEAD.hear(wav, track, RATE_HZ)
    k = 6000
    still = HEAD.hear(wav, float(track[k]), RATE_HZ)
    np.testing.assert_allclose(moving[:, k], still[:, k], atol=1e-5)
    assert np.abs(moving - still).max() > 0.1


@pytest.mark.parametrize("late_s", [0.0, 0.0123, -0.004, 1.0, -1.0])
def test_a_still_source_is_the_moving_one_that_stays(late_s: float) -> None:
    wav = noise()
    still = HEAD.hear_late(wav, 33.0, late_s, RATE_HZ)
    moving = HEAD.hear_late(wav, np.full(len(wav), 33.0), late_s, RATE_HZ)
    np.testing.assert_allclose(still, moving, atol=1e-5)


def test_without_a_head_both_ears_hear_the_source() -> None:
    wav = noise()
    ears = Head(radius_m=0.01, shadow=0.0).hear(wav, 0.0, RATE_HZ)
    np.testing.assert_allclose(ears[0], ears[1], atol=1e-6)
    np.testing.assert_allclose(ears[0, 100:-100], wav[100:-100], atol=1e-4)


def test_signals_are_read_between_samples_and_silent_outside() -> None:
    t = np.arange(400) / RATE_HZ
    tone = np.sin(2 * np.pi * 5000 * t)
    places = 100 + 0.37 * np.arange(500)
    (found,) = between(tone[None], places)
    np.testing.assert_allclose(found, np.sin(2 * np.pi * 5000 * places / RATE_HZ), atol=2e-3)
    (outside,) = between(tone[None], np.array([-1000.0, -30.0, 430.0, 1e6]))
    np.testing.assert_array_equal(outside, 0)


def test_heads_that_nobody_has_are_refused() -> None:
    with pytest.raises(UserError, match="radius of 8.75 m; choose 0.01 to 1"):
        Head(8.75)
    with pytest.raises(UserError, match="shadow of 2; choose 0 to 1"):
        Head(shadow=2)

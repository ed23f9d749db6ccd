"""Where a source is heard: the direction from which a known head would make two channels so alike."""

import functools

import numpy as np
import scipy.signal
from jaxtyping import Complex, Float

from vis2sound_jax.audio.binaural import RATE_HZ
from vis2sound_jax.audio.head import Head

STEP_DEG = 2.0
"""Directions are compared so far apart, from -90 to 90."""

_FRAME = 1024  # long beside the delay between two ears
_BAND_HZ = (150.0, 7000.0)


def azimuth_deg(ears: Float[np.ndarray, "2 n"], head: Head | None = None, rate_hz: int = RATE_HZ) -> float:
    """Finds the direction of a single source, whatever it sounds like.

    What a head does to the left ear, done to the right channel, is what it does to the right ear, done to the left
    channel. The direction is the one for which the two differ least.

    Args:
      ears: two channels.
      head: who hears; by default `Head()`.
      rate_hz: sample rate.

    Returns:
      Degrees from -90 to 90; NaN in silence.
    """
    if not np.any(ears):
        return float("nan")
    _, _, spectra = scipy.signal.stft(np.asarray(ears, np.float64), nperseg=_FRAME, padded=True)
    azimuths, responses, band = _responses(head or Head(), rate_hz)
    left, right = spectra[0][band], spectra[1][band]
    # The sum over frames of |left * b - right * a|^2 needs three numbers a row only.
    power, other = (np.sum(np.abs(x) ** 2, axis=1) for x in (left, right))
    cross = np.sum(left * np.conj(right), axis=1)
    to_left, to_right = responses[:, 0], responses[:, 1]
    apart = power * np.abs(to_right) ** 2 + other * np.abs(to_left) ** 2
    apart -= 2 * np.real(cross * to_right * np.conj(to_left))
    found = np.sum(apart / np.sum(np.abs(responses) ** 2, axis=1), axis=1)
    return float(azimuths[np.argmin(found)])


@functools.cache
def _responses(
    head: Head, rate_hz: int
) -> tuple[Float[np.ndarray, "a"], Complex[np.ndarray, "a 2 f"], Float[np.ndarray, "f"]]:
    """Directions, what the head does to each ear in the band, and the rows of the band."""
    azimuths = np.arange(-90, 90 + STEP_DEG / 2, STEP_DEG)
    click = np.zeros(_FRAME)
    click[_FRAME // 2] = 1
    heard = np.stack([head.hear(click, azimuth, rate_hz) for azimuth in azimuths])
    hz = np.fft.rfftfreq(_FRAME, 1 / rate_hz)
    band = (hz >= _BAND_HZ[0]) & (hz <= _BAND_HZ[1])
    return azimuths, np.fft.rfft(heard)[:, :, band], band

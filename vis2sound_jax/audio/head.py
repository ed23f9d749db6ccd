"""A spherical head hears a source that moves: delays of Woodworth, head shadow of Brown and Duda.

Azimuths are in degrees: 0 is straight ahead, 90 is at the right ear, -90 at the left one, 180 behind. Left is channel
0. Brown & Duda 1998, "A structural model for binaural sound synthesis", IEEE Trans. Speech and Audio Processing 6(5),
equations 3 to 7; Woodworth 1938 for the delay around a sphere.
"""

import functools
from dataclasses import dataclass

import numpy as np
import scipy.signal
from jaxtyping import Float, Float32

from vis2sound_jax.errors import UserError

SOUND_SPEED = 343.0
"""Metres a second."""

Track = Float[np.ndarray, "n"] | float
"""A number for every sample, or one for all of them."""

_TAPS = 16
_PHASES = 1024
_LEAST_SHADOW, _DEEPEST_DEG = 0.1, 150.0  # alpha_min and theta_min of Brown & Duda


@dataclass(frozen=True)
class Head:
    """A rigid sphere with two ears.

    Attributes:
      radius_m: of the sphere; people's lie between 0.07 and 0.11.
      ear_deg: how far each ear lies to the side. Brown & Duda have 100 for people; Woodworth's delay has 90.
      shadow: how much of the head shadow there is: 0 none, as of two microphones in the open, 1 that of a sphere.

    Raises:
      UserError: for a head that nobody has.
    """

    radius_m: float = 0.0875
    ear_deg: float = 90.0
    shadow: float = 1.0

    def __post_init__(self) -> None:
        """Checks the measures."""
        if not 0.01 <= self.radius_m <= 1:
            raise UserError(f"a head has a radius of {self.radius_m} m; choose 0.01 to 1")
        if not 0 <= self.shadow <= 1:
            raise UserError(f"a head has a shadow of {self.shadow}; choose 0 to 1")

    def delays_s(self, azimuth_deg: Track) -> Float[np.ndarray, "2 *n"]:
        """How much later than the middle of the head each ear hears a distant source, in seconds; before 0 if earlier.

        Args:
          azimuth_deg: where the source is.
        """
        away = np.deg2rad(self._from_ears_deg(azimuth_deg))
        # In sight of the ear the straight way counts; beyond, the way around the sphere.
        way = np.where(away < np.pi / 2, -np.cos(away), away - np.pi / 2)
        return self.radius_m / SOUND_SPEED * way

    def shadows(self, azimuth_deg: Track) -> Float[np.ndarray, "2 *n"]:
        """Gain of high frequencies at each ear; low ones have gain 1. 2 towards the ear, 0.1 at the deepest.

        Args:
          azimuth_deg: where the source is.
        """
        away = self._from_ears_deg(azimuth_deg)
        least = _LEAST_SHADOW
        full = 1 + least / 2 + (1 - least / 2) * np.cos(np.pi * away / _DEEPEST_DEG)
        return 1 + self.shadow * (full - 1)

    def hear(self, wav: Float[np.ndarray, "n"], azimuth_deg: Track, rate_hz: int) -> Float32[np.ndarray, "2 n"]:
        """Renders a distant source.

        Args:
          wav: what it sounds like at the middle of the head, were there no head.
          azimuth_deg: where it is at each sample.
          rate_hz: sample rate.

        Returns:
          Left and right. Sample k is heard when `wav[k]` is at the middle of the head.
        """
        late_s = np.zeros(1)
        return self.hear_late(wav, azimuth_deg, late_s, rate_hz)

    def hear_late(
        self, wav: Float[np.ndarray, "n"], azimuth_deg: Track, late_s: Track, rate_hz: int
    ) -> Float32[np.ndarray, "2 n"]:
        """Renders a source whose sound takes time to arrive, such as a reflection; a changing time bends its pitch.

        Args:
          wav: the source.
          azimuth_deg: where it is at each sample.
          late_s: how long the sound has been on its way at each sample.
          rate_hz: sample rate.

        Returns:
          Left and right.
        """
        wav = np.asarray(wav, np.float64)
        low, high = _split(wav, SOUND_SPEED / self.radius_m, rate_hz)
        azimuth_deg, late_s = np.atleast_1d(np.asarray(azimuth_deg, np.float64)), np.atleast_1d(late_s)
        ears = []
        for delay_s, shadow in zip(self.delays_s(azimuth_deg), self.shadows(azimuth_deg), strict=True):
            late = (delay_s + late_s) * rate_hz
            if len(late) == 1:
                ears.append(_delayed(low + shadow * high, float(late[0])))
            else:
                heard = between(np.stack([low, high]), np.arange(len(wav)) - late)
                ears.append(heard[0] + shadow * heard[1])
        return np.stack(ears).astype(np.float32)

    def _from_ears_deg(self, azimuth_deg: Track) -> Float[np.ndarray, "2 *n"]:
        """Angle between the direction of each ear and that of the source, 0 to 180."""
        azimuth_deg = np.asarray(azimuth_deg, np.float64)
        ears = np.stack([azimuth_deg + self.ear_deg, azimuth_deg - self.ear_deg])
        return np.abs((ears + 180) % 360 - 180)


def _split(wav: np.ndarray, corner: float, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """Low and high part of a sound, which add up to it.

    Brown & Duda's filter is (1 + alpha s / 2w) / (1 + s / 2w): of the low part as it is, of the high one alpha times.
    So only a gain changes while the source moves.
    """
    b, a = scipy.signal.bilinear([1.0], [1 / (2 * corner), 1.0], fs=rate_hz)
    low = scipy.signal.lfilter(b, a, wav)
    return low, wav - low


def between(wavs: Float[np.ndarray, "c n"], places: Float[np.ndarray, "m"]) -> Float[np.ndarray, "c m"]:
    """Reads signals between their samples, by a windowed sinc of 16 taps; outside they are silent.

    Args:
      wavs: the signals.
      places: where to read, in samples.
    """
    whole = np.floor(places).astype(np.int64)
    taps = _table()[np.round((places - whole) * _PHASES).astype(np.int64)]
    padded = np.pad(wavs, ((0, 0), (_TAPS, _TAPS)))
    first = np.clip(whole - _TAPS // 2 + 1 + _TAPS, 0, padded.shape[1] - 1)
    found = np.zeros((len(wavs), len(places)))
    for k in range(_TAPS):
        found += padded[:, np.minimum(first + k, padded.shape[1] - 1)] * taps[:, k]
    return found


def _delayed(wav: np.ndarray, late: float) -> np.ndarray:
    """A signal later by a number of samples, read as `between` reads it."""
    whole = int(np.floor(-late))
    taps = _table()[round((-late - whole) * _PHASES)]
    found = np.convolve(wav, taps[::-1])
    # Entry k of the product ends at sample k: the reading at n ends at n + whole + half of the taps.
    first = whole + _TAPS // 2
    before, found = max(-first, 0), found[max(first, 0) :]
    return np.pad(found, (before, max(len(wav) - before - len(found), 0)))[: len(wav)]


@functools.cache
def _table() -> Float[np.ndarray, "p k"]:
    """Taps for each of `_PHASES` + 1 places between two samples."""
    offsets = np.arange(_TAPS) - _TAPS // 2 + 1
    away = offsets - np.linspace(0, 1, _PHASES + 1)[:, None]
    window = np.i0(8 * np.sqrt(np.clip(1 - (away / (_TAPS / 2)) ** 2, 0, 1))) / np.i0(8.0)
    return np.sinc(away) * window

"""How loud and how bright a sound is at an event: two numbers that need no classifier."""

import numpy as np
from jaxtyping import Float, Float32

_LEAD_S = 0.05
_LENGTH_S = 0.25
_FLOOR = 1e-4  # amplitude of -80 dB: silence has a level and a brightness, so it cannot drop out of a correlation


def loudness_db(wav: Float32[np.ndarray, "n"], rate_hz: int, times_s: Float[np.ndarray, "e"]) -> Float[np.ndarray, "e"]:
    """RMS level from 0.05 s before each event to 0.2 s after it.

    Args:
      wav: waveform in [-1, 1]; what lies outside is silence.
      rate_hz: its sample rate.
      times_s: times of the events, in seconds.

    Returns:
      Decibels re 1, at least -80.
    """
    cuts = _cuts(wav, rate_hz, times_s)
    return 20.0 * np.log10(np.maximum(np.sqrt(np.mean(cuts**2, axis=1)), _FLOOR))


def centroid_hz(wav: Float32[np.ndarray, "n"], rate_hz: int, times_s: Float[np.ndarray, "e"]) -> Float[np.ndarray, "e"]:
    """Spectral centroid of the same part: power-weighted mean frequency over white noise at -80 dB.

    Args:
      wav: waveform in [-1, 1]; what lies outside is silence.
      rate_hz: its sample rate.
      times_s: times of the events, in seconds.

    Returns:
      Hertz; a quarter of the rate for silence.
    """
    cuts = _cuts(wav, rate_hz, times_s)
    power = np.abs(np.fft.rfft(cuts * np.hanning(cuts.shape[1]), axis=1)) ** 2
    power += _FLOOR**2 * np.sum(np.hanning(cuts.shape[1]) ** 2)  # what white noise of that level has in a bin
    frequency_hz = np.fft.rfftfreq(cuts.shape[1], 1.0 / rate_hz)
    return power @ frequency_hz / power.sum(axis=1)


def _cuts(wav: np.ndarray, rate_hz: int, times_s: np.ndarray) -> Float[np.ndarray, "e n"]:
    lead, length = round(_LEAD_S * rate_hz), round(_LENGTH_S * rate_hz)
    starts = np.round(np.asarray(times_s, np.float64) * rate_hz).astype(np.int64) - lead
    index = starts[:, None] + np.arange(length)
    inside = (index >= 0) & (index < len(wav))
    padded = np.append(np.asarray(wav, np.float64), 0.0)
    return padded[np.where(inside, index, len(wav))]

"""What is measured of one soundtrack beside the real one: onsets, envelopes, loudness, slope of the spectrum."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.evaluation.onset_matching import match_optimal

WINDOW_S = 0.05
"""An onset is right within so long of a contact."""
REACH_COLUMNS = 50
"""Columns by which an envelope is shifted at most to find its lag."""
_SMALL = 1e-6


class OnsetCounts(NamedTuple):
    """Onsets of a soundtrack: right ones, heard ones, contacts."""

    hits: int
    heard: int
    contacts: int


def onset_counts(wav: Float32[np.ndarray, "n"], rate_hz: int, contact_s: Float[np.ndarray, "e"]) -> OnsetCounts:
    """Compares the onsets of a sound with the contacts that are seen.

    Args:
      wav: the sound.
      rate_hz: its rate.
      contact_s: times in seconds.
    """
    heard = onset_times(wav, rate_hz)
    hits = match_optimal(np.sort(np.asarray(contact_s, float)), np.sort(heard), WINDOW_S)
    return OnsetCounts(int(hits.sum()), len(heard), len(contact_s))


def envelope(rows: Float[np.ndarray, "k f"]) -> Float[np.ndarray, "k"]:
    """Loudness of every column: the mean over its bins.

    Args:
      rows: a spectrogram.
    """
    return np.asarray(rows, np.float64).mean(axis=1)


def envelope_likeness(
    made: Float[np.ndarray, "k"], real: Float[np.ndarray, "k"], reach: int = REACH_COLUMNS
) -> tuple[float, int]:
    """Compares how loudness changes.

    Args:
      made: envelope of a soundtrack.
      real: envelope of the real sound, as long.
      reach: largest shift, in columns.

    Returns:
      Correlation without a shift, NaN where one of them stands still, and the lag in columns at which it is highest:
      positive where what was made is late.
    """
    a, b = made - made.mean(), real - real.mean()
    if a.std() < _SMALL or b.std() < _SMALL:
        return float("nan"), 0
    reach = min(reach, len(a) // 2)
    found = {0: _correlation(a, b)}
    for shift in range(1, reach + 1):
        found[shift], found[-shift] = _correlation(a[shift:], b[:-shift]), _correlation(a[:-shift], b[shift:])
    return found[0], max(found, key=lambda shift: (found[shift], -abs(shift)))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt((a**2).sum() * (b**2).sum()) + _SMALL))


def level_db(wav: Float[np.ndarray, "n"]) -> float:
    """Level of a sound in dB re full scale, rms.

    Args:
      wav: the sound.
    """
    return float(10 * np.log10(np.mean(np.asarray(wav, np.float64) ** 2) + 1e-12))


def slope_db(wav: Float[np.ndarray, "n"], rate_hz: int) -> float:
    """Slope of the spectrum from 100 Hz to nearly half the rate.

    Args:
      wav: the sound.
      rate_hz: its rate.

    Returns:
      dB an octave.
    """
    power = np.abs(np.fft.rfft(np.asarray(wav, np.float64))) ** 2
    hz = np.fft.rfftfreq(len(wav), 1 / rate_hz)
    edges = 100 * 2 ** np.arange(0, np.log2(0.45 * rate_hz / 100), 1 / 3)
    bands = [
        power[(hz >= low) & (hz < high)].mean() if ((hz >= low) & (hz < high)).any() else np.nan
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
    octaves, level = np.log2(edges[:-1] / 100), 10 * np.log10(np.array(bands) + 1e-12)
    known = np.isfinite(level)
    return float(np.polyfit(octaves[known], level[known], 1)[0]) if known.sum() > 1 else float("nan")

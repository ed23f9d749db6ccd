"""Kinds of things: a shape, a hue and a family of timbres each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.signal
from jaxtyping import Float

Rng = np.random.Generator
Voice = Callable[[Rng, float, int, int], Float[np.ndarray, "n"]]
"""(rng, tone in [0, 1], samples, rate in Hz) to a sound of any level."""


@dataclass(frozen=True)
class Kind:
    """What is seen and what is heard of one kind of thing.

    Attributes:
      name: of the kind.
      shape: a name in `picture.SHAPES`.
      hue: of its colour, 0 to 1.
      voice: makes its sound; the tone tells high from low within the kind.
    """

    name: str
    shape: str
    hue: float
    voice: Voice


def sound_of(kind: Kind, rng: Rng, tone: float, n: int, rate_hz: int) -> Float[np.ndarray, "n"]:
    """Makes the sound of a thing.

    Args:
      kind: of the thing.
      rng: source of randomness.
      tone: 0 to 1, low to high within the kind.
      n: samples, >= 1.
      rate_hz: sample rate.

    Returns:
      A sound of root mean square 1.
    """
    wav = kind.voice(rng, tone, n, rate_hz)
    return wav / (np.sqrt(np.mean(wav**2)) + 1e-9)


def _pitch_hz(tone: float, low_hz: float, high_hz: float) -> float:
    return low_hz * (high_hz / low_hz) ** tone


def _harmonics(pitch_hz: Float[np.ndarray, "n"] | float, n: int, rate_hz: int, slope: float) -> np.ndarray:
    """A sum of harmonics in sawtooth order, softer by a power of their number."""
    turns = np.cumsum(np.broadcast_to(pitch_hz, n)) / rate_hz
    count = max(1, int(0.42 * rate_hz / np.max(pitch_hz)))
    return sum(np.sin(2 * np.pi * k * turns) * k**-slope for k in range(1, min(count, 24) + 1))


def _band(rng: Rng, n: int, rate_hz: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Noise of a band."""
    nyquist = 0.49 * rate_hz
    edges = (min(low_hz, 0.8 * nyquist), min(high_hz, nyquist))
    sos = scipy.signal.butter(3, edges, "bandpass", fs=rate_hz, output="sos")
    return scipy.signal.sosfilt(sos, rng.standard_normal(n + 200))[200:]


def _strokes(rng: Rng, n: int, rate_hz: int, a_second: float) -> Float[np.ndarray, "e"]:
    """Times of strokes in samples, from before the beginning on, so that a sound is never all silent."""
    gap = rate_hz / a_second
    count = int(n / gap) + 3
    return np.cumsum(gap * rng.uniform(0.6, 1.4, count)) - gap * rng.uniform(0.9, 1.6)


def _struck(times: np.ndarray, one: np.ndarray, n: int) -> np.ndarray:
    """A sound once for each stroke."""
    train = np.zeros(n + 2 * len(one))
    for time in times:
        place = int(time) + len(one)
        if 0 <= place < n + len(one):
            train[place : place + len(one)] += one
    return train[len(one) : len(one) + n]


def _hum(rng: Rng, tone: float, n: int, rate_hz: int) -> np.ndarray:
    t = np.arange(n) / rate_hz
    sway = 1 + 0.01 * np.sin(2 * np.pi * rng.uniform(3, 6) * t + rng.uniform(0, 6))
    return _harmonics(_pitch_hz(tone, 80, 190) * sway, n, rate_hz, 1.0)


def _reed(rng: Rng, tone: float, n: int, rate_hz: int) -> np.ndarray:
    t = np.arange(n) / rate_hz
    beat = 0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(4, 8) * t + rng.uniform(0, 6))
    return beat * _harmonics(_pitch_hz(tone, 320, 760), n, rate_hz, 0.6)


def _whistle(rng: Rng, tone: float, n: int, rate_hz: int) -> np.ndarray:
    t = np.arange(n) / rate_hz
    bend = 1 + 0.25 * np.sin(2 * np.pi * rng.uniform(1.5, 3.5) * t + rng.uniform(0, 6))
    return np.sin(2 * np.pi * np.cumsum(_pitch_hz(tone, 1300, 2900) * bend) / rate_hz) + 0.05 * rng.standard_normal(n)


def _hiss(rng: Rng, tone: float, n: int, rate_hz: int) -> np.ndarray:
    t = np.arange(n) / rate_hz
    middle = _pitch_hz(tone, 3600, 6000)
    pulse = 0.55 + 0.45 * np.sin(2 * np.pi * rng.uniform(2, 5) * t + rng.uniform(0, 6))
    return pulse * _band(rng, n, rate_hz, 0.8 * middle, 1.25 * middle)


def _bell(rng: Rng, tone: float, n: int, rate_hz: int) -> np.ndarray:
    t = np.arange(round(0.7 * rate_hz)) / rate_hz
    pitch = _pitch_hz(tone, 500, 1100)
    parts = zip((1.0, 2.76, 5.4, 8.9), (1.0, 0.7, 0.4, 0.2), strict=True)
    whole = (
        g * np.exp(-(4 + 2 * r) * t) * np.sin(2 * np.pi * r * pitch * t) for r, g in parts if r * pitch < 0.45 * rate_hz
    )
    return _struck(_strokes(rng, n, rate_hz, rng.uniform(3, 6)), np.sum(list(whole), axis=0), n)


def _knock(rng: Rng, tone: float, n: int, rate_hz: int) -> np.ndarray:
    m = round(0.09 * rate_hz)
    low = _pitch_hz(tone, 180, 600)
    one = _band(rng, m, rate_hz, low, 4 * low) * np.exp(-np.arange(m) / (0.018 * rate_hz))
    return _struck(_strokes(rng, n, rate_hz, rng.uniform(8, 14)), one, n)


KINDS = (
    Kind("hum", "disc", 0.00, _hum),
    Kind("hiss", "square", 0.58, _hiss),
    Kind("bell", "triangle", 0.14, _bell),
    Kind("reed", "ring", 0.34, _reed),
    Kind("whistle", "cross", 0.78, _whistle),
    Kind("knock", "bar", 0.48, _knock),
)
"""All kinds. Each can be told from the others by its shape alone, by its hue alone, and by its sound."""

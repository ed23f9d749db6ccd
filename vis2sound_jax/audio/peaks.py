"""Amplitude peaks of a sound as Visually Indicated Sounds finds them (Owens et al. 2016, section 3).

Moments at which the amplitude rises are seeds; mean shift, with the amplitude as a density, moves each to the
mode it belongs to; of modes nearer than a quarter of a second the loudest stays. It suits short impacts with one
peak each. The mode lies some 20 ms after the first sound, because the mass of the amplitude does. Rates and
thresholds are ours, the paper gives none but the quarter second.
"""

import bisect

import numpy as np
from jaxtyping import Float

from vis2sound_jax import large
from vis2sound_jax.errors import UserError

ENVELOPE_HZ = 90.0
"""Rate of the amplitude curve."""
GAP_S = 0.25
"""Shortest time between two peaks (the paper's)."""

_RISE = 0.02  # of the loudest moment, in one step of the curve
_BANDWIDTH_S = 0.04
_REACH = 3.0  # bandwidths beyond which the kernel is cut
_ROUNDS = 100
_SETTLED_S = 1e-4
_BLOCK = 8192  # stretches whose amplitude is computed at once


def amplitude(wav: Float[np.ndarray, "n"], rate_hz: int) -> Float[np.ndarray, "t"]:
    """Returns the root mean square of consecutive stretches of 1 / 90 s; the last may be shorter.

    Args:
      wav: the sound.
      rate_hz: its rate.
    """
    edges = np.round(np.arange(0, len(wav) / rate_hz, 1 / ENVELOPE_HZ) * rate_hz).astype(int)
    edges = np.append(edges[edges < len(wav)], len(wav))
    sums = []
    for k in range(0, len(edges) - 1, _BLOCK):  # a long sound in float64 would take much memory
        block = edges[k : k + _BLOCK + 1]
        sums.append(np.add.reduceat(np.asarray(wav[block[0] : block[-1]], np.float64) ** 2, block[:-1] - block[0]))
        large.let_go(wav)
    return np.sqrt(np.concatenate([np.zeros(0), *sums]) / np.diff(edges))


def amplitude_peaks(
    wav: Float[np.ndarray, "n"], rate_hz: int, *, gap_s: float = GAP_S
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Finds the amplitude peaks of a sound.

    Args:
      wav: the sound.
      rate_hz: its sample rate.
      gap_s: shortest time between two peaks, in seconds.

    Returns:
      Times in seconds, ascending, and the amplitude (rms) at each; nothing for silence.

    Raises:
      UserError: if the rate is not above that of the amplitude curve.
    """
    if rate_hz <= ENVELOPE_HZ:
        raise UserError(f"a sound of {rate_hz} Hz has no amplitude curve of {ENVELOPE_HZ:g} Hz; give a higher rate")
    curve = amplitude(wav, rate_hz)
    return _peaks((np.arange(len(curve)) + 0.5) / ENVELOPE_HZ, curve, gap_s)


def _peaks(at_s: np.ndarray, curve: np.ndarray, gap_s: float) -> tuple[np.ndarray, np.ndarray]:
    """The three steps of the paper on a curve whose values are those of the times `at_s`."""
    if not len(curve) or curve.max() <= 0:
        return np.zeros(0), np.zeros(0)
    seeds = at_s[np.diff(curve, prepend=0.0) > _RISE * curve.max()]
    modes = np.array([_mode(seed, at_s, curve) for seed in seeds])
    return _apart(modes, np.interp(modes, at_s, curve), gap_s)


def _mode(start_s: float, at_s: np.ndarray, curve: np.ndarray) -> float:
    """Moves to the mean of the surroundings, weighted by kernel and amplitude, until it stays."""
    place = start_s
    for _ in range(_ROUNDS):
        low, high = np.searchsorted(at_s, [place - _REACH * _BANDWIDTH_S, place + _REACH * _BANDWIDTH_S])
        near = at_s[low:high]
        weight = curve[low:high] * np.exp(-0.5 * ((near - place) / _BANDWIDTH_S) ** 2)
        moved = float(near @ weight / weight.sum())
        if abs(moved - place) < _SETTLED_S:
            return moved
        place = moved
    return place


def _apart(times: np.ndarray, heights: np.ndarray, gap_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Keeps the highest of those that are too near to each other, the earlier one on a tie."""
    kept: list[float] = []
    chosen: list[int] = []
    for k in np.lexsort((times, -heights)):
        place = bisect.bisect_left(kept, times[k])
        if all(abs(times[k] - other) >= gap_s for other in kept[max(place - 1, 0) : place + 1]):
            kept.insert(place, float(times[k]))
            chosen.append(int(k))
    order = np.array(sorted(chosen, key=lambda k: times[k]), int)
    return times[order], heights[order]

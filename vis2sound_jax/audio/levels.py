"""Loudness and true peaks of a sound (EBU R 128, ITU-R BS.1770-4), and a limiter that keeps them below a ceiling.

Everything goes block by block, and long sounds lie in files (`large`): an hour needs no more memory than minutes.
"""

from collections.abc import Iterator

import numpy as np
import scipy.ndimage
import scipy.signal
import soxr
from jaxtyping import Float, Float32
from pyloudnorm import IIRfilter

from vis2sound_jax import large

CEILING_DB = -1.0
"""Highest true peak that EBU R 128 allows, in dB of full scale."""

_HOP_S, _HOPS = 0.1, 4  # loudness is gated in blocks of 0.4 s, one every 0.1 s (BS.1770-4, annex 1)
_ABSOLUTE_LUFS, _RELATIVE_LU, _OFFSET_LU = -70.0, -10.0, -0.691
_OVERSAMPLING = 4  # at 48 kHz, as BS.1770-4 has it in annex 2
_BLOCK, _CONTEXT = 1 << 16, 512  # samples that are oversampled at once, and around them for the filter
_LOOKAHEAD_S = 0.005
_RELEASE_DB_S = 120.0  # 6 dB are given back in 50 ms
_ROUNDS = 8
_SLACK_DB = 0.1  # what a finer measure may find above ours


def integrated_lufs(wav: Float32[np.ndarray, "n *c"], rate_hz: int) -> float | None:
    """Measures the loudness of a whole sound, gated.

    The weighting filters are pyloudnorm's, and so is the result; its meter itself holds several copies of the sound.

    Args:
      wav: one channel, or left and right as columns.
      rate_hz: its rate.

    Returns:
      LUFS; None where nothing can be measured: a sound below 0.4 s, or one that is nowhere above -70 LUFS.
    """
    return _gated(_weighted_power(_columns(wav), rate_hz))


def true_peak_db(wav: Float32[np.ndarray, "n *c"], rate_hz: int) -> float:
    """Measures the highest peak of a sound between its samples.

    The sound is oversampled four times, and a parabola goes through each of the highest values and its neighbours:
    without it, four times miss up to half a dB of the highest tones.

    Args:
      wav: one channel, or one per column.
      rate_hz: its rate.

    Returns:
      dB of full scale; minus infinity for silence.
    """
    least = 0.8 * _peak(wav)
    highest = max((float(heights.max()) for _, heights in _heights(wav, rate_hz, least)), default=0.0)
    return 20 * float(np.log10(highest)) if highest > 0 else -np.inf


def at_loudness(wav: Float32[np.ndarray, "n *c"], rate_hz: int, lufs: float) -> Float32[np.ndarray, "n *c"]:
    """Brings a sound to a loudness by one gain.

    Args:
      wav: one channel, or left and right as columns.
      rate_hz: its rate.
      lufs: the integrated loudness that is wanted.

    Returns:
      The sound, perhaps beyond [-1, 1]; unchanged where its loudness cannot be measured.
    """
    power, gain_db = _weighted_power(_columns(wav), rate_hz), 0.0
    for _ in range(_ROUNDS):  # a gain lifts blocks above the gate, or sinks them below it
        measured = _gated(power * 10 ** (gain_db / 10))
        if measured is None:
            return wav
        gain_db += lufs - measured
    return large.copy(wav, _gain(gain_db))


def limited(
    wav: Float32[np.ndarray, "n *c"], rate_hz: int, ceiling_db: float = CEILING_DB
) -> Float32[np.ndarray, "n *c"]:
    """Keeps the true peak of a sound at or below a ceiling, without clipping.

    The gain goes down smoothly in the 5 ms before a peak that is too high, the same for all channels, and comes back at
    120 dB a second. What is left above the ceiling after that, a fraction of a dB, is taken from the whole sound.

    Args:
      wav: one channel, or one per column.
      rate_hz: its rate.
      ceiling_db: highest true peak, in dB of full scale.

    Returns:
      The sound; the same array where its peaks are low enough.

    Raises:
      UserError: if it is long and there is no room for it; see `large.zeros`.
    """
    if true_peak_db(wav, rate_hz) <= ceiling_db:
        return wav
    aim_db = ceiling_db - _SLACK_DB
    ceiling = _gain(aim_db)
    over_db = large.zeros((len(wav),))
    for begin, heights in _heights(wav, rate_hz, 0.5 * ceiling):
        over_db[begin : begin + len(heights)] = 20 * np.log10(np.maximum(heights / ceiling, 1.0))
        large.let_go(over_db)
    low = large.copy(wav)
    for begin, gain in _gains(over_db, rate_hz):
        low[begin : begin + len(gain)] *= gain.reshape(-1, *(1,) * (wav.ndim - 1))
        large.let_go(low)
    rest_db = true_peak_db(low, rate_hz) - aim_db
    if rest_db > 0:
        for place in large.pieces(len(low), low):
            low[place] *= np.float32(_gain(-rest_db))
    return low


def _peak(wav: Float32[np.ndarray, "n *c"]) -> float:
    """The highest absolute sample."""
    ends = [(wav[place].max(), -wav[place].min()) for place in large.pieces(len(wav), wav)]
    return max((float(max(pair)) for pair in ends), default=0.0)


def _columns(wav: Float32[np.ndarray, "n *c"]) -> Float32[np.ndarray, "n c"]:
    return wav[:, None] if wav.ndim == 1 else wav


def _gain(level_db: float) -> float:
    return 10 ** (level_db / 20)


def _gated(power: Float[np.ndarray, "hops"]) -> float | None:
    """Loudness of a sound by the power of its tenths of a second; None where no block counts."""
    if len(power) < _HOPS:
        return None
    blocks = np.convolve(power, np.full(_HOPS, 1.0 / _HOPS), "valid")
    kept = blocks[blocks >= 10 ** ((_ABSOLUTE_LUFS - _OFFSET_LU) / 10)]
    if not len(kept):
        return None
    kept = kept[kept > kept.mean() * 10 ** (_RELATIVE_LU / 10)]
    return float(_OFFSET_LU + 10 * np.log10(kept.mean()))


def _weighted_power(wav: Float32[np.ndarray, "n c"], rate_hz: int) -> Float[np.ndarray, "hops"]:
    """Mean square of the K-weighted sound in every whole tenth of a second, summed over channels."""
    filters = (
        IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, rate_hz, "high_shelf"),
        IIRfilter(0.0, 0.5, 38.0, rate_hz, "high_pass"),
    )
    sections = np.stack([np.concatenate([each.b, each.a]) for each in filters])
    state = np.zeros((len(sections), 2, wav.shape[1]))
    edges = (np.arange(int(len(wav) / (_HOP_S * rate_hz) + 1e-9) + 1) * (_HOP_S * rate_hz) + 1e-6).astype(int)
    power = np.zeros(len(edges) - 1)
    for first in range(0, len(power), 100):
        ends = edges[first : first + 101]
        weighted, state = scipy.signal.sosfilt(sections, wav[ends[0] : ends[-1]], axis=0, zi=state)
        sums = np.add.reduceat(np.square(weighted).sum(axis=1), ends[:-1] - ends[0])
        power[first : first + 100] = sums / (_HOP_S * rate_hz)
        large.let_go(wav)
    return power


def _heights(
    wav: Float32[np.ndarray, "n *c"], rate_hz: int, least: float
) -> Iterator[tuple[int, Float32[np.ndarray, "k"]]]:
    """Highest absolute value at and after every sample, up to the next, over all channels, block by block.

    Peaks between the values of the oversampled sound are found from `least` on. Blocks far below it are left out: no
    sound rises to four times its samples between them.
    """
    wav = _columns(wav)
    for place in large.pieces(len(wav), wav, size=_BLOCK):
        begin, end = place.start, place.stop
        first, last = max(begin - _CONTEXT, 0), min(end + _CONTEXT, len(wav))
        if 4 * np.abs(wav[first:last]).max() < least:
            continue
        missing = first - begin + _CONTEXT, end + _CONTEXT - last
        block = np.pad(wav[first:last], (missing, (0, 0)))
        fine = np.abs(soxr.resample(block, rate_hz, rate_hz * _OVERSAMPLING))
        fine = fine[_CONTEXT * _OVERSAMPLING - 1 : (_CONTEXT + end - begin) * _OVERSAMPLING + 1]
        yield begin, _between(fine, least).reshape(end - begin, -1).max(axis=1)


def _between(fine: Float32[np.ndarray, "m c"], least: float) -> Float32[np.ndarray, "k c"]:
    """The values without the first and the last; at peaks the top of the parabola through three of them."""
    values = fine[1:-1].copy()
    at = np.nonzero((values > least) & (values >= fine[:-2]) & (values > fine[2:]))
    before, top, after = fine[:-2][at], values[at], fine[2:][at]
    values[at] = top + (before - after) ** 2 / (8 * (2 * top - before - after))
    return values


def _gains(over_db: Float32[np.ndarray, "n"], rate_hz: int) -> Iterator[tuple[int, Float32[np.ndarray, "k"]]]:
    """Gains that take at least `over_db` at every sample, block by block; none where nothing is to be taken."""
    reach = max(int(_LOOKAHEAD_S * rate_hz / 4), 1)
    slope_db = _RELEASE_DB_S / rate_hz
    back = 4 * reach + int(max(_peak(over_db), 0.0) / slope_db) + 1
    for place in large.pieces(len(over_db), over_db, size=_BLOCK):
        begin, end = place.start, place.stop
        first, last = max(begin - back, 0), min(end + 4 * reach, len(over_db))
        if not over_db[first:last].any():
            continue
        taken = scipy.ndimage.maximum_filter1d(over_db[first:last].astype(np.float64), 4 * reach + 1, mode="nearest")
        fall = slope_db * np.arange(len(taken))
        taken = np.maximum(np.maximum.accumulate(taken + fall) - fall, 0.0)
        # Each of the values around a sample takes as much as the sample needs, and so does their mean.
        for _ in range(2):
            taken = scipy.ndimage.uniform_filter1d(taken, 2 * reach + 1, mode="nearest")
        yield begin, (10 ** (-taken[begin - first : end - first] / 20)).astype(np.float32)

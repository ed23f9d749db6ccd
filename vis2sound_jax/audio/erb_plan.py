"""Tables for the fast cochleagram: which points each channel needs, and how they become envelopes at a low rate.

All arithmetic is numpy's float64, done once for a filterbank and a length.

A clip is cut into rows of equal time, about one step of the envelopes each. A channel has as many points in every
row as its bandwidth asks for. A row of points is kept as its products with a few polynomials, and since the filter
that lowers the rate is smooth within a row, those products are all that its output depends on.
"""

import functools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.special
from jaxtyping import Float64, Int64

from vis2sound_jax.audio.erb import ErbSpec, erb_to_hz, filter_response, filter_support, hz_to_erb
from vis2sound_jax.audio.resample import low_pass

MOMENTS = 8  # polynomials a row; more do not help, the filter has a bend at either end
END_POINTS = 4  # points on either side of an end whose weights differ from 1
SPLIT = 8  # points for each bin: magnitudes have far wider spectra than the signals they come from
_MORE = 0.5  # bins a row beyond those of the channel, which narrow channels need
_ENOUGH = 0.8  # a channel that needs more points than this share of the samples gets the samples
_STEPS_PER_BLOCK = 16
_NODES = 12  # places in a row where the filter is looked at


@dataclass(frozen=True, eq=False)
class Group:
    """Channels with the same number of points.

    Attributes:
      channels: which, [g].
      row: points a row.
      split: transforms that share the points: one gives every `split`-th. The bins must fit into one.
      points: of one transform.
      first: bin of the spectrum where each channel begins, [g].
      gains: of the filters from there on, doubled as for an analytic signal and divided by `split`, [g, k] with
        k <= points.
    """

    channels: tuple[int, ...]
    row: int
    split: int
    points: int
    first: tuple[int, ...]
    gains: Float64[np.ndarray, "g k"]


@dataclass(frozen=True, eq=False)
class Raster:
    """Groups whose rows are equally long, and the filter as seen by these rows.

    Attributes:
      groups: at least one.
      rows: rows in the clip.
      wrapped: whether the points go round the clip (fewer points than samples) or are its samples, of which the
        last row may have fewer.
      starts: first row of every block of envelope steps, [b]; may lie outside the clip.
      table: what the steps of a block take from the products of its rows, [b, r * MOMENTS, steps]; b = 1 if it is
        the same for all.
    """

    groups: tuple[Group, ...]
    rows: int
    wrapped: bool
    starts: Int64[np.ndarray, "b"]
    table: Float64[np.ndarray, "b2 p s"]


@functools.lru_cache(maxsize=16)
def plan(spec: ErbSpec, n: int) -> tuple[Raster, ...]:
    """Decides how each channel of a clip of n samples is computed.

    Channels that would need about as many points as there are samples use the samples themselves.

    Args:
      spec: the filterbank; its envelopes have at most the rate of the sound.
      n: samples of the sound.

    Returns:
      One or two rasters; together their groups have every channel once.
    """
    step = 1 / spec.ratio
    rows = smooth_at_least(math.ceil(n / step))
    shared: dict[int, list[int]] = {}
    for channel in range(spec.channels):
        low, high = _bins(spec, channel, n)
        part = max(2, smooth_at_least(math.ceil((high - low) / rows + _MORE)))
        few = rows >= 4 and SPLIT * part * rows < _ENOUGH * n
        shared.setdefault(part if few else 0, []).append(channel)
    samples = shared.pop(0, [])
    found = []
    if shared:
        groups = tuple(
            _group(spec, n, channels, SPLIT * part, SPLIT, part * rows) for part, channels in sorted(shared.items())
        )
        found.append(Raster(groups, rows, True, *_table(spec, n, Fraction(n, rows))))
    if samples:
        row = int(step)
        found.append(
            Raster((_group(spec, n, samples, row, 1, n),), -(-n // row), False, *_table(spec, n, Fraction(row)))
        )
    return tuple(found)


def smooth_at_least(least: int) -> int:
    """Returns the smallest number >= `least` without primes beyond 5, which FFTs are fast for."""
    best = 1 << max(0, least - 1).bit_length()
    fives = 1
    while fives < best:
        threes = fives
        while threes < best:
            best = min(best, threes << max(0, (-(-least // threes) - 1).bit_length()))
            threes *= 3
        fives *= 5
    return best


def basis(row: int) -> Float64[np.ndarray, "q p"]:
    """Returns the polynomials (Chebyshev's) at the points of a row, the first of which is the row's beginning."""
    return np.polynomial.chebyshev.chebvander(2 * np.arange(row) / row - 1, MOMENTS - 1)


def end_weights(spacing: float) -> Float64[np.ndarray, "e"]:
    """Weights near time 0 that make a sum over points equal a sum over the samples from 0 on.

    Both approximate an integral that begins at 0 and differ by the terms of Euler and Maclaurin, which are odd
    derivatives there. The weights give just these for every polynomial of degree 2 * END_POINTS.

    Args:
      spacing: samples from point to point, >= 1.

    Returns:
      [2 * END_POINTS + 1], what to add to the weights (0 before time 0, 1 from 0 on) of points -END_POINTS to
      END_POINTS.
    """
    p = END_POINTS
    wanted = np.zeros(2 * p + 1)
    wanted[0] = (1 / spacing - 1) / 2
    bernoulli = scipy.special.bernoulli(2 * p)
    for r in range(1, p + 1):
        wanted[2 * r - 1] = -bernoulli[2 * r] / (2 * r) * (spacing ** (-2 * r) - 1)
    powers = np.arange(-p, p + 1, dtype=np.float64) ** np.arange(2 * p + 1)[:, None]
    return np.linalg.solve(powers, wanted)


def _bins(spec: ErbSpec, channel: int, n: int) -> tuple[int, int]:
    """First bin of a channel and the one after its last."""
    low, high = erb_to_hz(np.array(filter_support(spec, channel))) * n / spec.rate_hz
    return max(0, math.floor(low)), min(n // 2 + 1, math.ceil(high) + 1)


def _group(spec: ErbSpec, n: int, channels: list[int], row: int, split: int, points: int) -> Group:
    ranges = [_bins(spec, channel, n) for channel in channels]
    gains = np.zeros((len(channels), points if split > 1 else max(high - low for low, high in ranges)))
    for found, channel, (low, high) in zip(gains, channels, ranges, strict=True):
        bins = np.arange(low, high)
        alone = (bins == 0) | (2 * bins == n)  # frequencies that are not half of a pair
        filter_gains = filter_response(spec, channel, hz_to_erb(bins * (spec.rate_hz / n)))
        found[: high - low] = np.where(alone, 1.0, 2.0) / split * filter_gains
    return Group(tuple(channels), row, split, points, tuple(low for low, _ in ranges), gains)


def _table(spec: ErbSpec, n: int, length: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """The `starts` and `table` of a raster whose rows have `length` samples."""
    up, down, steps = spec.ratio.numerator, spec.ratio.denominator, spec.frames_for(n)
    half, filter_at = low_pass(up, down)
    size = min(_STEPS_PER_BLOCK, steps)
    reach, step = Fraction(half, up), Fraction(down, up)
    starts = [math.floor((step * size * block - reach) / length) for block in range(-(-steps // size))]
    rows = math.ceil((2 * reach + step * (size - 1)) / length) + 1
    different = 1 if length * size % step == 0 and step * size % length == 0 else len(starts)
    first = np.array([float(step * size * b - starts[b] * length) for b in range(different)])
    u = (1 - np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)) / 2
    at = float(length) * (np.arange(rows)[:, None] + u)  # samples since the start of the block's first row
    after = first[:, None, None, None] + float(step) * np.arange(size) - at[..., None]
    seen = filter_at(after * up)
    fit = np.linalg.pinv(np.polynomial.chebyshev.chebvander(2 * u - 1, MOMENTS - 1))
    table = np.einsum("pu,brus->brps", fit, seen)
    return np.array(starts), table.reshape(different, rows * MOMENTS, size)

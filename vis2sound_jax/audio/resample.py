"""Resampling of signals inside jit: the polyphase filter of `scipy.signal.resample_poly`, and Fourier's way."""

import functools
import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import scipy.signal
from jaxtyping import Array, Float

_HALF_TAPS = 10  # zero crossings of the windowed sinc on either side, at the lower of the two rates
_KAISER_BETA = 5.0


def resample_poly(x: Float[Array, "n"], up: int, down: int) -> Float[Array, "m"]:
    """Resamples a signal that is zero outside, as `scipy.signal.resample_poly(x, up, down)` does.

    Every output is the inner product of the few inputs within reach of the filter with the row of taps of its
    phase, so the work grows with the output and nothing is stuffed with zeros.

    Args:
      x: the signal.
      up: factor by which the rate rises, >= 1.
      down: factor by which it falls, >= 1.

    Returns:
      m = ceil(n * up / down) values; the first lies at the time of x[0].
    """
    up, down = up // math.gcd(up, down), down // math.gcd(up, down)
    if up == down:
        return x
    n = x.shape[0]
    first, taps = _windows(n, up, down)
    left, right = max(0, -int(first.min())), max(0, int(first.max()) + taps.shape[1] - n)
    padded = jnp.pad(x, (left, right))
    inputs = padded[jnp.asarray(first + left)[:, None] + jnp.arange(taps.shape[1])]
    phase = jnp.arange(len(first)) % up
    return jnp.einsum("ml,ml->m", inputs, jnp.asarray(taps, x.dtype)[phase])


def fft_resample(x: Float[Array, "*c n"], m: int) -> Float[Array, "*c m"]:
    """Resamples a signal that repeats, as `scipy.signal.resample(x, m, axis=-1)` does.

    Args:
      x: the signal.
      m: samples wanted, >= 1.

    Returns:
      m values over the same time, with the frequencies that both rates can hold.
    """
    n = x.shape[-1]
    least = min(n, m)
    spectrum = jnp.fft.rfft(x)[..., : least // 2 + 1]
    if least % 2 == 0 and m != n:
        # At its highest frequency an even length holds both halves of a pair in one bin.
        spectrum = spectrum.at[..., -1].multiply(2.0 if m < n else 0.5)
    return jnp.fft.irfft(spectrum, m) * (m / n)


def output_length(n: int, up: int, down: int) -> int:
    """Returns the number of samples that `resample_poly` makes of n.

    Args:
      n: samples before.
      up: factor by which the rate rises, >= 1.
      down: factor by which it falls, >= 1.
    """
    return -(-n * up // down)


def low_pass(up: int, down: int) -> tuple[int, Callable[[Float[np.ndarray, "..."]], Float[np.ndarray, "..."]]]:
    """Gives the filter of `resample_poly` as a function of continuous time.

    Args:
      up: factor by which the rate rises, without common divisor with `down`.
      down: factor by which it falls.

    Returns:
      The filter's half length and the filter, both in units of 1 / (rate * up); at whole numbers it has the taps
      that `resample_poly` uses, and beyond the half length it is 0.
    """
    most = max(up, down)
    half = _HALF_TAPS * most

    def shape(at: np.ndarray) -> np.ndarray:
        window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(1 - (at / half) ** 2, 0))) * (np.abs(at) <= half)
        return np.sinc(at / most) * window

    total = shape(np.arange(-half, half + 1, dtype=np.float64)).sum()
    return half, lambda at: up / total * shape(at)


@functools.lru_cache(maxsize=16)
def _windows(n: int, up: int, down: int) -> tuple[np.ndarray, np.ndarray]:
    """First input of every output, [m], and the taps of each of the `up` phases, [up, l]."""
    half = _HALF_TAPS * max(up, down)
    fir = up * scipy.signal.firwin(2 * half + 1, 1 / max(up, down), window=("kaiser", _KAISER_BETA))
    times = np.arange(max(output_length(n, up, down), up), dtype=np.int64) * down  # on the grid of rate * up
    first = -((half - times) // up)
    length = 2 * half // up + 1
    places = half + times[:up, None] - (first[:up, None] + np.arange(length)) * up
    taps = np.where((places >= 0) & (places <= 2 * half), fir[np.clip(places, 0, 2 * half)], 0.0)
    return first[: output_length(n, up, down)], taps

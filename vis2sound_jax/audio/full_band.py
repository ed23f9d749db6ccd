"""A difference predicted at 16 kHz becomes one of full band; a mono sound is split so that its halves add up to it.

Nothing is predicted above 8 kHz. There the level difference of the highest predicted bands is applied: head shadow
changes slowly with frequency, and phase tells a listener little so high (Rayleigh's duplex theory).
"""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal
from jaxtyping import Array, Float, Float32, Int32

from vis2sound_jax.audio.binaural import RATE_HZ
from vis2sound_jax.audio.stft import StftSpec, istft, stft
from vis2sound_jax.errors import UserError

CROSSOVER_HZ = (7000.0, 7600.0)
"""Between these the placed band takes over from the predicted one."""

BAND_HZ = (4500.0, 7000.0)
"""Whose level difference is applied above."""

PIECE_S = 10
"""Seconds that are worked on at a time, so that memory does not grow with the sound."""

_MARGIN_S = 1  # more than a frame and the smoothing reach; whole, so that it is a whole number of samples at any rate
_SMOOTHING = 11  # frames of 10 ms
_FULL_SCALE = 1 << 23


def full_band(
    mix: Float32[np.ndarray, "n"], difference: Float32[np.ndarray, "m"], rate_hz: int
) -> Iterator[Float32[np.ndarray, "k"]]:
    """Makes the difference of a sound at its own rate, `PIECE_S` seconds at a time.

    Args:
      mix: sum of left and right. Any array that can be sliced, such as a file mapped into memory.
      difference: predicted at `RATE_HZ`, from the same start.
      rate_hz: rate of `mix`, from `RATE_HZ` up.

    Yields:
      Pieces of the difference, n samples in all.

    Raises:
      UserError: if the rate is below `RATE_HZ`.
    """
    if rate_hz < RATE_HZ:
        raise UserError(f"a sound of {rate_hz} Hz has no room for what is predicted; resample it to {RATE_HZ} or more")
    if rate_hz == RATE_HZ:
        yield _slice(difference, 0, len(mix))
        return
    margin, piece = _MARGIN_S * rate_hz, PIECE_S * rate_hz
    for start_s in range(0, -(-len(mix) // rate_hz), PIECE_S):
        first_s, length_s = start_s - _MARGIN_S, PIECE_S + 2 * _MARGIN_S
        high = _slice(mix, first_s * rate_hz, length_s * rate_hz)
        low = _slice(difference, first_s * RATE_HZ, length_s * RATE_HZ)
        low = scipy.signal.resample_poly(low, rate_hz, RATE_HZ).astype(np.float32)
        made = np.asarray(_placed(high, low, rate_hz))[margin : margin + piece]
        yield made[: len(mix) - start_s * rate_hz]


def _slice(wav: np.ndarray, start: int, length: int) -> Float32[np.ndarray, "n"]:
    """Samples from `start` on, silence where there are none."""
    found = np.asarray(wav[max(start, 0) : max(start + length, 0)], np.float32)
    before = min(max(-start, 0), length)
    return np.pad(found, (before, length - before - len(found)))


@functools.partial(jax.jit, static_argnums=2)
def _placed(mix: Float[Array, "n"], low: Float[Array, "n"], rate_hz: int) -> Float[Array, "n"]:
    spec = StftSpec(2 * round(0.016 * rate_hz), round(0.01 * rate_hz))
    hz = np.arange(spec.n_bins) * rate_hz / spec.n_fft
    predicted = np.interp(hz, CROSSOVER_HZ, (1.0, 0.0)).astype(np.float32)[:, None]
    heard, told = stft(mix, spec), stft(low, spec)
    band = slice(*np.searchsorted(hz, BAND_HZ))
    lean = _lean(heard[band], told[band])
    return istft(predicted * told + (1 - predicted) * lean * heard, spec, length=mix.shape[0])


def _lean(mix: Array, difference: Array) -> Float[Array, "t"]:
    """(left - right) / (left + right) of the levels of a band over time, in [-1, 1]; 0 in silence."""
    taps = np.hanning(_SMOOTHING + 2)[1:-1]
    levels = []
    for ear in (mix + difference, mix - difference):
        power = jnp.sum(jnp.square(jnp.abs(ear)), axis=0)
        levels.append(jnp.sqrt(jnp.convolve(power, jnp.asarray(taps, power.dtype), mode="same")))
    left, right = levels
    return (left - right) / jnp.maximum(left + right, 1e-9)


def split_exactly(mix: Float[np.ndarray, "n"], difference: Float[np.ndarray, "n"]) -> Int32[np.ndarray, "n 2"]:
    """Splits a mono sound into left and right of 24 bits that add up to it exactly.

    Args:
      mix: the mono sound in [-1, 1], which is the sum of both; louder samples are clipped.
      difference: left minus right. It is reduced where a channel would go beyond full scale.

    Returns:
      Samples from -2**23 to 2**23 - 1, left and right. Their sum is `mix` rounded to 24 bits.
    """
    most = _FULL_SCALE - 1
    whole = np.clip(np.round(np.asarray(mix, np.float64) * _FULL_SCALE), -most, most).astype(np.int64)
    room = 2 * most - np.abs(whole)
    wanted = np.clip(np.round(np.asarray(difference, np.float64) * _FULL_SCALE), -room, room).astype(np.int64)
    left = (whole + wanted) // 2
    return np.stack([left, whole - left], axis=1).astype(np.int32)

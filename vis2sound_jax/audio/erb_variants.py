"""Cochleagrams as two other programs make them: that of the authors of Visually Indicated Sounds, and chcochleagram.

Features that were stored by these programs are not those of `erb.cochleagram`; these functions make the same ones.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal
from jaxtyping import Array, Float

from vis2sound_jax.audio import erb
from vis2sound_jax.audio.resample import fft_resample
from vis2sound_jax.errors import UserError

OWENS = erb.ErbSpec(rate_hz=20000, compress_first=True)
_MULTIPLE = 100  # sounds are cut to a multiple of so many samples
_TAPS, _KAISER_BETA = 1001, 5.0


def owens_cochleagram(
    wav: Float[Array, "n"], rate_hz: int, spec: erb.ErbSpec = OWENS, *, num_samples: int | None = None
) -> Float[Array, "c t"]:
    """Computes the subband envelopes of the authors' code.

    The sound is cut, brought to the rate of the filterbank and cut again to whole envelope steps. Envelopes are
    compressed before their rate is lowered, both times by FFT; what leaves [-1, 1] is clipped.

    Args:
      wav: the sound, in [-1, 1].
      rate_hz: its rate.
      spec: the filterbank at the authors' rate of 20 kHz.
      num_samples: steps wanted; without it they follow from the cuts, and half a second gives 44 or 45.

    Returns:
      Compressed envelopes in [-1, 1], low to high channel; the FFT may overshoot below 0.

    Raises:
      UserError: if the sound is too short for one step.
    """
    resampled, steps = owens_lengths(wav.shape[0], rate_hz, spec)
    cut = _cut(wav.shape[0], rate_hz, spec.rate_hz)
    per_step = math.floor(spec.rate_hz / spec.envelope_hz)
    if cut < 1 or steps < 1:
        raise UserError(
            f"a sound of {wav.shape[0]} samples at {rate_hz} Hz is too short for one step of {per_step} samples at "
            f"{spec.rate_hz} Hz; choose a longer sound"
        )
    signal = jnp.clip(fft_resample(wav[:cut], _round(cut * spec.rate_hz / rate_hz)), -1, 1)[:resampled]
    found = erb.compress(erb.envelopes(signal, spec), spec)
    return jnp.clip(fft_resample(found, steps if num_samples is None else num_samples), -1, 1)


def owens_lengths(n: int, rate_hz: int, spec: erb.ErbSpec = OWENS) -> tuple[int, int]:
    """Returns how many samples at the filterbank's rate, and how many steps, `owens_cochleagram` keeps of n samples.

    Args:
      n: samples of the sound.
      rate_hz: its rate.
      spec: the filterbank at the authors' rate of 20 kHz.
    """
    per_step = math.floor(spec.rate_hz / spec.envelope_hz)
    resampled = _round(_cut(n, rate_hz, spec.rate_hz) * spec.rate_hz / rate_hz) // per_step * per_step
    return resampled, _round(resampled * float(spec.envelope_hz) / spec.rate_hz)


def ch_cochleagram(wav: Float[Array, "n"], spec: erb.ErbSpec) -> Float[Array, "c t"]:
    """Computes what chcochleagram does with its sinc and Kaiser window and padding to "same" length.

    Its envelopes are half as high, since it does not double the positive frequencies, and the window that lowers
    the rate has 1001 taps, sits half a tap off its centre and is not normalised.

    Args:
      wav: the sound, of even length.
      spec: the filterbank; the envelope rate must divide the rate of the sound.

    Returns:
      Compressed envelopes, low to high channel.

    Raises:
      UserError: if the length is odd or the factor of the rates is not whole.
    """
    n = wav.shape[0]
    if n % 2:
        raise UserError(f"chcochleagram computes sounds of even length, not of {n} samples; leave one sample out")
    if spec.ratio.numerator != 1:
        raise UserError(
            f"chcochleagram divides the rate by whole numbers, not {spec.rate_hz} by {spec.envelope_hz} Hz; "
            "choose an envelope rate that divides the rate of the sound"
        )
    filters = jnp.asarray(erb.erb_filters(spec, n), wav.dtype)
    envelope = jnp.abs(jnp.fft.ifft(filters * jnp.fft.rfft(wav), n, axis=-1))
    step = spec.ratio.denominator
    missing = max(0, (-(-n // step) - 1) * step + _TAPS - n)
    padded = jnp.pad(envelope, ((0, 0), (missing // 2, missing - missing // 2)))
    return erb.compress(jnp.maximum(_strided(padded, _ch_taps(step), step), 0), spec)


def _ch_taps(step: int) -> np.ndarray:
    at = np.arange(_TAPS) - _TAPS / 2  # the first tap lies half a sample further out than the last
    return np.sinc(at / step) / step * scipy.signal.windows.kaiser(_TAPS, _KAISER_BETA)


def _strided(x: Array, taps: np.ndarray, step: int) -> Array:
    """Inner products of the taps with every `step`-th window of each row."""
    kernel = jnp.asarray(taps, x.dtype)[None, None]
    return jax.lax.conv_general_dilated(x[:, None], kernel, (step,), "VALID")[:, 0]


def _cut(n: int, rate_hz: int, new_hz: int) -> int:
    factor = new_hz / rate_hz
    return int(int(n / factor) * factor) // _MULTIPLE * _MULTIPLE


def _round(x: float) -> int:
    """Halves go up, as in the Python of the authors."""
    return math.floor(x + 0.5)

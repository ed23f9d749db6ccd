"""Cochleagrams: what the ear's filters pass, as envelopes over time (Owens et al. 2016, section 4).

Half-cosine filters, equally spaced on the ERB scale of Glasberg and Moore (1990) as in McDermott and Simoncelli
(2011). The squares of all filters sum to one at every frequency, so filtering twice and adding gives the sound
back. Filters have no phase and act on the whole clip at once: its end runs into its beginning.
"""

import functools
from dataclasses import dataclass
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64

from vis2sound_jax.audio.resample import output_length, resample_poly
from vis2sound_jax.errors import UserError

_EAR_Q, _MIN_BANDWIDTH = 9.265, 24.7  # Glasberg and Moore 1990


@dataclass(frozen=True)
class ErbSpec:
    """How to compute a cochleagram; the defaults are those of Visually Indicated Sounds.

    Attributes:
      rate_hz: sample rate of the sound.
      bands: band-pass filters at `sample_factor` 1.
      low_hz: lower end of the lowest band.
      high_hz: upper end of the highest band, at most half the rate.
      sample_factor: overlap; 2 doubles the number of bands.
      envelope_hz: rate of the envelopes, a number or a fraction such as `Fraction(3 * 30000, 1001)`.
      power: compression of the envelopes.
      compress_first: compress before the rate is lowered, as the authors' code does; their Eq. 1 reads the
        other way round.
    """

    rate_hz: int = 22050
    bands: int = 40
    low_hz: float = 20.0
    high_hz: float = 10000.0
    sample_factor: int = 1
    envelope_hz: int | Fraction = 90
    power: float = 0.3
    compress_first: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.low_hz < self.high_hz <= self.rate_hz / 2:
            raise UserError(
                f"a filterbank from {self.low_hz:g} to {self.high_hz:g} Hz does not fit a rate of {self.rate_hz} Hz; "
                f"choose limits between 0 and {self.rate_hz / 2:g} Hz"
            )

    @property
    def channels(self) -> int:
        """All filters: low-pass, bands and high-pass; 42 by default."""
        return self.inner + 2 * self.sample_factor

    @property
    def inner(self) -> int:
        """Band-pass filters."""
        return self.sample_factor * (self.bands + 1) - 1

    @property
    def ratio(self) -> Fraction:
        """Envelope rate over sample rate."""
        return Fraction(self.envelope_hz) / self.rate_hz

    def frames_for(self, n: int) -> int:
        """Returns the envelope samples of n samples of sound."""
        return output_length(n, self.ratio.numerator, self.ratio.denominator)


def hz_to_erb(hz: Float64[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
    """Maps frequencies to the ERB scale (number of ear filters below)."""
    return _EAR_Q * np.log(1 + hz / (_EAR_Q * _MIN_BANDWIDTH))


def erb_to_hz(erb: Float64[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
    """Inverse of `hz_to_erb`."""
    return _EAR_Q * _MIN_BANDWIDTH * (np.exp(erb / _EAR_Q) - 1)


def centre_frequencies(spec: ErbSpec) -> Float64[np.ndarray, "c"]:
    """Returns the centre of every channel in Hz, the low-pass and high-pass ones on the same spacing."""
    low, step = _grid(spec)
    return erb_to_hz(low + step * (np.arange(spec.channels) - spec.sample_factor + 1))


def _grid(spec: ErbSpec) -> tuple[float, float]:
    low, high = hz_to_erb(np.array([spec.low_hz, spec.high_hz], np.float64))
    return float(low), float((high - low) / (spec.inner + 1))


@functools.lru_cache(maxsize=16)
def erb_filters(spec: ErbSpec, n: int) -> Float64[np.ndarray, "c f"]:
    """Builds the responses of all filters at the frequencies of a real FFT.

    Args:
      spec: the filterbank.
      n: samples of the sound, even or odd.

    Returns:
      [channels, n // 2 + 1], low to high; their squares sum to 1 over the channels.
    """
    places = hz_to_erb(np.fft.rfftfreq(n, 1 / spec.rate_hz))
    filters = np.stack([filter_response(spec, channel, places) for channel in range(spec.channels)])
    filters.flags.writeable = False
    return filters


def filter_response(spec: ErbSpec, channel: int, places: Float64[np.ndarray, "f"]) -> Float64[np.ndarray, "f"]:
    """Returns the response of one filter, in [0, 1], at places on the ERB scale.

    Args:
      spec: the filterbank.
      channel: which filter, low to high, from 0.
      places: where, on the ERB scale (`hz_to_erb`).
    """
    s = spec.sample_factor
    low, step = _grid(spec)
    is_low, is_high = channel < s, channel >= s + spec.inner
    # A low-pass or high-pass filter takes what the band it belongs to leaves.
    band = channel if is_low else channel - 2 * s if is_high else channel - s
    away = places - (low + step * (band + 1))
    found = np.where(np.abs(away) < s * step, np.cos(np.pi * away / (2 * s * step)), 0.0)
    if is_low or is_high:
        found = np.where(away < 0 if is_low else away > 0, np.sqrt(np.maximum(1 - found**2, 0)), 0.0)
    return found / np.sqrt(s)


def filter_support(spec: ErbSpec, channel: int) -> tuple[float, float]:
    """Returns the ends, on the ERB scale, outside which a filter is 0.

    Args:
      spec: the filterbank.
      channel: which filter, low to high, from 0.
    """
    low, step = _grid(spec)
    s, top = spec.sample_factor, float(hz_to_erb(np.array([spec.rate_hz / 2]))[0])
    if channel < s:
        return 0.0, low + step * (channel + 1)
    if channel >= s + spec.inner:
        return low + step * (channel - 2 * s + 1), top
    centre = low + step * (channel - s + 1)
    return max(0.0, centre - s * step), min(top, centre + s * step)


def subbands(wav: Float[Array, "n"], spec: ErbSpec) -> Float[Array, "c n"]:
    """Splits a sound into the channels of a filterbank.

    Args:
      wav: the sound.
      spec: the filterbank.

    Returns:
      One signal a channel; filtered once more and added they are the sound again (`collapse`).
    """
    n = wav.shape[0]
    return jnp.fft.irfft(_filters(spec, n, wav) * jnp.fft.rfft(wav), n)


def collapse(bands: Float[Array, "c n"], spec: ErbSpec) -> Float[Array, "n"]:
    """Filters each channel once more and adds them up.

    Args:
      bands: one signal a channel, low to high, as `subbands` gives them.
      spec: the filterbank.
    """
    n = bands.shape[-1]
    return jnp.fft.irfft((_filters(spec, n, bands) * jnp.fft.rfft(bands)).sum(0), n)


def envelopes(wav: Float[Array, "n"], spec: ErbSpec) -> Float[Array, "c n"]:
    """Returns the Hilbert envelope of every channel at the rate of the sound, >= 0.

    Args:
      wav: the sound.
      spec: the filterbank.
    """
    return jnp.abs(_analytic(wav, spec))


def cochleagram(wav: Float[Array, "n"], spec: ErbSpec) -> Float[Array, "c t"]:
    """Computes a cochleagram (Owens et al. 2016, Eq. 1).

    Args:
      wav: the sound.
      spec: filterbank, envelope rate and compression.

    Returns:
      Compressed envelopes, low to high channel, t = `spec.frames_for(n)`.
    """
    found = envelopes(wav, spec)
    if spec.compress_first:
        return jnp.maximum(lower_rate(compress(found, spec), spec), 0)
    return compress(lower_rate(found, spec), spec)


def lower_rate(envelope: Float[Array, "c n"], spec: ErbSpec) -> Float[Array, "c t"]:
    """Brings envelopes to `spec.envelope_hz`; what the filter makes negative becomes 0.

    Args:
      envelope: envelopes at the rate of the sound, `spec.rate_hz`.
      spec: filterbank and envelope rate.

    Returns:
      Envelopes >= 0, t = ceil(n * `spec.ratio`).
    """
    up, down = spec.ratio.numerator, spec.ratio.denominator
    return jnp.maximum(jax.lax.map(lambda row: resample_poly(row, up, down), envelope), 0)


def compress(envelope: Float[Array, "..."], spec: ErbSpec) -> Float[Array, "..."]:
    """Raises envelopes to `spec.power`; the gradient at silence, infinite in truth, is 0 here.

    Args:
      envelope: any values; those below 0 count as 0.
      spec: gives the power.
    """
    heard = envelope > 0
    return jnp.where(heard, jnp.where(heard, envelope, 1.0) ** spec.power, 0.0)


def impose(
    target: Float[Array, "c t"], noise: Float[Array, "n"], spec: ErbSpec, *, iterations: int = 1
) -> Float[Array, "n"]:
    """Makes a sound with given envelopes from noise (Owens et al. 2016, section 5.2, parametric synthesis).

    Args:
      target: a cochleagram; what lies below 0 counts as 0.
      noise: where the phases come from; its length is that of the sound.
      spec: as the cochleagram was computed, `compress_first` False.
      iterations: rounds; each begins with the phases of the sound before.

    Returns:
      The sound, as long as the noise.
    """
    n = noise.shape[0]
    up, down = spec.ratio.denominator, spec.ratio.numerator
    linear = jnp.maximum(target, 0) ** (1 / spec.power)
    wanted = jax.lax.map(lambda row: jnp.maximum(resample_poly(row, up, down), 0), linear)[:, :n]
    wanted = jnp.pad(wanted, ((0, 0), (0, n - wanted.shape[1])))

    def once(_: Array, wav: Array) -> Array:
        carrier = _analytic(wav, spec)
        size = jnp.abs(carrier)
        phase = jnp.where(size > 0, carrier.real / jnp.where(size > 0, size, 1.0), 1.0)
        return collapse(phase * wanted, spec)

    return jax.lax.fori_loop(0, iterations, once, noise)


def _filters(spec: ErbSpec, n: int, like: Array) -> Array:
    return jnp.asarray(erb_filters(spec, n), like.dtype)


def _analytic(wav: Float[Array, "n"], spec: ErbSpec) -> Array:
    """Channels without their negative frequencies, [c, n] complex."""
    n = wav.shape[0]
    half = _filters(spec, n, wav) * jnp.fft.rfft(wav)
    twice = np.full(half.shape[1], 2.0)
    twice[0] = 1.0
    if n % 2 == 0:
        twice[-1] = 1.0
    return jnp.fft.ifft(half * jnp.asarray(twice, wav.dtype), n, axis=-1)

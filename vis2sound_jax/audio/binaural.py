"""How 2.5D Visual Sound cuts, transforms and puts together sound (Gao & Grauman 2019, section 3.1).

The network hears the sum X of left and right and predicts a mask for its spectrum; the product is the spectrum of the
difference D. Left is (X + D) / 2 and right (X - D) / 2, so their sum is X whatever the mask. Sound is at `RATE_HZ`.
Left is channel 0.

With `compat=True` a difference is made as the reference made it: it inverted 256 of 257 rows as if they were those of a
shorter transform, which shifts phases away from the middle of each frame and costs up to 13 dB of signal at 4-7.5 kHz.
The reference also took the level of the true stereo pair, which tells how large the difference is; here that is the
argument `rms`, which nobody has who has only a mono sound.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from vis2sound_jax.audio.stft import StftSpec, istft, stft

RATE_HZ = 16000
"""Samples a second of all that the network hears."""

WINDOW = 10080
"""Samples of a window, 0.63 s, which are 64 frames of the spectrum."""

HOP = 800
"""Samples from one window to the next, 0.05 s."""

SPEC = StftSpec(512, 160, 400)
"""25 ms under a periodic Hann window, every 10 ms, ends reflected; 257 rows."""

LEVEL = 0.1
"""Root mean square to which a window is brought before the network hears it."""

_COMPAT_SPEC = StftSpec(510, 160, 400)
_SILENCE = 1e-4  # what is softer is not brought to the level

Masks = Callable[[Float[Array, "b f t 2"]], Float[Array, "b g t 2"]]
"""A network that hears: spectra as pairs to masks as pairs, which may have fewer rows."""


def as_pairs(spectrum: Complex[Array, "*b"]) -> Float[Array, "*b 2"]:
    """Writes complex numbers as pairs of real and imaginary part, for a network."""
    return jnp.stack([spectrum.real, spectrum.imag], axis=-1)


def as_complex(pairs: Float[Array, "*b 2"]) -> Complex[Array, "*b"]:
    """Reads pairs of real and imaginary part as complex numbers."""
    return jax.lax.complex(pairs[..., 0], pairs[..., 1])


def rms_of(wav: Float[Array, "*b n"]) -> Float[Array, "*b"]:
    """Root mean square of each sound."""
    return jnp.sqrt(jnp.mean(jnp.square(wav), axis=-1))


def stereo_rms(ears: Float[Array, "*b 2 n"]) -> Float[Array, "*b"]:
    """Root mean square of both channels together: the level by which the reference normalises."""
    return jnp.sqrt(jnp.mean(jnp.square(ears), axis=(-2, -1)))


def gain_of(rms: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """The factor that brings a sound of this root mean square to `LEVEL`; silence is not raised beyond 1000."""
    return LEVEL / jnp.maximum(rms, _SILENCE)


def sum_and_difference(ears: Float[Array, "*b 2 n"]) -> tuple[Float[Array, "*b n"], Float[Array, "*b n"]]:
    """Adds and subtracts the two channels."""
    left, right = ears[..., 0, :], ears[..., 1, :]
    return left + right, left - right


def ears_of(mix: Float[Array, "*b n"], difference: Float[Array, "*b n"]) -> Float[Array, "*b 2 n"]:
    """Makes left and right of their sum and difference.

    Args:
      mix: left plus right.
      difference: left minus right.
    """
    return jnp.stack([mix + difference, mix - difference], axis=-2) / 2


def difference_wav(spectrum: Complex[Array, "*b f t"], length: int, *, compat: bool = False) -> Float[Array, "*b n"]:
    """Inverts the spectrum of a difference, whose last row may be missing.

    Args:
      spectrum: 257 rows, or the 256 below half the rate.
      length: samples wanted.
      compat: as the reference did it; see the module.
    """
    if compat:
        return istft(spectrum[..., : _COMPAT_SPEC.n_bins, :], _COMPAT_SPEC, length=length)
    missing = SPEC.n_bins - spectrum.shape[-2]
    lead = [(0, 0)] * (spectrum.ndim - 2)
    return istft(jnp.pad(spectrum, [*lead, (0, missing), (0, 0)]), SPEC, length=length)


def differences(
    mix: Float[Array, "b n"], masks: Masks, rms: Float[Array, "b"] | None = None, *, compat: bool = False
) -> Float[Array, "b n"]:
    """Predicts the difference of windows of sound. To be compiled for batches of one shape.

    Args:
      mix: sum of left and right; for a mono sound twice the sound.
      masks: the network that hears, told what is seen.
      rms: level by which each window is normalised; by default that of mix / 2, which is known without the truth.
      compat: invert as the reference did; see the module.

    Returns:
      Left minus right, at the level of `mix`.
    """
    gain = gain_of(rms_of(mix / 2) if rms is None else rms)[:, None]
    spectrum = stft(mix * gain, SPEC)
    mask = as_complex(masks(as_pairs(spectrum)))
    made = mask * spectrum[:, : mask.shape[1]]
    return difference_wav(made, mix.shape[-1], compat=compat) / gain


def oracle_mask(
    mix: Complex[Array, "*b f t"], difference: Complex[Array, "*b f t"], limit: float = 1.0
) -> Complex[Array, "*b f t"]:
    """The mask that a network with a bounded mask would have to find: both parts clipped to the bound.

    Args:
      mix: spectrum of the sum.
      difference: spectrum of the difference.
      limit: bound of real and imaginary part.
    """
    power = jnp.square(jnp.abs(mix))
    mask = difference * jnp.conj(mix) / jnp.maximum(power, 1e-20)
    return jax.lax.complex(jnp.clip(mask.real, -limit, limit), jnp.clip(mask.imag, -limit, limit))


def frame_of(start: int, fps: float, frames: int) -> int:
    """The picture that a window is seen with: the one shown in the middle of the window.

    Args:
      start: first sample of the window.
      fps: pictures a second; the reference's are 10.
      frames: of the film, >= 1.

    Returns:
      Its index from 0; the reference counts from 1.
    """
    # A whole number of pictures must not become the one before by rounding.
    place = math.floor((start + WINDOW / 2) / RATE_HZ * fps + 1e-6)
    return min(max(place, 0), frames - 1)

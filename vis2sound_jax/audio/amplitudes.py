"""Spectrograms as AutoFoley predicts them: linear amplitudes or their logarithms, and back to sound."""

import functools
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, PRNGKeyArray

from vis2sound_jax.audio.mel import MelSpec
from vis2sound_jax.audio.stft import istft, stft
from vis2sound_jax.audio.synthesis import griffin_lim
from vis2sound_jax.errors import UserError

DOMAINS = ("log1p", "linear")


@dataclass(frozen=True)
class AmplitudeSpec:
    """How sound becomes a spectrogram; the paper's sizes are 44,100 Hz, 1,024 and 256, linear.

    Attributes:
      rate_hz: sample rate.
      n_fft: samples of a transform and of its Hann window.
      hop: samples from one column to the next.
      domain: "log1p", log(1 + gain |X|), or "linear", |X|.
      gain: see `domain`.

    Raises:
      UserError: for an unknown domain.
    """

    rate_hz: int = 16000
    n_fft: int = 512
    hop: int = 160
    domain: Literal["log1p", "linear"] = "log1p"
    gain: float = 10.0

    def __post_init__(self) -> None:
        """Refuses an unknown domain."""
        if self.domain not in DOMAINS:
            raise UserError(f"sound.domain is {self.domain!r}; choose one of {', '.join(DOMAINS)}")

    @property
    def transform(self) -> MelSpec:
        """The transform; its mel bands are not used."""
        high_hz = self.rate_hz / 2
        return MelSpec(self.rate_hz, self.n_fft, self.hop, 1, 0.0, high_hz, pad_mode="constant")

    @property
    def bins(self) -> int:
        """Bins of a column."""
        return self.n_fft // 2 + 1


@functools.partial(jax.jit, static_argnames="spec")
def amplitudes(wav: Float[Array, "n"], spec: AmplitudeSpec) -> Float[Array, "k f"]:
    """Computes the spectrogram of a sound; column k is centred on sample k * hop.

    Args:
      wav: the sound.
      spec: how.

    Returns:
      k = n // hop columns; the one centred on the very end is left out.
    """
    size = jnp.abs(stft(wav, spec.transform.stft)).T[: wav.shape[-1] // spec.hop]
    return jnp.log1p(spec.gain * size) if spec.domain == "log1p" else size


def magnitude(rows: Float[Array, "... k f"], spec: AmplitudeSpec) -> Float[Array, "... k f"]:
    """Undoes the domain; what is below silence is silence.

    Args:
      rows: as `amplitudes` makes them, or predicted.
      spec: how they were made.
    """
    size = jnp.expm1(rows) / spec.gain if spec.domain == "log1p" else jnp.abs(rows)
    return jnp.maximum(size, 0)


@functools.partial(jax.jit, static_argnames=("spec", "iterations"))
def sound_of(
    rows: Float[Array, "k f"], spec: AmplitudeSpec, key: PRNGKeyArray, *, iterations: int = 60
) -> Float[Array, "n"]:
    """Sounds a spectrogram by Griffin-Lim, from random phases.

    Args:
      rows: as `amplitudes` makes them, or predicted; at least 2.
      spec: how they were made.
      key: random key of the phases.
      iterations: rounds; the paper has 60.

    Returns:
      n = k * hop samples, not clipped.
    """
    size = magnitude(rows, spec).T
    # One more column, so that the last one is no edge.
    size = jnp.concatenate([size, size[:, -1:]], axis=1)
    return griffin_lim(size, spec.transform, key, iterations=iterations, length=rows.shape[0] * spec.hop)


@functools.partial(jax.jit, static_argnames="spec")
def sound_with_phase(rows: Float[Array, "k f"], other: Float[Array, "n"], spec: AmplitudeSpec) -> Float[Array, "n"]:
    """Sounds a spectrogram with the phases of another sound, such as the nearest clip's.

    Args:
      rows: as `amplitudes` makes them, or predicted.
      other: whose phases are taken; n = k * hop.
      spec: how the rows were made.

    Returns:
      As many samples as `other` has, not clipped.
    """
    heard: Complex[Array, "f t"] = stft(other, spec.transform.stft)
    size = magnitude(rows, spec).T
    size = jnp.pad(size, ((0, 0), (0, heard.shape[1] - size.shape[1])), mode="edge")
    phase = heard / jnp.maximum(jnp.abs(heard), 1e-12)
    return istft(size * phase, spec.transform.stft, length=other.shape[-1])

"""From log-mel images back to waveforms: Griffin-Lim, and the seam a learned vocoder fits into."""

import functools
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from vis2sound_jax.audio.mel import MelSpec, magnitude_from_mel, mel_to_linear
from vis2sound_jax.audio.stft import istft, stft
from vis2sound_jax.errors import UserError

# Levels this close to the floor fade to silence, in decibels.
_KNEE_DB = 3.0
_TINY = 1e-16


class Vocoder(Protocol):
    """Anything that sounds a log-mel image."""

    def __call__(self, logmel: Float[Array, "b f t"], key: Array) -> Float[Array, "b n"]:
        """Returns waveforms in [-1, 1] of n = t * hop samples for images in [0, 1].

        Args:
          logmel: images as `mel.log_mel` makes them.
          key: random key; a deterministic vocoder leaves it unused.
        """
        ...


@dataclass(frozen=True)
class GriffinLim:
    """The vocoder that needs no training.

    Attributes:
      spec: the log-mel's bands and levels.
      iterations: projections; 60 is where the gain flattens.
      momentum: acceleration, 0 (plain Griffin-Lim) up to below 1.
    """

    spec: MelSpec
    iterations: int = 60
    momentum: float = 0.99

    def __call__(self, logmel: Float[Array, "b f t"], key: Array) -> Float[Array, "b n"]:
        """See `Vocoder`."""
        return wav_from_log_mel(
            logmel,
            self.spec,
            key,
            iterations=self.iterations,
            momentum=self.momentum,
            length=self.spec.samples_for(logmel.shape[-1]),
        )


@functools.partial(jax.jit, static_argnames=("spec", "iterations", "length"))
def griffin_lim(
    magnitude: Float[Array, "... bins t"],
    spec: MelSpec,
    key: PRNGKeyArray,
    *,
    iterations: int = 60,
    momentum: float = 0.99,
    length: int | None = None,
) -> Float[Array, "... n"]:
    """Waveform whose STFT magnitude comes near the given one.

    Fast Griffin-Lim (Perraudin, Balazs & Søndergaard 2013): from random phases, the spectrum is
    projected in turn on those that a waveform has and on those of the wanted magnitude, and each
    projection is pushed further along its last step.

    Args:
      magnitude: nonnegative; leading dimensions are batch, each with its own random phases.
      spec: whose transform the magnitude is of.
      key: random key of the first phases.
      iterations: projections.
      momentum: acceleration, 0 up to below 1.
      length: samples to return; None means the span (t - 1) * hop between the outer frames.

    Returns:
      The waveform, at the magnitude's own level (not clipped).

    Raises:
      UserError: for fewer than two frames, which span no time.
    """
    transform = spec.stft
    t = magnitude.shape[-1]
    if t < 2:
        raise UserError(f"magnitude has {t} frames, but Griffin-Lim needs at least 2; use a longer clip")
    span = (t - 1) * spec.hop

    def project(_: int, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        phases, previous = carry
        heard = stft(istft(magnitude * phases, transform, length=span), transform)
        pushed = heard - (momentum / (1 + momentum)) * previous
        return pushed / jnp.maximum(jnp.abs(pushed), _TINY), heard

    turns = jax.random.uniform(key, magnitude.shape, magnitude.dtype, maxval=2 * jnp.pi)
    phases = jax.lax.complex(jnp.cos(turns), jnp.sin(turns))
    phases, _ = jax.lax.fori_loop(0, iterations, project, (phases, jnp.zeros_like(phases)))
    return istft(magnitude * phases, transform, length=span if length is None else length)


@functools.partial(jax.jit, static_argnames=("spec", "iterations", "length"))
def wav_from_log_mel(
    logmel: Float[Array, "... f t"],
    spec: MelSpec,
    key: PRNGKeyArray,
    *,
    iterations: int = 60,
    momentum: float = 0.99,
    length: int | None = None,
) -> Float[Array, "... n"]:
    """Waveform of a log-mel image: bands to bins, then Griffin-Lim.

    What lies at the floor was silenced by the clip at the floor, not measured there, so it becomes
    silence; a noise carpet at the floor's level would be audible wherever the floor is high.

    Args:
      logmel: in [0, 1], as `mel.log_mel` makes it; values outside are clipped.
      spec: its bands and levels.
      key: random key of the first phases.
      iterations: projections.
      momentum: acceleration, 0 up to below 1.
      length: samples to return; None means (t - 1) * hop.

    Returns:
      The waveform, clipped to [-1, 1].
    """
    logmel = jnp.clip(logmel, 0, 1)
    mel = mel_to_linear(logmel, spec) * _gate(logmel, spec)
    magnitude = magnitude_from_mel(mel, spec)
    wav = griffin_lim(magnitude, spec, key, iterations=iterations, momentum=momentum, length=length)
    return jnp.clip(wav, -1, 1)


def _gate(logmel: Float[Array, "... f t"], spec: MelSpec) -> Float[Array, "... f t"]:
    """0 at the floor, 1 from the knee upwards, smooth between (cubic smoothstep)."""
    rise = jnp.clip(logmel * ((spec.top_db - spec.floor_db) / _KNEE_DB), 0, 1)
    return rise * rise * (3 - 2 * rise)

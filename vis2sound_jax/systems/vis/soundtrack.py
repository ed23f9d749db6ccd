"""From a predicted cochleagram to a soundtrack: envelopes imposed on noise, or training sounds pasted at its peaks."""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.audio.colouring import Colouring, colour
from vis2sound_jax.audio.erb import ErbSpec, impose
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.data.impacts import STEPS
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.retrieval.nearest import HIT_OFFSET, HIT_STEPS, windows_at
from vis2sound_jax.retrieval.paste import paste_exemplars
from vis2sound_jax.systems.vis.sounds import ONE_THREAD

_PAD_S = 5.0
"""Films are extended to a multiple of this, so that few lengths are compiled."""


class Soundtrack(NamedTuple):
    """A soundtrack and how it came about.

    Attributes:
      wav: [n] in [-1, 1].
      peak_s: [k] times of the predicted impacts in seconds.
      height: [k] amplitude of each, the confidence of the detection.
      exemplars: [k] index of the exemplar pasted; empty for a parametric soundtrack.
    """

    wav: np.ndarray
    peak_s: np.ndarray
    height: np.ndarray
    exemplars: np.ndarray


def parametric(features: np.ndarray, spec: ErbSpec, length: int, *, iterations: int, seed: int) -> np.ndarray:
    """Imposes predicted envelopes on noise (Owens et al. 2016, section 5.2).

    Args:
      features: compressed envelopes [t, c].
      spec: as cochleagrams are computed.
      length: samples wanted.
      iterations: rounds; the paper makes one.
      seed: of the noise.

    Returns:
      The sound, clipped to [-1, 1].
    """
    padded = round(math.ceil(length / spec.rate_hz / _PAD_S) * _PAD_S * spec.rate_hz)
    target = np.zeros((spec.frames_for(padded), features.shape[1]), np.float32)
    kept = min(len(target), len(features))
    target[:kept] = features[:kept]
    noise = np.random.default_rng(seed).normal(size=padded).astype(np.float32)
    wav = _impose(jnp.asarray(target.T), jnp.asarray(noise), spec, iterations)
    return np.clip(np.asarray(wav)[:length], -1, 1)


@functools.partial(jax.jit, static_argnums=(2, 3), compiler_options=ONE_THREAD)
def _impose(target: Any, noise: Any, spec: ErbSpec, iterations: int) -> jax.Array:
    return impose(target, noise, spec, iterations=iterations)


def predicted_impacts(features: np.ndarray, spec: ErbSpec, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Detects impacts as the paper does: peaks of the amplitude of the parametric sound (section 6.2).

    Args:
      features: compressed envelopes [t, c] of a whole film.
      spec: as cochleagrams are computed.
      seed: of the noise.

    Returns:
      Times in seconds and amplitudes.
    """
    length = round(len(features) / float(spec.envelope_hz) * spec.rate_hz)
    return amplitude_peaks(parametric(features, spec, length, iterations=1, seed=seed), spec.rate_hz)


def exemplar_soundtrack(
    features: np.ndarray,
    spec: ErbSpec,
    bank: ExemplarBank,
    length: int,
    *,
    least: float,
    candidates: np.ndarray | None = None,
    colouring: Colouring | None = None,
) -> Soundtrack:
    """Copies for every predicted impact the training sound whose cochleagram is nearest (section 5.2, A1.1).

    Args:
      features: compressed envelopes [t, c] of a whole film.
      spec: as cochleagrams are computed.
      bank: the training sounds.
      length: samples wanted.
      least: amplitude from which a peak is an impact.
      candidates: which exemplars may be copied; all by default.
      colouring: gives predictions the statistics of real impacts before they are compared.

    Returns:
      The soundtrack.
    """
    times, heights = predicted_impacts(features, spec)
    kept = heights >= least
    times, heights = times[kept], heights[kept]
    if not len(times):
        return Soundtrack(np.zeros(length, np.float32), times, heights, np.zeros(0, int))
    at = np.round(times * float(spec.envelope_hz)).astype(int)
    wanted = windows_at(features, at, before=STEPS, steps=HIT_STEPS)
    wanted = wanted if colouring is None else colour(wanted, colouring)
    found, _ = bank.nearest(wanted, offset=HIT_OFFSET, candidates=candidates)
    wavs = [bank.wav(int(k)) for k in found]
    wav = paste_exemplars(wavs, times, impact=bank.impact, rate_hz=bank.rate_hz, length=length)
    return Soundtrack(wav, times, heights, found)

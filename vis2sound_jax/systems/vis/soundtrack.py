"""From a predicted cochleagram to a soundtrack: envelopes imposed on noise, or training sounds laid at its peaks."""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Float32

from vis2sound_jax import large
from vis2sound_jax.audio.colouring import Colouring, colour
from vis2sound_jax.audio.erb import ErbSpec, impose
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.data.impacts import STEPS
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.retrieval.nearest import HIT_OFFSET, HIT_STEPS, windows_at
from vis2sound_jax.systems.vis.sounds import ONE_THREAD

_SHORT_S = 5.0
_WINDOW_S = 10.0
_OVERLAP_S = 1.0


class Soundtrack(NamedTuple):
    """A soundtrack and how it came about.

    Attributes:
      wav: [n] float32; exemplars that ring on under each other may add up to more than 1.
      peak_s: [k] times of the predicted impacts in seconds.
      height: [k] amplitude of each, the confidence of the detection.
      exemplars: [k] index of the exemplar copied; empty for a parametric soundtrack.
    """

    wav: np.ndarray
    peak_s: np.ndarray
    height: np.ndarray
    exemplars: np.ndarray


def parametric(
    features: Float32[np.ndarray, "t c"], spec: ErbSpec, length: int, *, iterations: int, seed: int
) -> Float32[np.ndarray, "n"]:
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
    rng, rate_hz, steps_hz = np.random.default_rng(seed), spec.rate_hz, float(spec.envelope_hz)
    # Two lengths are compiled: short clips, and windows of longer films.
    window = round((_SHORT_S if length <= _SHORT_S * rate_hz else _WINDOW_S) * rate_hz)
    stride, before = math.floor((_WINDOW_S - _OVERLAP_S) * steps_hz), 0
    out, noise = large.zeros((length,)), rng.normal(size=window)
    for number in range(-(-max(length - window, 0) // round(stride / steps_hz * rate_hz)) + 1):
        first, step = round(number * stride / steps_hz * rate_hz), number * stride
        # Where windows overlap they have the same noise, so that they can be faded into each other.
        noise = np.append(noise[first - before :], rng.normal(size=first - before))
        target = np.zeros((spec.frames_for(window), features.shape[1]), np.float32)
        shown = features[step : step + len(target)]
        target[: len(shown)] = shown
        sounded = _impose(jnp.asarray(target.T), jnp.asarray(noise, jnp.float32), spec, iterations)
        wav = np.clip(np.asarray(sounded)[: length - first], -1, 1)
        if number:
            seam = min(before + window - first, len(wav))
            rise = (np.arange(seam, dtype=np.float32) + 0.5) / (before + window - first)
            wav[:seam] = out[first : first + seam] * (1 - rise) + wav[:seam] * rise
        out[first : first + len(wav)] = wav
        large.let_go(out)
        before = first
    return out


@functools.partial(jax.jit, static_argnums=(2, 3), compiler_options=ONE_THREAD)
def _impose(target: Any, noise: Any, spec: ErbSpec, iterations: int) -> jax.Array:
    return impose(target, noise, spec, iterations=iterations)


def predicted_impacts(
    features: Float32[np.ndarray, "t c"], spec: ErbSpec, *, seed: int = 0
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
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


def impacts_above(
    features: Float32[np.ndarray, "t c"], spec: ErbSpec, least: float
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Detects the impacts that are loud enough to be heard; see `predicted_impacts`.

    Args:
      features: compressed envelopes [t, c] of a whole film.
      spec: as cochleagrams are computed.
      least: amplitude from which a peak is an impact.

    Returns:
      Times in seconds and amplitudes.
    """
    times_s, heights = predicted_impacts(features, spec)
    return times_s[heights >= least], heights[heights >= least]


def exemplar_soundtrack(
    features: Float32[np.ndarray, "t c"],
    spec: ErbSpec,
    bank: ExemplarBank,
    length: int,
    *,
    times_s: Float[np.ndarray, "k"],
    heights: Float[np.ndarray, "k"],
    candidates: Bool[np.ndarray, "k m"] | None = None,
    colouring: Colouring | None = None,
) -> Soundtrack:
    """Copies for every impact the training sound whose cochleagram is nearest to it (section 5.2, A1.1).

    Args:
      features: compressed envelopes [t, c] of a whole film.
      spec: as cochleagrams are computed.
      bank: the training sounds.
      length: samples wanted.
      times_s: [k] times of the impacts in seconds.
      heights: [k] amplitude of each.
      candidates: which exemplars may be copied; all by default.
      colouring: gives predictions the statistics of real impacts before they are compared.

    Returns:
      The soundtrack.
    """
    if not len(times_s):
        return Soundtrack(large.zeros((length,)), times_s, heights, np.zeros(0, int))
    at = np.round(times_s * float(spec.envelope_hz)).astype(int)
    wanted = windows_at(features, at, before=STEPS, steps=HIT_STEPS)
    wanted = wanted if colouring is None else colour(wanted, colouring)
    found, _ = bank.nearest(wanted, offset=HIT_OFFSET, candidates=candidates)
    return Soundtrack(bank.lay(found, times_s, length), times_s, heights, found)

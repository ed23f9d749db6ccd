"""Log-mel spectrograms as CondFoleyGen computes them, their inverse, crops and level normalisation.

The chain is magnitude STFT -> mel filters -> decibels -> [0, 1]; row 0 is the lowest band.
"""

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Float64

from vis2sound_jax import large
from vis2sound_jax.audio.reflected import reflected_part
from vis2sound_jax.audio.stft import PadMode, StftSpec, stft
from vis2sound_jax.errors import UserError

_SCALES = ("htk", "slaney")
_QUIETEST_RMS = 1e-4
# Measured on decaying modes: 20 steps bring the band amplitudes from 2.9 dB to 0.2 dB off; 100 gain nothing.
_CORRECTIONS = 20
_TINY = 1e-12


@dataclass(frozen=True)
class MelSpec:
    """How a waveform becomes a log-mel image; the defaults are CondFoleyGen's (Du et al. 2023).

    Attributes:
      rate_hz: sample rate of the waveform.
      n_fft: samples per transform and per (periodic Hann) window.
      hop: samples from one frame to the next.
      n_mels: mel bands.
      low_hz: lower edge of the first band.
      high_hz: upper edge of the last band.
      scale: "htk" for current models; "slaney" for the old codebook and the released vocoder. The
        filters have Slaney area normalisation in both.
      floor_db: level that maps to 0, decibels re amplitude 1.
      top_db: level that maps to 1.
      pad_mode: what the ends are padded with; "constant" is librosa's default since version 0.10, and
        changes the outer two frames only.

    Raises:
      UserError: for a band or level range that is empty, or an unknown scale.
    """

    rate_hz: int = 22050
    n_fft: int = 1024
    hop: int = 256
    n_mels: int = 80
    low_hz: float = 125.0
    high_hz: float = 7600.0
    scale: Literal["htk", "slaney"] = "htk"
    floor_db: float = -80.0
    top_db: float = 20.0
    pad_mode: PadMode = "reflect"

    def __post_init__(self) -> None:
        """Checks the ranges once, so that the functions need not."""
        if self.scale not in _SCALES:
            raise UserError(f"scale is {self.scale!r}, but must be one of {', '.join(_SCALES)}")
        if not 0 <= self.low_hz < self.high_hz <= self.rate_hz / 2:
            raise UserError(
                f"bands from low_hz {self.low_hz} to high_hz {self.high_hz} must lie, in this order,"
                f" within 0 to half of rate_hz ({self.rate_hz / 2})"
            )
        if self.floor_db >= self.top_db:
            raise UserError(f"floor_db is {self.floor_db}, but must be below top_db ({self.top_db})")

    @property
    def stft(self) -> StftSpec:
        """The transform underneath: centred frames, periodic Hann window."""
        return StftSpec(self.n_fft, self.hop, pad_mode=self.pad_mode)

    def frames_for(self, n: int) -> int:
        """Frames that `log_mel` makes of n samples: 1 + n // hop."""
        return self.stft.frames_for(n)

    def samples_for(self, t: int) -> int:
        """Samples that t frames stand for, one hop each: what a vocoder returns for t frames.

        `frames_for(samples_for(t))` is t + 1, because the last frame is then centred on the end.
        """
        return t * self.hop


@functools.cache
def mel_filters(spec: MelSpec) -> Float64[np.ndarray, "f bins"]:
    """Triangular mel filters with Slaney area normalisation, 2 / (upper edge - lower edge in Hz).

    HTK scale: 2595 log10(1 + f / 700). Slaney scale: 200/3 Hz a mel up to 1 kHz, then 27 mels for
    every factor of 6.4 (Auditory Toolbox, Slaney 1998).

    Returns:
      float64 [n_mels, n_fft // 2 + 1], nonnegative, read-only.

    Raises:
      UserError: when a filter is so narrow that no bin falls into it.
    """
    hz_to_mel, mel_to_hz = (_htk_from_hz, _hz_from_htk) if spec.scale == "htk" else (_slaney_from_hz, _hz_from_slaney)
    bins_hz = np.linspace(0, spec.rate_hz / 2, spec.stft.n_bins)
    low, high = hz_to_mel(np.array([spec.low_hz, spec.high_hz]))
    mels = np.linspace(float(low), float(high), spec.n_mels + 2)
    edges_hz = mel_to_hz(mels)[:, None]
    lower, centre, upper = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz - lower) / (centre - lower)
    falling = (upper - bins_hz) / (upper - centre)
    filters = np.maximum(0, np.minimum(rising, falling)) * 2 / (upper - lower)
    empty = np.flatnonzero(filters.max(axis=1) == 0)
    if empty.size:
        raise UserError(
            f"n_mels {spec.n_mels} is too many for n_fft {spec.n_fft} at {spec.rate_hz} Hz: no bin falls into"
            f" band {empty[0]}; lower n_mels or raise n_fft or low_hz"
        )
    filters.flags.writeable = False
    return filters


@functools.cache
def _mel_pseudo_inverse(spec: MelSpec) -> np.ndarray:
    return np.linalg.pinv(mel_filters(spec))


@functools.partial(jax.jit, static_argnames="spec")
def log_mel(wav: Float[Array, "... n"], spec: MelSpec) -> Float[Array, "... f t"]:
    """Log-mel image of a waveform in [0, 1].

    clip((20 log10(mel amplitude) - floor_db) / (top_db - floor_db), 0, 1), which with the defaults is
    CondFoleyGen's chain of clamp at 1e-5, 20 log10, -20, +100, / 100, clip.

    Args:
      wav: waveform in [-1, 1]; leading dimensions are batch.
      spec: bands and levels.

    Returns:
      Image with t = 1 + n // hop frames; 0 is floor_db or quieter, 1 is top_db or louder.
    """
    return _log_from_mel(_mel_from_magnitude(jnp.abs(stft(wav, spec.stft)), spec), spec)


def log_mel_of(wav: Float[np.ndarray, "n"], spec: MelSpec, *, block: int = 256) -> Float32[np.ndarray, "f t"]:
    """`log_mel` of a sound of any length: a block of frames at a time, so that one length is compiled.

    Args:
      wav: waveform in [-1, 1].
      spec: bands and levels.
      block: frames at a time.

    Returns:
      Image with t = 1 + n // hop frames.
    """
    if spec.stft.pad_mode != "reflect":
        raise ValueError(f"a log-mel in blocks is padded by reflection, not by {spec.stft.pad_mode!r}")
    wav, frames = np.asarray(wav, np.float32), spec.frames_for(len(wav))
    out, samples = np.zeros((spec.n_mels, frames), np.float32), (block - 1) * spec.hop + spec.n_fft
    for first in range(0, frames, block):
        cut = reflected_part(wav, spec.n_fft // 2, first * spec.hop, first * spec.hop + samples)
        out[:, first : first + block] = np.asarray(_log_mel_uncentred(cut, spec))[:, : frames - first]
        large.let_go(wav)
    return out


@functools.partial(jax.jit, static_argnames="spec")
def _log_mel_uncentred(wav: Float[Array, "n"], spec: MelSpec) -> Float[Array, "f t"]:
    magnitude = jnp.abs(stft(wav, dataclasses.replace(spec.stft, centre=False)))
    return _log_from_mel(_mel_from_magnitude(magnitude, spec), spec)


@functools.partial(jax.jit, static_argnames="spec")
def mel_to_linear(logmel: Float[Array, "... f t"], spec: MelSpec) -> Float[Array, "... f t"]:
    """Mel amplitude of a log-mel image: 10 ** (dB / 20), the inverse of the level mapping.

    A value of 0 maps to the floor's amplitude, not to silence; `synthesis` decides what the floor is.

    Args:
      logmel: levels, nominally in [0, 1], as `log_mel` makes them.
      spec: gives the levels of 0 and 1.
    """
    level_db = logmel * (spec.top_db - spec.floor_db) + spec.floor_db
    return jnp.exp(level_db * (math.log(10) / 20))


@functools.partial(jax.jit, static_argnames="spec")
def magnitude_from_mel(mel: Float[Array, "... f t"], spec: MelSpec) -> Float[Array, "... bins t"]:
    """STFT magnitude that a mel amplitude image most likely came from.

    The pseudo-inverse of the filters gives the smallest such magnitude but with negative lobes beside
    strong bands; a few multiplicative steps of Richardson (1972) and Lucy (1974) then move the clipped
    magnitude back to the given band amplitudes without leaving the nonnegative numbers.

    Args:
      mel: linear mel amplitude, nonnegative.
      spec: the bands it was made with.

    Returns:
      Magnitude, nonnegative; zero in bins that only silent bands see and outside of all bands.
    """
    filters = jnp.asarray(mel_filters(spec), jnp.float32)
    weights = filters / jnp.maximum(filters.sum(axis=0), _TINY)  # each bin's share in its bands, [f, bins]

    def correct(_: int, magnitude: Array) -> Array:
        ratio = mel / jnp.maximum(_apply(filters, magnitude), _TINY)
        return magnitude * _apply(weights.T, ratio)

    first = jnp.maximum(_apply(jnp.asarray(_mel_pseudo_inverse(spec), jnp.float32), mel), 0)
    return jax.lax.fori_loop(0, _CORRECTIONS, correct, first)


def rms_normalise(wav: Float[Array, "... n"], *, rms: float = 0.1) -> Float[Array, "... n"]:
    """Scales every clip by itself to one RMS level and clips to [-1, 1].

    Clips quieter than an RMS of 1e-4 are scaled as if they had that level, so silence stays silent.

    Args:
      wav: one or more waveforms.
      rms: the level wanted, >= 0.
    """
    return _scaled(wav, jnp.sqrt(jnp.mean(jnp.square(wav), axis=-1, keepdims=True)), rms)


def levelled(wav: Float[np.ndarray, "n"], rms: float) -> Float[np.ndarray, "n"]:
    """Brings a sound to an RMS level as `rms_normalise` does.

    Args:
      wav: a waveform.
      rms: the level wanted; 0 leaves the sound as it is.
    """
    return np.asarray(rms_normalise(jnp.asarray(wav), rms=rms)) if rms else wav


def rms_normalise_batch(wav: Float[Array, "... n"], *, rms: float = 0.1) -> Float[Array, "... n"]:
    """Scales a whole batch by its common RMS, as CondFoleyGen's training does.

    Its clips then depend on each other; only models trained this way want it.

    Args:
      wav: the batch; the reference takes targets and conditions together, [2b, n].
      rms: the level wanted, >= 0.
    """
    return _scaled(wav, jnp.sqrt(jnp.mean(jnp.square(wav))), rms)


def crop_centre(logmel: Float[Array, "... f t"], frames: int = 160) -> Float[Array, "... f frames"]:
    """The middle frames; of 173 these are 6 to 165, the crop that CondFoleyGen trains on.

    Args:
      logmel: at least `frames` frames.
      frames: how many to keep.

    Raises:
      UserError: when there are fewer frames.
    """
    _check_frames(logmel.shape[-1], frames)
    left = round((logmel.shape[-1] - frames) / 2)  # half to even: 6.5 becomes 6, as in the reference
    return logmel[..., left : left + frames]


def _check_frames(t: int, frames: int) -> None:
    if t < frames:
        raise UserError(f"log-mel has {t} frames, but {frames} are needed; use a longer clip")


def _scaled(wav: Float[Array, "... n"], level: Float[Array, "..."], rms: float) -> Float[Array, "... n"]:
    return jnp.clip(wav * (rms / jnp.maximum(level, _QUIETEST_RMS)), -1, 1)


def _apply(matrix: Float[Array, "i j"], image: Float[Array, "... j t"]) -> Float[Array, "... i t"]:
    # Highest precision: TPUs and recent GPUs otherwise round the products to 8 or 10 bits.
    return jnp.einsum("ij,...jt->...it", matrix, image, precision=jax.lax.Precision.HIGHEST)


def _mel_from_magnitude(magnitude: Float[Array, "... bins t"], spec: MelSpec) -> Float[Array, "... f t"]:
    return _apply(jnp.asarray(mel_filters(spec), jnp.float32), magnitude)


def _log_from_mel(mel: Float[Array, "... f t"], spec: MelSpec) -> Float[Array, "... f t"]:
    quietest = 10 ** (spec.floor_db / 20)
    level_db = 20 * jnp.log10(jnp.maximum(mel, quietest))
    return jnp.clip((level_db - spec.floor_db) / (spec.top_db - spec.floor_db), 0, 1)


def _htk_from_hz(hz: np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + hz / 700)


def _hz_from_htk(mel: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mel / 2595) - 1)


def _slaney_from_hz(hz: np.ndarray) -> np.ndarray:
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / math.log(6.4))


def _hz_from_slaney(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * math.log(6.4) / 27))

"""Short-time Fourier transform and its inverse, as pure functions of arrays and a frozen spec.

Frames are cut and overlap-added in blocks of one hop, so neither direction needs a gather or a
scatter, which keeps both fast on every backend.
"""

import functools
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.signal
from jaxtyping import Array, Complex, Float, Float32

from vis2sound_jax.errors import UserError

PadMode = Literal["reflect", "constant"]
_PAD_MODES = ("reflect", "constant")
# Where the summed squared windows are below this, a sample is not recoverable in float32.
_WINDOW_FLOOR = 1e-8


@dataclass(frozen=True)
class StftSpec:
    """How a waveform is cut into frames; hashable, so it can be a static argument.

    Attributes:
      n_fft: samples per transform, even.
      hop: samples from one frame to the next.
      win_length: samples under the window, placed in the middle of the transform; None means n_fft.
      window: a window name that `scipy.signal.get_window` knows; its periodic form is used.
      centre: frame k is centred on sample k * hop, the ends padded by n_fft // 2; otherwise frame k
        starts at sample k * hop.
      pad_mode: what the ends are padded with when `centre` is set.

    Raises:
      UserError: for lengths that do not fit together or an unknown pad mode.
    """

    n_fft: int
    hop: int
    win_length: int | None = None
    window: str = "hann"
    centre: bool = True
    pad_mode: PadMode = "reflect"

    def __post_init__(self) -> None:
        """Checks the lengths once, so that the transforms need not."""
        if self.n_fft < 2 or self.n_fft % 2:
            raise UserError(f"n_fft is {self.n_fft}, but must be an even number; use a power of two")
        if not 0 < self.hop <= self.n_fft:
            raise UserError(f"hop is {self.hop}, but must lie in 1 to n_fft ({self.n_fft})")
        if self.win_length is not None and not 0 < self.win_length <= self.n_fft:
            raise UserError(f"win_length is {self.win_length}, but must lie in 1 to n_fft ({self.n_fft})")
        if self.pad_mode not in _PAD_MODES:
            raise UserError(f"pad_mode is {self.pad_mode!r}, but must be one of {', '.join(_PAD_MODES)}")

    @property
    def n_bins(self) -> int:
        """Frequency bins of the one-sided transform, 0 Hz to half the rate."""
        return self.n_fft // 2 + 1

    def frames_for(self, n: int) -> int:
        """Frames that `stft` makes of n samples: 1 + n // hop when centred."""
        usable = n if self.centre else n - self.n_fft
        return 1 + usable // self.hop


@functools.cache
def window_values(spec: StftSpec) -> Float32[np.ndarray, "n"]:
    """The periodic window, zero-padded on both sides to the transform's length.

    Returns:
      float32 [n_fft], read-only.
    """
    length = spec.win_length or spec.n_fft
    left = (spec.n_fft - length) // 2
    values = np.zeros(spec.n_fft, np.float32)
    values[left : left + length] = scipy.signal.get_window(spec.window, length, fftbins=True)
    values.flags.writeable = False
    return values


@functools.partial(jax.jit, static_argnames="spec")
def stft(wav: Float[Array, "... n"], spec: StftSpec) -> Complex[Array, "... f t"]:
    """One-sided short-time Fourier transform, unscaled (the convention of librosa and torch).

    Args:
      wav: waveform; leading dimensions are batch.
      spec: how it is cut.

    Returns:
      Complex spectrum, bins before frames; t = spec.frames_for(n).

    Raises:
      UserError: when the waveform is too short for a single frame.
    """
    n = wav.shape[-1]
    t = spec.frames_for(n)
    if n < 1 or t < 1:
        raise UserError(f"wav has {n} samples, too few for one frame of n_fft {spec.n_fft}; pad it with zeros")
    if spec.centre:
        half = spec.n_fft // 2
        wav = jnp.pad(wav, [(0, 0)] * (wav.ndim - 1) + [(half, half)], mode=spec.pad_mode)
    frames = _cut(wav, spec, t) * window_values(spec)  # [..., t, n_fft]
    return jnp.swapaxes(jnp.fft.rfft(frames, axis=-1), -1, -2)


@functools.partial(jax.jit, static_argnames=("spec", "length"))
def istft(spectrum: Complex[Array, "... f t"], spec: StftSpec, *, length: int | None = None) -> Float[Array, "... n"]:
    """Least-squares inverse: windowed overlap-add over the summed squared windows.

    For a spectrum that no waveform has, this is the waveform whose spectrum is nearest in the mean
    square (Griffin & Lim 1984, eq. 6).

    Args:
      spectrum: as `stft` returns it.
      spec: the spec it was made with.
      length: samples to return; None means the span between the first and last frame's centre when
        centred, else all samples under a window. Samples that no window reaches are zero.

    Returns:
      The waveform.

    Raises:
      UserError: when the number of bins does not belong to the spec.
    """
    if spectrum.shape[-2] != spec.n_bins:
        raise UserError(f"spectrum has {spectrum.shape[-2]} bins, but n_fft {spec.n_fft} has {spec.n_bins}")
    window = window_values(spec)
    t = spectrum.shape[-1]
    frames = jnp.fft.irfft(jnp.swapaxes(spectrum, -1, -2), n=spec.n_fft, axis=-1) * window
    energy = _overlap_add(jnp.broadcast_to(jnp.asarray(window) ** 2, (t, spec.n_fft)), spec)
    wav = jnp.where(energy > _WINDOW_FLOOR, _overlap_add(frames, spec) / jnp.maximum(energy, _WINDOW_FLOOR), 0)
    start = spec.n_fft // 2 if spec.centre else 0
    if length is None:
        length = (t - 1) * spec.hop + (0 if spec.centre else spec.n_fft)
    wav = wav[..., start : start + length]
    return jnp.pad(wav, [(0, 0)] * (wav.ndim - 1) + [(0, length - wav.shape[-1])])


def _blocks_per_frame(spec: StftSpec) -> int:
    return -(-spec.n_fft // spec.hop)


def _cut(wav: Float[Array, "... n"], spec: StftSpec, t: int) -> Float[Array, "... t n_fft"]:
    """Frames [t, n_fft] as r = ceil(n_fft / hop) shifted copies of the hop-sized blocks."""
    r = _blocks_per_frame(spec)
    needed = (t + r - 1) * spec.hop
    lead = wav.shape[:-1]
    wav = wav[..., :needed]
    wav = jnp.pad(wav, [(0, 0)] * len(lead) + [(0, needed - wav.shape[-1])])
    blocks = wav.reshape(*lead, t + r - 1, spec.hop)
    frames = jnp.concatenate([blocks[..., j : j + t, :] for j in range(r)], axis=-1)
    return frames[..., : spec.n_fft]


def _overlap_add(frames: Float[Array, "... t n_fft"], spec: StftSpec) -> Float[Array, "... n"]:
    """The transpose of `_cut`: n = (t + r - 1) * hop."""
    r = _blocks_per_frame(spec)
    *lead, t, _ = frames.shape
    still = [(0, 0)] * len(lead)
    frames = jnp.pad(frames, [*still, (0, 0), (0, r * spec.hop - spec.n_fft)])
    blocks = frames.reshape(*lead, t, r, spec.hop)
    total = sum(jnp.pad(blocks[..., j, :], [*still, (j, r - 1 - j), (0, 0)]) for j in range(r))
    return jnp.asarray(total).reshape(*lead, (t + r - 1) * spec.hop)

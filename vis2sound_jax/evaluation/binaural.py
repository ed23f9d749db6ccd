"""How far a predicted pair of channels is from the true one, as 2.5D Visual Sound measures it and otherwise.

Published numbers (evaluate.py of facebookresearch/2.5D-Visual-Sound) divide prediction and truth each by its own peak,
and their STFT distance is a mean of squares. Sound is at `audio.binaural.RATE_HZ`; left is channel 0.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import scipy.signal
from jaxtyping import Complex, Float

from vis2sound_jax.audio.binaural import RATE_HZ, SPEC
from vis2sound_jax.audio.stft import stft

LONGEST_ITD_S = 0.001
"""No head of a person delays one ear more."""

_ITD_BAND_HZ = (100.0, 1400.0)  # above, a cycle is shorter than the delay around a head
_FINER = 8  # points between two samples of a correlation

Ears = Float[np.ndarray, "2 n"]


@dataclass(frozen=True)
class Distances:
    """Of a prediction from the truth; less is better but for `snr_db`.

    Attributes:
      stft: mean square of the difference of spectra, summed over channels.
      envelope: root mean square of the difference of envelopes, summed over channels.
      magnitude: mean square of the difference of magnitudes, summed over channels.
      phase: mean absolute difference of phases of left minus right, 0 to pi.
      snr_db: signal to error.
      residual: energy of the error of left minus right over that of left minus right; mono has 1.
    """

    stft: float
    envelope: float
    magnitude: float
    phase: float
    snr_db: float
    residual: float


def distances(predicted: Ears, true: Ears, *, normalised: bool = True) -> Distances:
    """Measures a prediction.

    Args:
      predicted: what was made.
      true: what was recorded.
      normalised: whether each is divided by its own peak first, as published.

    Returns:
      All distances. `residual` is always that of the sounds as they are.
    """
    residual = difference_residual(predicted, true)
    if normalised:
        predicted, true = (x / max(float(np.abs(x).max()), 1e-20) for x in (predicted, true))
    made, wanted = _spectra(predicted), _spectra(true)
    error = predicted - true
    return Distances(
        stft=float(sum(0.5 * np.mean(np.abs(made - wanted) ** 2, axis=(1, 2)))),
        envelope=float(sum(np.sqrt(np.mean((_envelope(true) - _envelope(predicted)) ** 2, axis=1)))),
        magnitude=float(sum(np.mean((np.abs(made) - np.abs(wanted)) ** 2, axis=(1, 2)))),
        phase=float(np.mean(np.abs(np.angle((made[0] - made[1]) * np.conj(wanted[0] - wanted[1]))))),
        # The constant is that of Pseudo Binaural (Xu et al. 2021).
        snr_db=float(10 * np.log10((np.mean(true**2) + 1e-4) / (np.mean(error**2) + 1e-4))),
        residual=residual,
    )


def difference_residual(predicted: Ears, true: Ears) -> float:
    """Energy of the error of left minus right, over the true one's.

    Args:
      predicted: what was made. Two like channels have 1.
      true: what was recorded.
    """
    wanted, made = (x[0] - x[1] for x in (true, predicted))
    return float(np.sum((made - wanted) ** 2) / max(float(np.sum(wanted**2)), 1e-20))


def _spectra(ears: Ears) -> Complex[np.ndarray, "2 f t"]:
    return np.asarray(stft(jnp.asarray(ears, jnp.float32), SPEC))


def _envelope(ears: Ears) -> Ears:
    return np.abs(scipy.signal.hilbert(np.asarray(ears, np.float64)))


def ild_db(ears: Ears) -> float:
    """Level of the left channel over that of the right one, in decibels; 0 in silence.

    Args:
      ears: two channels.
    """
    left, right = np.mean(np.square(np.asarray(ears, np.float64)), axis=1) + 1e-12
    return float(10 * np.log10(left / right))


def itd_s(ears: Ears, rate_hz: int = RATE_HZ) -> float:
    """How much later the left channel is, in seconds: the best place of the phases' correlation at 100-1400 Hz.

    Args:
      ears: two channels. Silence gives 0.
      rate_hz: sample rate.

    Returns:
      Delay within `LONGEST_ITD_S`, positive for a source at the right (generalised cross-correlation with phase
      transform, Knapp & Carter 1976).
    """
    n = ears.shape[1]
    left, right = np.fft.rfft(np.asarray(ears, np.float64), 2 * n)
    hz = np.fft.rfftfreq(2 * n, 1 / rate_hz)
    cross = left * np.conj(right)
    cross[(hz < _ITD_BAND_HZ[0]) | (hz > _ITD_BAND_HZ[1])] = 0
    # Bins that nearly nothing is in have any phase.
    size = np.abs(cross)
    phases = np.where(size > 1e-4 * size.max(initial=0.0), cross / np.maximum(size, 1e-30), 0)
    around = np.fft.irfft(phases, 2 * n * _FINER)
    reach = int(LONGEST_ITD_S * rate_hz * _FINER)
    near = np.concatenate([around[-reach:], around[: reach + 1]])
    return 0.0 if not near.any() else (int(np.argmax(near)) - reach) / (rate_hz * _FINER)


def side_of(ears: Ears, least_db: float = 2.0) -> int:
    """Says on which side a sound is louder: 1 left, -1 right, 0 neither by as much.

    Args:
      ears: two channels.
      least_db: level difference that counts.
    """
    apart = ild_db(ears)
    return 0 if abs(apart) <= least_db else (1 if apart > 0 else -1)


@dataclass(frozen=True)
class Sides:
    """What is said of many windows.

    Attributes:
      accuracy: share of those that are clearly on one side in truth and louder on that side in the prediction; NaN
        where none is.
      ild_correlation: of predicted and true level differences over windows; NaN where one of them never changes.
      ild_error_db: mean absolute error of level differences.
      itd_error_s: median absolute error of delays.
    """

    accuracy: float
    ild_correlation: float
    ild_error_db: float
    itd_error_s: float


def sides(predicted: Float[np.ndarray, "w 2 n"], true: Float[np.ndarray, "w 2 n"], least_db: float = 2.0) -> Sides:
    """Compares where windows of sound are.

    Args:
      predicted: what was made.
      true: what was recorded.
      least_db: level difference from which on a window is on one side in truth.
    """
    made, wanted = (np.array([ild_db(ears) for ears in windows]) for windows in (predicted, true))
    clear = np.abs(wanted) > least_db
    moves = len(made) > 1 and made.std() > 0 and wanted.std() > 0
    late = [abs(itd_s(one) - itd_s(other)) for one, other in zip(predicted, true, strict=True)]
    return Sides(
        accuracy=float(np.mean(np.sign(made[clear]) == np.sign(wanted[clear]))) if clear.any() else float("nan"),
        ild_correlation=float(np.corrcoef(made, wanted)[0, 1]) if moves else float("nan"),
        ild_error_db=float(np.mean(np.abs(made - wanted))),
        itd_error_s=float(np.median(late)),
    )

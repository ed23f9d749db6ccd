"""When things are struck: the reference's onset detector, and a corrected one for evaluation and training.

Host side and NumPy only; waveforms of any length.
"""

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from jaxtyping import Float, Float32, Int

from vis2sound_jax import large
from vis2sound_jax.audio.mel import MelSpec, mel_filters
from vis2sound_jax.audio.reflected import reflected_part
from vis2sound_jax.errors import UserError

# The corrected detector. The window and the lag are about equally long, so that a band's rise is seen
# from half a window before the onset to half a window after it, whatever the level.
_HOP_S = 0.005
_WINDOW_S = 0.0232
_LAG_HOPS = 5
_SMOOTH_HOPS = 2.0
_BANDS = 40
_LOW_HZ, _HIGH_HZ = 50.0, 10000.0
# Bands further than this below the recording's loudest are treated as silent.
_RANGE_DB = 60.0
_QUIETEST = 1e-7
# Added to the recording's own scale, so that the noise of a quiet recording is not blown up to onsets.
_BACKGROUND_DB = 12.0
_GAP_S = 0.05
_BLOCK_FRAMES = 8192

DECIDED = 0.22
"""Confidence with the best F1 on real impacts recorded with a camera's microphone."""

_LEGACY_WINDOW_S = 0.05


def onset_events(wav: Float[np.ndarray, "n"], rate_hz: int) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """All candidate onsets of a recording with a confidence each, for precision-recall curves.

    The strength is the log-mel spectral flux of Böck & Widmer (2013, "Maximum filter vibrato
    suppression"): per band the rise in decibels over 25 ms against the loudest of the band and its
    neighbours before, averaged over bands and smoothed. Every local maximum at least 50 ms from a higher one
    is a candidate. Confidence is its flux over (12 dB + the recording's 99th percentile of flux): it
    does not depend on the recording's level, little on its length and on how many events it has. Of
    real impacts the middle half have 0.45 to 0.7; steady noise stays below 0.15.

    Args:
      wav: mono waveform in [-1, 1].
      rate_hz: its sample rate.

    Returns:
      Times in seconds, ascending, and their confidences (positive). The median error on clicks is
      about 1 ms; sounds that swell are placed on their rise. A sound already there at time 0 has no onset.

    Raises:
      UserError: for a rate below 8 kHz.
    """
    strength, times_s = _strength(wav, rate_hz)
    hop_s = _hop(rate_hz) / rate_hz
    # Zeros at both ends let the first and the last frame be maxima.
    peaks, _ = scipy.signal.find_peaks(np.pad(strength, 1), distance=int(np.ceil(_GAP_S / hop_s)))
    peaks = peaks - 1
    return np.clip(times_s[peaks], 0, len(wav) / rate_hz), strength[peaks]


def onset_times(wav: Float[np.ndarray, "n"], rate_hz: int) -> Float[np.ndarray, "k"]:
    """Times in seconds of the onsets of a recording: those of `onset_events` that are `decided_onsets`.

    Args:
      wav: mono waveform in [-1, 1].
      rate_hz: its sample rate.
    """
    return decided_onsets(*onset_events(wav, rate_hz))


def decided_onsets(
    times_s: Float[np.ndarray, "k"], confidence: Float[np.ndarray, "k"], *, threshold: float = DECIDED
) -> Float[np.ndarray, "m"]:
    """Times of the candidates of `onset_events` whose confidence reaches the threshold.

    Args:
      times_s: times of the candidates, in seconds.
      confidence: their confidences.
      threshold: least confidence.
    """
    return times_s[confidence >= threshold]


def onset_strength(wav: Float[np.ndarray, "n"], rate_hz: int, fps: float) -> Float32[np.ndarray, "t"]:
    """Onset strength per video frame: what a video encoder can learn to predict from the picture.

    Args:
      wav: mono waveform in [-1, 1].
      rate_hz: its sample rate.
      fps: frames per second of the target.

    Returns:
      t = round(n / rate_hz * fps) values, nonnegative; value k is the largest strength within
      [k / fps, (k + 1) / fps), on the scale of the confidences of `onset_events`.

    Raises:
      UserError: for a rate below 8 kHz or a frame rate that is not positive.
    """
    if not fps > 0:
        raise UserError(f"fps is {fps}, but must be positive")
    t = round(len(wav) / rate_hz * fps)
    strength, times_s = _strength(wav, rate_hz)
    if not strength.size:
        return np.zeros(t, np.float32)
    steps = int(np.ceil(1 / (fps * _HOP_S)))
    wanted_s = (np.arange(t * steps) + 0.5) / (steps * fps)
    return np.interp(wanted_s, times_s, strength).reshape(t, steps).max(axis=1).astype(np.float32)


def legacy_onset_samples(wav: Float[np.ndarray, "n"], rate_hz: int, *, delta: float = 0.3) -> Int[np.ndarray, "k"]:
    """Onsets as CondFoleyGen's evaluation detects them (its predict_onset.py).

    librosa's `onset_detect` on a hop of 512 samples: good to compare with published numbers, but up to
    a hop (23 ms) off and normalised by the clip's strongest onset.

    Args:
      wav: mono waveform.
      rate_hz: its sample rate; the reference has 22050.
      delta: height over the local mean, of strength scaled to [0, 1], that makes a peak.

    Returns:
      Sample positions, ascending multiples of 512.
    """
    import librosa  # here, because the corrected detector does without its slow first import

    return np.asarray(librosa.onset.onset_detect(y=wav, sr=rate_hz, units="samples", delta=delta), np.int64)


def legacy_loudness(wav: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """|wav| scaled to [0, 1] by the clip's own extremes; zeros for a constant wave (NaN in the reference)."""
    level = np.abs(wav)
    low, high = level.min(), level.max()
    return (level - low) / (high - low) if high > low else np.zeros_like(level)


def legacy_onset_confidence(
    loudness: Float[np.ndarray, "n"], onsets: Int[np.ndarray, "k"], rate_hz: int
) -> Float[np.ndarray, "k"]:
    """The reference's confidence of an onset: the largest loudness within 50 ms on both sides.

    Args:
      loudness: as `legacy_loudness` returns it.
      onsets: sample positions.
      rate_hz: the sample rate.

    Returns:
      Values in [0, 1]. An onset in the first 50 ms, at which the reference crashes, has a shorter window.
    """
    reach = int(_LEGACY_WINDOW_S * rate_hz)
    return np.array([loudness[max(0, o - reach) : o + reach].max() for o in onsets], loudness.dtype)


def legacy_onset_nms(
    onsets: Int[np.ndarray, "k"], confidence: Float[np.ndarray, "k"], rate_hz: int
) -> Int[np.ndarray, "m"]:
    """The reference's thinning of onsets: the most confident one removes others closer than 50 ms.

    The reference removes from the list that it walks over, so the neighbour after a removed one is
    never looked at; that is kept here, because its published numbers contain it.

    Args:
      onsets: samples at which the onsets lie.
      confidence: of each onset.
      rate_hz: sample rate.

    Returns:
      The onsets that stay, ascending.
    """
    remaining = [int(o) for o in onsets]
    kept = []
    for index in np.argsort(confidence)[::-1]:
        onset = int(onsets[index])
        if onset not in remaining:
            continue
        kept.append(onset)
        remaining.remove(onset)
        position = 0
        while position < len(remaining):
            if abs(onset - remaining[position]) < _LEGACY_WINDOW_S * rate_hz:
                del remaining[position]  # its successor slides into this place and is skipped
            position += 1
    return np.array(sorted(kept), np.int64)


def _hop(rate_hz: int) -> int:
    return round(_HOP_S * rate_hz)


def _strength(wav: Float[np.ndarray, "n"], rate_hz: int) -> tuple[Float[np.ndarray, "t"], Float[np.ndarray, "t"]]:
    """Flux on the scale of confidence, one value a hop, and the time in seconds each value is about."""
    if rate_hz < 8000:
        raise UserError(f"rate_hz is {rate_hz}, but onsets need at least 8000; resample the sound")
    if not len(wav):
        return np.zeros(0), np.zeros(0)
    hop, n_fft = _hop(rate_hz), 2 * round(_WINDOW_S * rate_hz / 2)
    bands = _band_amplitudes(np.asarray(wav, np.float32), rate_hz, n_fft, hop)
    # In place: those of a long sound are large.
    level_db = np.log10(np.add(bands, max(bands.max() * 10 ** (-_RANGE_DB / 20), _QUIETEST), out=bands), out=bands)
    level_db *= 20
    before = scipy.ndimage.maximum_filter1d(level_db, 3, axis=1)
    rise = level_db[_LAG_HOPS:]
    np.maximum(np.subtract(rise, before[:-_LAG_HOPS], out=rise), 0, out=rise)
    flux = np.zeros(len(level_db))
    flux[_LAG_HOPS:] = rise.mean(axis=1)
    flux = scipy.ndimage.gaussian_filter1d(flux, _SMOOTH_HOPS)
    # An onset raises the difference from half a window before it until a lag later; this is the middle.
    delay = (_LAG_HOPS * hop - n_fft) / 2
    times_s = (np.arange(len(flux)) * hop - delay) / rate_hz
    return flux / (_BACKGROUND_DB + np.quantile(flux, 0.99)), times_s


def _band_amplitudes(wav: Float32[np.ndarray, "n"], rate_hz: int, n_fft: int, hop: int) -> Float32[np.ndarray, "t f"]:
    """Mel amplitudes of centred frames, a block at a time to bound the memory of long recordings."""
    spec = MelSpec(rate_hz, n_fft, hop, _BANDS, _LOW_HZ, min(_HIGH_HZ, rate_hz / 2), scale="slaney")
    weights = mel_filters(spec).T.astype(np.float32)
    window = scipy.signal.get_window("hann", n_fft).astype(np.float32)
    count = (len(wav) + n_fft // 2 * 2 - n_fft) // hop + 1
    bands = np.zeros((count, _BANDS), np.float32)
    for k in range(0, count, _BLOCK_FRAMES):
        last = min(k + _BLOCK_FRAMES, count) - 1
        part = reflected_part(wav, n_fft // 2, k * hop, last * hop + n_fft)
        frames = np.lib.stride_tricks.sliding_window_view(part, n_fft)[::hop] * window
        bands[k : last + 1] = np.abs(scipy.fft.rfft(frames, axis=-1)) @ weights
        large.let_go(wav)
    return bands

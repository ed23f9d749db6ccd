"""When the sounds of an example begin, to the sample, and by how much each stands out from what was heard before."""

import numpy as np
from jaxtyping import Float32, Int

from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.retrieval.onset_transfer import ATTACK_SHARE, loudest_moment

ONE_SHOT_S = 1.0
"""A file no longer than this that begins with a sound holds that sound alone."""
_SEARCH_S = 0.06  # detectors are within this of the attack
_NEAR_S = 0.015  # and within this of one that rises out of another sound
_STEP_S = 0.005
_SWELL = 1.4  # amplitude ratio over 30 ms
_QUIET_S = 0.1  # put before a sound: a file that begins with its attack has no rise otherwise
_BEGUN_S = 0.02
_RISE_S = 0.03
_LEAST = 1e-5


def sound_starts(wav: Float32[np.ndarray, "n"], rate_hz: int) -> tuple[Int[np.ndarray, "k"], list[float]]:
    """Finds the samples at which sounds begin.

    Args:
      wav: an example, not empty.
      rate_hz: its sample rate.

    Returns:
      Ascending samples, at least one, and how many decibels each rises in 30 ms. The loudest moment with a rise of 0
      where nothing begins.
    """
    found = _attacks(wav, rate_hz)
    # A recording may begin in the middle of a sound; that is none of its own.
    found = found[found >= round(_BEGUN_S * rate_hz)]
    if found.size:
        return found, [_rise_db(wav, int(attack), rate_hz) for attack in found]
    # A single sound begins at once, and nothing else is in the file.
    quiet = round(_QUIET_S * rate_hz)
    heard = np.concatenate([np.zeros(quiet, np.float32), wav])
    found = _attacks(heard, rate_hz)[:1]
    if found.size and (len(wav) <= ONE_SHOT_S * rate_hz or _dies_away(wav, rate_hz)):
        return np.clip(found - quiet, 0, len(wav) - 1), [_rise_db(heard, int(found[0]), rate_hz)]
    return np.array([loudest_moment(wav, rate_hz)]), [0.0]


def decibels(level: float) -> float:
    """Level of an RMS amplitude re 1; -100 and less is -100."""
    return 20.0 * float(np.log10(max(level, _LEAST)))


def _attacks(wav: Float32[np.ndarray, "n"], rate_hz: int) -> Int[np.ndarray, "k"]:
    """Ascending samples near the detected onsets, each nearer to its own than to any other."""
    onsets = np.round(onset_times(wav, rate_hz) * rate_hz).astype(np.int64)
    middles = [0, *((onsets[1:] + onsets[:-1]) // 2), len(wav)]
    reach, found = round(_SEARCH_S * rate_hz), set()
    for onset, least, most in zip(onsets, middles, middles[1:], strict=False):
        low, high = max(onset - reach, least), min(onset + reach, most)
        near = np.abs(wav[low:high])
        if near.size and near.max() > 0:
            first = low + int(np.argmax(near >= ATTACK_SHARE * near.max()))
            rings = first < onset - round(_NEAR_S * rate_hz) and not _swells(wav[low:onset])
            found.add(_steepest(wav, int(onset), rate_hz) if rings else first)
    return np.array(sorted(found), np.int64)


def _swells(before: np.ndarray) -> bool:
    """Whether a sound rises slowly towards its onset, and does not ring on from another one."""
    half = len(before) // 2
    return _rms(before[half : -max(half // 3, 1)]) >= _SWELL * _rms(before[:half])


def _steepest(wav: np.ndarray, onset: int, rate_hz: int) -> int:
    """Where the sound near an onset rises most, for a threshold would find the sound that rings on before it."""
    step, near = round(_STEP_S * rate_hz), round(_NEAR_S * rate_hz)
    low = max(onset - near, step)
    power = np.asarray(wav[low - step : onset + near + step], np.float64) ** 2
    if len(power) <= 2 * step:
        return min(onset, len(wav) - 1)
    total = np.concatenate([[0.0], np.cumsum(power)])
    before, after = total[step:-step] - total[: -2 * step], total[2 * step :] - total[step:-step]
    place = low + int(np.argmax((after + _LEAST**2) / (before + _LEAST**2)))
    ringing = np.abs(wav[max(place - 2 * step, 0) : place - step // 2]).max(initial=0.0)
    louder = np.abs(wav[place - step // 2 : place + step]) > ringing
    return place - step // 2 + int(np.argmax(louder)) if louder.any() else place


def _dies_away(wav: np.ndarray, rate_hz: int) -> bool:
    """Whether all of the second half is softer than the beginning, and so no steady sound that was cut there."""
    hop = round(_RISE_S * rate_hz)
    later = wav[len(wav) // 2 :]
    loudest = max(_rms(later[k : k + hop]) for k in range(0, len(later), hop))
    return decibels(_rms(wav[:hop])) - decibels(loudest) >= 20 * np.log10(1 / ATTACK_SHARE)


def _rise_db(heard: np.ndarray, attack: int, rate_hz: int) -> float:
    reach = round(_RISE_S * rate_hz)
    return decibels(_rms(heard[attack : attack + reach])) - decibels(_rms(heard[max(attack - reach, 0) : attack]))


def _rms(part: np.ndarray) -> float:
    return float(np.sqrt(np.mean(part.astype(np.float64) ** 2))) if len(part) else 0.0

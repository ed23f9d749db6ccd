"""Cutting and pasting of impacts: each sound is laid with its impact on a peak of the prediction.

A sound lasts until the next one begins; the two pass into each other within a few milliseconds, before the next
attack. What the paper does where sounds overlap is not told; this is our choice.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, Int16

LEAD_S = 0.25
"""Sound cut out before an impact, in seconds."""
TAIL_S = 1.0
"""Longest sound cut out after an impact, in seconds."""
FULL_SCALE = 32767
"""What 1.0 is stored as."""
REACH_S = 0.05
"""How far a pasted sound reaches back before its peak: a peak of amplitude lies some 20 ms after the attack."""
FADE_S = 0.008


def cut_impact(
    wav: Float32[np.ndarray, "m"],
    rate_hz: int,
    time_s: float,
    *,
    until_s: float = float("inf"),
    lead_s: float = LEAD_S,
    tail_s: float = TAIL_S,
) -> tuple[Int16[np.ndarray, "n"], int]:
    """Cuts the sound around an impact.

    Args:
      wav: the recording, in [-1, 1].
      rate_hz: its sample rate.
      time_s: time of the impact in seconds.
      until_s: where the next impact begins, in seconds, after `time_s`.
      lead_s: sound to keep before the impact.
      tail_s: sound to keep after it at most.

    Returns:
      Samples with the impact at round(lead_s * rate_hz), silent before the recording and after the cut, and their
      number up to the cut.

    Raises:
      ValueError: if the next impact begins no later than this one.
    """
    if not time_s < until_s:
        raise ValueError(f"the impact at {time_s:g} s is cut at {until_s:g} s; the cut must come later")
    lead, tail = round(lead_s * rate_hz), round(tail_s * rate_hz)
    impact = round(time_s * rate_hz)
    end = min(impact + tail, len(wav), round(min(until_s, time_s + tail_s) * rate_hz))
    kept = wav[max(impact - lead, 0) : end]
    skipped = max(lead - impact, 0)
    out = np.zeros(lead + tail, np.int16)
    out[skipped : skipped + len(kept)] = np.round(np.clip(kept, -1, 1) * FULL_SCALE)
    return out, skipped + len(kept)


def paste_exemplars(
    wavs: Sequence[Float32[np.ndarray, "_"]],
    times_s: Float[np.ndarray, "k"],
    *,
    impact: int,
    rate_hz: int,
    length: int,
    gains: Float[np.ndarray, "k"] | None = None,
    reach_s: float = REACH_S,
    fade_s: float = FADE_S,
) -> Float32[np.ndarray, "n"]:
    """Pastes sounds so that their impacts lie at given times.

    Args:
      wavs: the sound of each peak, in [-1, 1]; it ends where its own recording has its next impact.
      times_s: times of the peaks in seconds, in any order; those outside the soundtrack are not heard, and of equal
        ones the last.
      impact: sample of every sound at which its impact lies.
      rate_hz: sample rate of sounds and soundtrack.
      length: samples of the soundtrack.
      gains: amplitude factor of each sound, 1 by default.
      reach_s: seconds of each sound to keep before its impact, as far as it has them.
      fade_s: seconds in which a sound rises, never beyond its impact, and falls at its end or the soundtrack's, or
        while the next one rises.

    Returns:
      The soundtrack in [-1, 1], n = length; silent where no sound reaches.

    Raises:
      ValueError: where there is not one sound and one gain for each peak.
    """
    factors = np.ones(len(times_s)) if gains is None else gains
    if not len(wavs) == len(times_s) == len(factors):
        raise ValueError(f"{len(wavs)} sounds and {len(factors)} gains for {len(times_s)} peaks; give one for each")
    peaks = np.round(np.asarray(times_s, np.float64) * rate_hz).astype(np.int64)
    order = [int(k) for k in np.argsort(peaks, kind="stable") if 0 <= peaks[k] < length]
    reach, fade = min(round(reach_s * rate_hz), impact), round(fade_s * rate_hz)
    out = np.zeros(length)
    for place, k in enumerate(order):
        begin, end = int(peaks[k]) - reach, length
        if place + 1 < len(order):
            following = int(peaks[order[place + 1]]) - reach
            if following == begin:
                continue
            end = min(following + fade, length)
        first = max(begin, 0)
        piece = wavs[k][impact - reach :][first - begin : end - begin]
        out[first : first + len(piece)] += factors[k] * _faded(piece, min(fade, int(peaks[k]) - first), fade)
    return np.clip(out, -1, 1, out=out).astype(np.float32)


def _faded(piece: np.ndarray, rise: int, fall: int) -> np.ndarray:
    """Raises and lowers the ends by raised cosines; those of two sounds that follow each other add up to one."""
    out = piece.astype(np.float64)
    fall = min(fall, len(out))
    out[:rise] *= _ramp(rise)[: len(out)]
    out[len(out) - fall :] *= _ramp(fall)[::-1]
    return out


def _ramp(samples: int) -> np.ndarray:
    return 0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1))

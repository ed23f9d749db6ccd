"""Onset transfer: hits cut from the example sound and pasted where the picture strikes.

The copy-and-paste baseline of CondFoleyGen (Du et al. 2023, "onset transfer"), strong on timbre because
every sound is a real one. Mended here: it works at the clip's borders and without onsets in the example,
cuts at the attack and not at a detector's grid, and fades the ends of each cut. `published_transfer` keeps the
paper's own rule beside it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from vis2sound_jax.audio.onsets import legacy_onset_samples, onset_times

ATTACK_SHARE = 0.25
"""An attack starts where the wave first reaches this share of its local peak."""
_FADE_S = 0.005
_SEARCH_S = 0.06  # detectors are within this of the attack
_SILENCE = 1e-4  # -80 dB: an example whose peak is lower holds nothing to copy
_LOUDEST_S = 0.02


class Transfer(NamedTuple):
    """A soundtrack made of pieces of the example.

    Attributes:
      wav: [length] the soundtrack, in [-1, 1].
      source_s: [k] for each pasted event, in order of time, the time of its attack in the example, in
        seconds.
      found_onsets: False where the example has no onset, so that its loudest moment was used.
      silent: True where the example is silent, and so is the soundtrack.
    """

    wav: np.ndarray
    source_s: np.ndarray
    found_onsets: bool
    silent: bool


def onset_transfer(
    condition_wav: Float32[np.ndarray, "m"],
    rate_hz: int,
    target_times_s: Float[np.ndarray, "k"],
    length: int,
    rng: np.random.Generator,
    *,
    gains: Float[np.ndarray, "g"] | None = None,
) -> Transfer:
    """Pastes a randomly chosen hit of the example at every target time.

    The cut reaches back a third of the gap to the previous onset and forward half of the gap to the next
    one, the smaller of the example's and the target's gap on each side, so that pieces neither overlap nor
    hold two hits.

    Args:
      condition_wav: the example sound, in [-1, 1].
      rate_hz: sample rate of both sounds.
      target_times_s: times of the events in the picture, in seconds; those outside the clip are not heard.
      length: samples of the soundtrack.
      rng: chooses the hits; the same state gives the same soundtrack.
      gains: amplitude factor of each event (g = k), 1 by default.

    Returns:
      The soundtrack and where its pieces come from.

    Raises:
      ValueError: where there is not one gain for each event.
    """
    times = np.asarray(target_times_s, np.float64)
    factors = np.ones(times.shape) if gains is None else np.asarray(gains, np.float64)
    if factors.shape != times.shape:
        raise ValueError(f"{factors.size} gains for {times.size} events; give one for each")
    targets = np.round(times * rate_hz).astype(np.int64)
    order = np.argsort(targets, kind="stable")
    order = order[(targets[order] >= 0) & (targets[order] < length)]
    targets, factors = targets[order], factors[order]
    wav = np.zeros(length, np.float64)
    if condition_wav.size == 0 or np.abs(condition_wav).max() < _SILENCE:
        return Transfer(wav.astype(np.float32), np.zeros(0), found_onsets=False, silent=True)
    found = attacks(condition_wav, rate_hz)
    sources = found if found.size else np.array([loudest_moment(condition_wav, rate_hz)])
    chosen = rng.integers(sources.size, size=targets.size)
    before = np.minimum(_reach_back(sources)[chosen], _reach_back(targets))
    after = np.minimum(_reach_forward(sources, condition_wav.size)[chosen], _reach_forward(targets, length))
    for target, source, head, tail, factor in zip(targets, sources[chosen], before, after, factors, strict=True):
        piece = _faded(condition_wav[source - head : source + tail], int(head), rate_hz)
        wav[target - head : target + tail] += factor * piece
    return Transfer(
        np.clip(wav, -1.0, 1.0).astype(np.float32), sources[chosen] / rate_hz, bool(found.size), silent=False
    )


def published_transfer(
    condition_wav: Float32[np.ndarray, "m"],
    rate_hz: int,
    target_times_s: Float[np.ndarray, "k"],
    length: int,
    rng: np.random.Generator,
) -> Transfer:
    """Pastes hits of the example by the cut rule of CondFoleyGen's baseline (Du et al. 2023, "onset transfer").

    A cut begins at an onset of the reference's detector, on its grid of 512 samples, and overwrites what is there. It
    reaches back the smaller third of the two gaps to the previous onset (of the first: to the beginning) and forward
    the smaller half, `2 * (gap // 4)`, of those to the next (of the last: to the end). The reference's hard edges are
    softened to cross-fades of 5 ms, and where it crashes, without an onset in the example, the loudest moment is used.

    Args:
      condition_wav: the example sound, in [-1, 1].
      rate_hz: sample rate of both sounds; the reference has 22050.
      target_times_s: times of the events in the picture, in seconds; those outside the clip are not heard.
      length: samples of the soundtrack.
      rng: chooses the hits; the same state gives the same soundtrack.

    Returns:
      The soundtrack and where its pieces come from.
    """
    targets = np.sort((np.asarray(target_times_s, np.float64) * rate_hz).astype(np.int64))
    targets = targets[(targets >= 0) & (targets < length)]
    wav = np.zeros(length, np.float32)
    if condition_wav.size == 0 or np.abs(condition_wav).max() < _SILENCE:
        return Transfer(wav, np.zeros(0), found_onsets=False, silent=True)
    found = legacy_onset_samples(condition_wav, rate_hz)
    found = found[found < condition_wav.size]
    sources = found if found.size else np.array([loudest_moment(condition_wav, rate_hz)])
    chosen = rng.integers(sources.size, size=targets.size)
    before = np.minimum(_reach_back(sources)[chosen], _reach_back(targets))
    after = np.minimum(_reach_forward(sources, condition_wav.size)[chosen], _reach_forward(targets, length))
    for target, source, head, tail in zip(targets, sources[chosen], before, after, strict=True):
        piece = condition_wav[source - head : source + tail]
        share = _faded(np.ones(len(piece)), int(head), rate_hz)
        place = slice(target - head, target + tail)
        wav[place] = (1 - share) * wav[place] + share * piece
    return Transfer(np.clip(wav, -1.0, 1.0), sources[chosen] / rate_hz, bool(found.size), silent=False)


def attacks(wav: Float32[np.ndarray, "n"], rate_hz: int) -> Int[np.ndarray, "k"]:
    """Finds the first sample of each hit.

    Args:
      wav: waveform in [-1, 1].
      rate_hz: its sample rate.

    Returns:
      Ascending sample positions without repeats, each within 60 ms of a detected onset.
    """
    found = {attack_near(wav, round(float(time_s) * rate_hz), rate_hz) for time_s in onset_times(wav, rate_hz)}
    return np.array(sorted(attack for attack in found if attack is not None), np.int64)


def attack_near(wav: Float32[np.ndarray, "n"], onset: int, rate_hz: int) -> int | None:
    """Finds the first sample of a hit of which the time is roughly known.

    Args:
      wav: waveform in [-1, 1].
      onset: sample within 60 ms of the attack.
      rate_hz: its sample rate.

    Returns:
      Where the wave first reaches a quarter of its peak within 60 ms; None where it is silent there.
    """
    reach = round(_SEARCH_S * rate_hz)
    start = max(onset - reach, 0)
    near = np.abs(wav[start : onset + reach])
    if not near.size or near.max() <= 0:
        return None
    return start + int(np.argmax(near >= ATTACK_SHARE * near.max()))


def loudest_moment(wav: Float32[np.ndarray, "n"], rate_hz: int) -> int:
    """Finds where the loudest 20 ms of a sound begin.

    Args:
      wav: waveform, not empty.
      rate_hz: its sample rate.

    Returns:
      The sample.
    """
    width = max(round(_LOUDEST_S * rate_hz), 1)
    total = np.concatenate([[0.0], np.cumsum(wav.astype(np.float64) ** 2)])
    energy = total[width:] - total[:-width] if wav.size >= width else total[-1:]
    return int(np.argmax(energy))


def _reach_back(onsets: Int[np.ndarray, "k"]) -> Int[np.ndarray, "k"]:
    return np.diff(onsets, prepend=0) // 3


def _reach_forward(onsets: Int[np.ndarray, "k"], length: int) -> Int[np.ndarray, "k"]:
    return 2 * (np.diff(onsets, append=length) // 4)


def _faded(piece: np.ndarray, head: int, rate_hz: int) -> np.ndarray:
    """Fades both ends by a raised cosine; the fade in ends before the attack and never softens it."""
    fade = round(_FADE_S * rate_hz)
    out = piece.astype(np.float64)
    rise, fall = min(fade, head), min(fade, len(out) - head)
    out[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / max(rise, 1))
    out[len(out) - fall :] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 1) / max(fall, 1))
    return out

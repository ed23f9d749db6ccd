"""Lays pieces of sound at times: no click at their edges, and tails that ring on under each other."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import soxr
from jaxtyping import Float32

from vis2sound_jax import large
from vis2sound_jax.audio.downmix import mono_of

FADE_IN_S, FADE_OUT_S = 0.004, 0.02
_LEAST_FADE_S = 0.0005  # of a sound that has nothing before its attack
_OCTAVE_CENTS = 1200.0
_FINEST_HZ = 1.0
_FADES = 8
_SOUNDS = 64  # laid before a long soundtrack is let go of


class Sound(NamedTuple):
    """A sound to be laid.

    Attributes:
      wav: [n, c] as it is to be heard.
      attack: sample of `wav` that lies at the time.
    """

    wav: np.ndarray
    attack: int


def shaped(
    wav: Float32[np.ndarray, "n c"], attack: int, rate_hz: float, target_hz: int, *, cents: float = 0.0
) -> Sound:
    """Brings a piece to the rate of a soundtrack, higher or lower if wanted, and fades its edges.

    Args:
      wav: the piece.
      attack: its sample that begins to sound.
      rate_hz: its sample rate.
      target_hz: sample rate of the soundtrack.
      cents: hundredths of a semitone by which it sounds higher.

    Returns:
      The sound. Its fade in ends at the attack at the latest, but for half a millisecond where nothing comes before.
    """
    played_hz = rate_hz * 2 ** (cents / _OCTAVE_CENTS)
    if abs(played_hz - target_hz) >= _FINEST_HZ:
        out = soxr.resample(wav, played_hz, target_hz, quality="VHQ")
        attack = min(round(attack * target_hz / played_hz), max(len(out) - 1, 0))
    else:
        out = np.array(wav, np.float32)
    rise = max(min(round(FADE_IN_S * target_hz), attack), min(round(_LEAST_FADE_S * target_hz), len(out)))
    fall = min(round(FADE_OUT_S * target_hz), max(len(out) - rise, 0))
    out[:rise] *= _ramp(rise)[:, None]
    out[len(out) - fall :] *= _ramp(fall)[::-1, None]
    return Sound(out, attack)


def lay(
    sounds: Iterator[tuple[float, float, Sound]],
    rate_hz: int,
    length: int,
    channels: int,
    *,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Adds sounds up to a soundtrack.

    Args:
      sounds: time in seconds, amplitude factor and sound of each event, in any order; made one at a time.
      rate_hz: sample rate of sounds and soundtrack.
      length: samples of the soundtrack.
      channels: of the soundtrack; a sound has as many, or one for all.
      out: where to put the soundtrack, silent, [length, channels] float32; by default a new array.

    Returns:
      [length, channels] float32, large where it is long (`large.zeros`). What lies outside is not heard; a sound that
      is cut by the end fades there. It may be louder than 1, for sounds add up.
    """
    out = large.zeros((length, channels)) if out is None else out
    lay_within(out, [(0, length)], sounds, rate_hz)
    return out


def lay_within(
    out: Float32[np.ndarray, "n c"],
    spans: Sequence[tuple[int, int]],
    sounds: Iterator[tuple[float, float, Sound]],
    rate_hz: int,
) -> None:
    """Adds sounds to stretches of a soundtrack; every sample of these is what `lay` makes of it, to the bit.

    Args:
      out: the soundtrack, to which is added.
      spans: first sample and the one after the last of each stretch; none overlaps another.
      sounds: as in `lay`, in the same order.
      rate_hz: sample rate of sounds and soundtrack.
    """
    length, fade = len(out), round(FADE_OUT_S * rate_hz)
    for number, (time_s, gain, sound) in enumerate(sounds):
        if number % _SOUNDS == 0:
            large.let_go(out)
        begin = round(time_s * rate_hz) - sound.attack
        first, last = max(begin, 0), min(begin + len(sound.wav), length)
        if last <= first:
            continue
        piece = gain * sound.wav[first - begin : last - begin]
        if begin < 0:  # begins before the soundtrack does
            rise = min(round(_LEAST_FADE_S * rate_hz), len(piece))
            piece[:rise] *= _ramp(rise)[:, None]
        if last < begin + len(sound.wav):
            fall = min(fade, len(piece))
            piece[len(piece) - fall :] *= _ramp(fall)[::-1, None]
        for span_first, span_last in spans:
            begins, ends = max(first, span_first), min(last, span_last)
            if begins < ends:
                out[begins:ends] += piece[begins - first : ends - first]
    large.let_go(out)


def panned(wav: Float32[np.ndarray, "n c"], pan: float) -> Float32[np.ndarray, "n c"]:
    """Moves a sound of two channels to one side, by turning the other one down.

    Args:
      wav: left and right.
      pan: from -1, left alone, to 1, right alone; at 0 nothing changes.

    Returns:
      The sound.
    """
    left, right = (np.cos(np.pi / 2 * max(side, 0.0)) for side in (pan, -pan))
    return wav * np.array([left, right], np.float32) if pan else wav


def as_channels(wav: Float32[np.ndarray, "n c"], channels: int) -> Float32[np.ndarray, "n k"]:
    """Brings a sound to a number of channels: one becomes two alike, two become their mean.

    Args:
      wav: one or two channels.
      channels: wanted, 1 or 2.

    Returns:
      The sound with so many.
    """
    if wav.shape[1] == channels:
        return wav
    return np.repeat(wav, 2, axis=1) if channels == 2 else mono_of(wav)[:, None]


def room_tone(
    tones: Sequence[Float32[np.ndarray, "n c"]], rate_hz: int, length: int, rng: np.random.Generator
) -> Float32[np.ndarray, "m c"]:
    """Goes on with the sound of a room for as long as wanted, by pieces that pass into each other.

    Args:
      tones: stretches of it at least 50 ms long, at `rate_hz`.
      rate_hz: their sample rate.
      length: samples wanted.
      rng: draws the pieces.

    Returns:
      The tone, m = length, at the level of the stretches.
    """
    out, number = large.zeros((length, tones[0].shape[1])), 0
    # One length for all, so that what goes and what comes cross; a piece is at least four times as long.
    fade, place = max(min(map(len, tones)) // _FADES, 1), 0
    # Powers add up to one where two unlike noises cross.
    ramp = np.sqrt(_ramp(fade))[:, None]
    while place < length:
        tone = tones[int(rng.integers(len(tones)))]
        size = min(len(tone), round(rng.uniform(0.5, 1.0) * len(tone)) + 2)
        start = int(rng.integers(0, len(tone) - size + 1))
        piece = np.array(tone[start : start + size], np.float32)
        if place:
            piece[:fade] *= ramp
        piece[size - fade :] *= ramp[::-1]
        stop = min(place + size, length)
        out[place:stop] += piece[: stop - place]
        place, number = place + max(size - fade, 1), number + 1
        if number % _SOUNDS == 0:
            large.let_go(out)
    return out


def _ramp(samples: int) -> Float32[np.ndarray, "n"]:
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1))).astype(np.float32)

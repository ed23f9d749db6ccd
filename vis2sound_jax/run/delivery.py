"""How soundtracks are handed over: their rate, loudness and peaks, and the film's own sound under them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from vis2sound_jax import large
from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.levels import at_loudness, integrated_lufs, limited
from vis2sound_jax.audio.rates import resampled
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.container import Media
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.target import check_pcm, check_pictures

RATES_HZ = (
    *(8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
    *(64_000, 88_200, 96_000, 176_400, 192_000),
)
"""Rates at which sound is written."""

_LEAST_LUFS = -70.0
_LEAST_DB, _MOST_DB = -96.0, 12.0
_BLOCK_S = 60
_ROUNDS, _NEAR_LU, _MOST_MORE_LU = 6, 0.05, 6.0


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What is asked of the sound that is written.

    Attributes:
      rate_hz: one of `RATES_HZ`.
      lufs: integrated loudness to bring it to, from -70 to below 0; None leaves it as it is.
      keep_sound_db: level at which the film's own sound is mixed under it, from -96 to 12; None leaves that out.
      pcm: whether the film holds PCM of 24 bits and not AAC or Opus.
    """

    rate_hz: int = 48_000
    lufs: float | None = None
    keep_sound_db: float | None = None
    pcm: bool = False

    def __post_init__(self) -> None:
        """Refuses what cannot be written.

        Raises:
          UserError: for a rate that is none of `RATES_HZ`, or a level out of range.
        """
        if self.rate_hz not in RATES_HZ:
            allowed = ", ".join(map(str, RATES_HZ))
            raise UserError(f"--rate={self.rate_hz} is no rate that players know; it must be one of {allowed}")
        if self.lufs is not None and not _LEAST_LUFS <= self.lufs < 0:
            raise UserError(f"--lufs={self.lufs:g} is no loudness; give one from -70 to below 0, such as -23")
        if self.keep_sound_db is not None and not _LEAST_DB <= self.keep_sound_db <= _MOST_DB:
            raise UserError(f"--keep_sound={self.keep_sound_db:g} dB is out of range; give a level from -96 to 12")


PLAIN = Delivery()
"""At 48 kHz, as loud as it was made, without the film's own sound."""


def delivery_of(request: Any) -> Delivery:
    """Reads the flags `run.requests.DELIVERY`.

    Args:
      request: `config.request` of a job that has them.

    Returns:
      What they ask for.

    Raises:
      UserError: if a value is not allowed.
    """
    return Delivery(
        request.rate, level_of("lufs", request.lufs), level_of("keep_sound", request.keep_sound), request.pcm
    )


def level_of(flag: str, value: str) -> float | None:
    """Reads a level as it stands on the command line.

    Args:
      flag: its name.
      value: what stands there.

    Returns:
      The level in decibels; None where nothing stands.

    Raises:
      UserError: if it is no number.
    """
    if not value:
        return None
    try:
        return float(value)
    except ValueError as error:
        raise UserError(f"--{flag}={value} is not a number; give a level in dB, such as -23") from error


def check_delivery(delivery: Delivery, video: Path, output: Path) -> None:
    """Refuses what could not be delivered for a film, before hours of work.

    Args:
      delivery: what is asked.
      video: the film; a missing one is told where it is opened for the work.
      output: the film to write.

    Raises:
      UserError: if the film has no sound to keep, or the output does not hold PCM or the film's pictures.
    """
    if delivery.pcm:
        check_pcm(output)
    if video.is_file():
        with Media(video) as media:
            check_pictures(media, output, pcm=delivery.pcm)
    if delivery.keep_sound_db is not None:
        with Film.open(video) as film:
            _check_own_sound(film)


def deliver(
    wav: Float32[np.ndarray, "n *c"], rate_hz: int, film: Film, delivery: Delivery
) -> Float32[np.ndarray, "m *d"]:
    """Makes a soundtrack ready to be written: at its rate, with the film's own sound, at its loudness, below -1 dB.

    Args:
      wav: the soundtrack, one channel, or left and right as columns.
      rate_hz: its rate.
      film: that it is for; its own sound is read only where it is kept.
      delivery: what is asked.

    Returns:
      round(duration * `delivery.rate_hz`) samples with a true peak of at most -1 dB; as many channels as the
      soundtrack has, or two where the film's own sound has two. The loudness is the wanted one, unless more than 6 dB
      would have to be taken from the peaks for that.

    Raises:
      UserError: if the film's own sound is to be kept and there is none, or it cannot be read.
    """
    if rate_hz != delivery.rate_hz:
        wav = resampled(wav, rate_hz, delivery.rate_hz, "VHQ")
    wav = _of_length(wav, round(film.duration_s * delivery.rate_hz))
    if delivery.keep_sound_db is not None:
        wav = _over_own_sound(wav, film, delivery.rate_hz, delivery.keep_sound_db)
    if delivery.lufs is not None:
        return _limited_at(wav, delivery.rate_hz, delivery.lufs)
    return limited(wav, delivery.rate_hz)


def _limited_at(wav: Float32[np.ndarray, "n *c"], rate_hz: int, lufs: float) -> Float32[np.ndarray, "n *c"]:
    """Brings a sound to a loudness below the ceiling: what the limiter takes is given back, up to a bound."""
    aim = lufs
    for _ in range(_ROUNDS):
        made = limited(at_loudness(wav, rate_hz, aim), rate_hz)
        reached = integrated_lufs(made, rate_hz)
        if reached is None or lufs - reached < _NEAR_LU or aim >= lufs + _MOST_MORE_LU:
            break
        aim = min(aim + lufs - reached, lufs + _MOST_MORE_LU)
    return made


def _of_length(wav: Float32[np.ndarray, "n *c"], length: int) -> Float32[np.ndarray, "m *c"]:
    if len(wav) >= length:
        return wav[:length]
    longer = large.zeros((length, *wav.shape[1:]))
    for place in large.pieces(len(wav), wav, longer):
        longer[place] = wav[place]
    return longer


def _check_own_sound(film: Film) -> None:
    if not film.facts.has_sound:
        name = film.name if film.path is None else film.path
        raise file_error(name, "has no sound of its own to keep", "leave --keep_sound out")


def _over_own_sound(
    wav: Float32[np.ndarray, "n *c"], film: Film, rate_hz: int, level_db: float
) -> Float32[np.ndarray, "n *d"]:
    """Mixes the film's own sound under a soundtrack, minute by minute."""
    _check_own_sound(film)
    own, gain = Example(film.name, film=film, media=film.media), np.float32(10 ** (level_db / 20))
    mixed = wav.reshape(len(wav), -1)
    for begin in range(0, len(wav), _BLOCK_S * rate_hz):
        end = min(begin + _BLOCK_S * rate_hz, len(wav))
        heard, _ = own.read_channels(rate_hz, start_s=begin / rate_hz, duration_s=(end - begin) / rate_hz)
        if begin == 0:
            mixed = np.repeat(mixed, 1 if mixed.shape[1] >= heard.shape[1] else heard.shape[1], axis=1)
        mixed[begin:end] += gain * heard
    return mixed if mixed.shape[1] > 1 else mixed[:, 0]

"""Makes the kind of sound that an example lacks: a scratch out of hits, a hit out of a scratch."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.downmix import mono_of
from vis2sound_jax.retrieval.pieces import Piece, attack_level_db

SCRATCH_S = 0.45
_SCRATCH_DB = -6.0  # below the loudest sample of the hit
_SOURCE_S = 0.12
_GRAIN_S = 0.05
_OVERLAP = 3
_SWELL = 0.8
HIT_S = 0.3
_DECAY_S, _RISE_S = 0.1, 0.001
_LOUDEST_S = 0.02
_TINY = 1e-6


def scratch_of_hits(pieces: Sequence[Piece], rng: np.random.Generator) -> Float32[np.ndarray, "n c"]:
    """Rubs hits: their grains of 50 ms in quick and uneven succession, swelling and fading.

    Args:
      pieces: hits of one rate and as many channels.
      rng: draws the grains.

    Returns:
      0.45 s of sound that begins at once.
    """
    rate_hz, channels = pieces[0].rate_hz, pieces[0].wav.shape[1]
    grain, length = round(_GRAIN_S * rate_hz), round(SCRATCH_S * rate_hz)
    window = np.hanning(grain).astype(np.float32)[:, None]
    sources = [_source(piece, grain) for piece in pieces]
    out = np.zeros((length, channels), np.float32)
    place = 0
    while place < length - grain:
        source = sources[int(rng.integers(len(sources)))]
        # The beginning of a hit has its colour, the end only the room.
        start = int(rng.random() * rng.integers(0, len(source) - grain + 1))
        cut = source[start : start + grain]
        swell = np.sin(np.pi * (place + grain / 2) / length) ** _SWELL * rng.uniform(0.7, 1.3)
        out[place : place + grain] += swell * window * cut / (np.sqrt(np.mean(cut**2)) + _TINY)
        place += max(round(grain / _OVERLAP * rng.uniform(0.7, 1.3)), 1)
    loudest = max(float(np.abs(piece.wav).max()) for piece in pieces)
    return out * np.float32(loudest * 10 ** (_SCRATCH_DB / 20) / max(float(np.abs(out).max()), _TINY))


def hit_of_scratch(piece: Piece) -> Float32[np.ndarray, "n c"]:
    """Strikes with a scratch: its loudest moment, dying away at once.

    Args:
      piece: a scratch.

    Returns:
      At most 0.3 s of sound that begins at once.
    """
    wav, rate_hz = piece.wav[piece.attack :], piece.rate_hz
    width = max(min(round(_LOUDEST_S * rate_hz), len(wav)), 1)
    power = np.convolve(np.mean(wav.astype(np.float64) ** 2, axis=1), np.ones(width), "valid")
    start = int(power.argmax()) if len(power) else 0
    out = np.array(wav[start : start + round(HIT_S * rate_hz)], np.float32)
    out *= np.exp(-np.arange(len(out)) / (_DECAY_S * rate_hz)).astype(np.float32)[:, None]
    rise = min(round(_RISE_S * rate_hz), len(out))
    out[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)[:, None]
    return out


def as_loud(wav: Float32[np.ndarray, "n c"], piece: Piece) -> Float32[np.ndarray, "n c"]:
    """Brings what was made of a piece to the piece's own loudness: as many samples of noise are louder than a knock.

    Args:
      wav: sound at the piece's rate that begins at once.
      piece: what it was made of.

    Returns:
      The sound, no louder in any sample than the piece's loudest.
    """
    level_db = attack_level_db(mono_of(wav), piece.rate_hz)
    loudest = float(np.abs(piece.wav).max()) / max(float(np.abs(wav).max()), _TINY)
    return wav * np.float32(min(10 ** ((piece.loudness_db - level_db) / 20), loudest))


def _source(piece: Piece, grain: int) -> Float32[np.ndarray, "n c"]:
    cut = piece.wav[piece.attack :][: round(_SOURCE_S * piece.rate_hz)]
    return np.pad(cut, ((0, max(grain + 1 - len(cut), 0)), (0, 0)))

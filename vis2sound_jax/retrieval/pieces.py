"""Takes an example apart into pieces: one hit or one scratch each, with its whole decay and nothing else."""

import dataclasses

import numpy as np
import soxr
from jaxtyping import Float, Float32, Int

from vis2sound_jax.retrieval.sound_kind import KIND_RATE_HZ, SoundKind, kind_features
from vis2sound_jax.retrieval.starts import decibels, sound_starts

LEAD_S = 0.012
"""Sound kept before an attack, and left out before the next one."""
LONGEST_S = 2.5
CLEAN_DB, CLEAN_S = 9.5, 0.12
"""A clean piece rises at least so much and is at least so long."""
_HOP_S = 0.01
_DECAYED_DB = 60.0
_SILENT_FOR_HOPS = 5
_LEVEL_LEAD_S, _LEVEL_S = 0.05, 0.25


@dataclasses.dataclass(frozen=True)
class Piece:
    """One sound of an example.

    Attributes:
      wav: [n, c] float32, from up to 12 ms before the attack to the end of the decay, as recorded.
      rate_hz: its sample rate.
      attack: sample of `wav` at which it begins to sound.
      example: index of the example that it is from.
      start_s: time of the attack in that example, in seconds.
      rise_db: level of the 30 ms after the attack above the 30 ms before it.
      alone_s: seconds from the attack to the next one, or to the end; at least 2.5 where the example has no other.
      loudness_db: RMS level around the attack, re 1.
      brightness_hz: spectral centroid.
      scratch: probability that it is a scratch and no hit.
    """

    wav: np.ndarray
    rate_hz: int
    attack: int
    example: int
    start_s: float
    rise_db: float
    alone_s: float
    loudness_db: float
    brightness_hz: float
    scratch: float

    @property
    def clean(self) -> bool:
        """Whether it stands out and holds one sound alone."""
        return self.rise_db >= CLEAN_DB and self.alone_s >= CLEAN_S

    @property
    def length_s(self) -> float:
        """Seconds from its attack to its end."""
        return (len(self.wav) - self.attack) / self.rate_hz


def mine(
    wav: Float32[np.ndarray, "n c"],
    rate_hz: int,
    kind: SoundKind,
    example: int = 0,
    mono: Float32[np.ndarray, "c"] | None = None,
) -> list[Piece]:
    """Finds all pieces of an example.

    Args:
      wav: the example, in [-1, 1].
      rate_hz: its sample rate.
      kind: tells hits from scratches.
      example: its index.
      mono: share of each channel in what is listened to; None for their mean.

    Returns:
      The pieces in order of time; the loudest moment alone, with a `rise_db` of 0, where nothing has an attack. None
      for a sound that is empty.
    """
    mixed = wav.mean(axis=1) if mono is None else wav @ mono
    heard = soxr.resample(np.asarray(mixed, np.float32), rate_hz, KIND_RATE_HZ)
    if not len(heard):
        return []
    found, rises_db = sound_starts(heard, KIND_RATE_HZ)
    ends = _ends(heard, found)
    pieces = []
    for k, (attack, rise_db) in enumerate(zip(found, rises_db, strict=True)):
        before = found[k - 1] if k else None
        next_s = (found[k + 1] if k + 1 < len(found) else len(heard)) / KIND_RATE_HZ
        if len(found) == 1:  # a file of one sound has all of it, however short it is
            next_s = max(next_s, attack / KIND_RATE_HZ + LONGEST_S)
        pieces.append(_piece(wav, rate_hz, heard, before, int(attack), int(ends[k]), rise_db, next_s, kind, example))
    return pieces


def clean_pieces(pieces: list[Piece]) -> tuple[list[Piece], bool]:
    """Keeps the pieces that hold one sound alone.

    Args:
      pieces: of all examples.

    Returns:
      The clean ones and True; where there is none, the one that stands out most, and False.
    """
    clean = [piece for piece in pieces if piece.clean]
    if clean or not pieces:
        return clean, bool(clean)
    return [max(pieces, key=lambda piece: (piece.rise_db, piece.loudness_db))], False


def attack_level_db(wav: Float[np.ndarray, "n"], rate_hz: int, lead: int = 0) -> float:
    """Measures the RMS level of the quarter of a second around an attack, as if silence lay around a shorter sound.

    Args:
      wav: mono sound.
      rate_hz: its sample rate.
      lead: samples of it before the attack.

    Returns:
      Decibels re 1, at least -100.
    """
    heard = np.asarray(wav[: lead + round((_LEVEL_S - _LEVEL_LEAD_S) * rate_hz)], np.float64)
    return decibels(float(np.sqrt(np.sum(heard**2) / (_LEVEL_S * rate_hz))))


def _piece(
    wav: np.ndarray,
    rate_hz: int,
    mono: np.ndarray,
    before: int | None,
    attack: int,
    end: int,
    rise_db: float,
    next_s: float,
    kind: SoundKind,
    example: int,
) -> Piece:
    """Cuts a piece out of the sound as recorded and measures it at the rate of `mono`."""
    lead = round(LEAD_S * KIND_RATE_HZ)
    begin = max(attack - lead, 0 if before is None else (before + attack) // 2)
    first, place, last = (round(sample * rate_hz / KIND_RATE_HZ) for sample in (begin, attack, end))
    cut = np.array(wav[first : max(last, place + 1)], np.float32)
    around = mono[max(attack - round(_LEVEL_LEAD_S * KIND_RATE_HZ), 0) : end]
    ahead = min(attack, round(_LEVEL_LEAD_S * KIND_RATE_HZ))
    features = kind_features(mono[:end], attack)
    return Piece(
        wav=cut,
        rate_hz=rate_hz,
        attack=min(place - first, len(cut) - 1),
        example=example,
        start_s=attack / KIND_RATE_HZ,
        rise_db=rise_db,
        alone_s=float(next_s - attack / KIND_RATE_HZ),
        loudness_db=attack_level_db(around, KIND_RATE_HZ, ahead),
        brightness_hz=float(np.expm1(features[7])),
        scratch=float(kind.scratch(features[None])[0]),
    )


def _ends(mono: np.ndarray, found: Int[np.ndarray, "k"]) -> Int[np.ndarray, "k"]:
    """Where each sound has decayed, or the next one begins."""
    levels = _levels(mono, round(_HOP_S * KIND_RATE_HZ))
    lead = round(LEAD_S * KIND_RATE_HZ)
    following = [*(found[1:] - lead), len(mono)]
    return np.array([_end(levels, int(a), int(b)) for a, b in zip(found, following, strict=True)], np.int64)


def _end(levels: Float[np.ndarray, "t"], attack: int, following: int) -> int:
    """Where the sound that begins at an attack ends, `following` at the latest."""
    hop, longest = round(_HOP_S * KIND_RATE_HZ), attack + round(LONGEST_S * KIND_RATE_HZ)
    last = max(min(following, longest), attack + 1)
    heard = levels[attack // hop : last // hop]
    if not len(heard):
        return last
    # Not where it reaches the level of the room: where hits are close, the quietest moment is the tail of one.
    loud = np.flatnonzero(heard > heard.max() * 10 ** (-_DECAYED_DB / 20))
    silent = len(heard) - 1 - loud[-1] if len(loud) else 0
    return last if silent < _SILENT_FOR_HOPS else (attack // hop + int(loud[-1]) + 1 + _SILENT_FOR_HOPS) * hop


def _levels(wav: np.ndarray, hop: int) -> Float[np.ndarray, "t"]:
    whole = np.asarray(wav[: len(wav) // hop * hop], np.float64).reshape(-1, hop)
    return np.sqrt(np.mean(whole**2, axis=1))

"""The pieces of one or several examples, and soundtracks made of them."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import soxr
from jaxtyping import Float32

from vis2sound_jax.retrieval.choice import ATTACK, GRAINS, Choice
from vis2sound_jax.retrieval.laying import Sound, as_channels, lay, room_tone, shaped
from vis2sound_jax.retrieval.made_over import hit_of_scratch, scratch_of_hits
from vis2sound_jax.retrieval.pieces import Piece, clean_pieces, mine
from vis2sound_jax.retrieval.sound_kind import SoundKind

_TONE_S, _MOST_TONES = 0.2, 16
_SILENCE = 1e-4  # -80 dB: an example whose peak is lower holds nothing to copy
_QUIETEST = 1e-7  # digital silence is no room
_BELOW, _EVEN = 0.25, 1.4  # amplitudes: a room is so much softer than the loudest sound, and does not die away
_LARGEST = 512


@dataclasses.dataclass(frozen=True)
class Library:
    """What can be copied.

    Attributes:
      pieces: the ones to choose from, at least one.
      clean: False where nothing in the examples stands out, so that the most prominent moment stands for it.
      tones: [n, c] stretches of the rooms without a sound in them, with their rates; empty where there are none.
      channels: 1, or 2 if any example has two.
    """

    pieces: tuple[Piece, ...]
    clean: bool
    tones: tuple[tuple[np.ndarray, int], ...]
    channels: int

    def sound(
        self, choices: Sequence[Choice], rate_hz: int, length: int, rngs: Sequence[np.random.Generator]
    ) -> Float32[np.ndarray, "n c"]:
        """Makes a soundtrack.

        Args:
          choices: what sounds when.
          rate_hz: its sample rate.
          length: its samples, n.
          rngs: for each choice what draws its grains.

        Returns:
          The sum of the sounds, which may be louder than 1.
        """
        return lay(self._sounds(choices, rate_hz, rngs), rate_hz, length, self.channels)

    def tone(self, rate_hz: int, length: int, rng: np.random.Generator) -> Float32[np.ndarray, "n c"]:
        """Goes on with the rooms of the examples.

        Args:
          rate_hz: sample rate.
          length: samples wanted, n.
          rng: draws the stretches.

        Returns:
          The tone at its own level; silence where the examples have no room to be heard.
        """
        if not self.tones:
            return np.zeros((length, self.channels), np.float32)
        at_rate = [soxr.resample(wav, own_hz, rate_hz) for wav, own_hz in self.tones]
        return room_tone([as_channels(wav, self.channels) for wav in at_rate], rate_hz, length, rng)

    def _sounds(
        self, choices: Sequence[Choice], rate_hz: int, rngs: Sequence[np.random.Generator]
    ) -> Iterator[tuple[float, float, Sound]]:
        for choice, rng in zip(choices, rngs, strict=True):
            wav, attack, own_hz = self._made(choice, rng)
            sound = shaped(as_channels(wav, self.channels), attack, own_hz, rate_hz, cents=choice.cents)
            yield choice.wanted.time_s + choice.shift_s, choice.gain, sound

    def _made(self, choice: Choice, rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
        """The sound of a choice, its attack and its rate."""
        piece = self.pieces[choice.piece]
        if choice.how == GRAINS:
            hits = [one for one in self.pieces if one.example == piece.example and one.scratch < 0.5]
            return scratch_of_hits(hits or [piece], rng), 0, piece.rate_hz
        if choice.how == ATTACK:
            return hit_of_scratch(piece), 0, piece.rate_hz
        return piece.wav, piece.attack, piece.rate_hz


def library_of(examples: Sequence[tuple[Float32[np.ndarray, "_ _"], int]], kind: SoundKind) -> Library | None:
    """Mines examples.

    Args:
      examples: sounds [n, c] with their sample rates, of one or two channels.
      kind: tells hits from scratches.

    Returns:
      The library; None where all examples are empty or silent: none has a peak of 1e-4, -80 dB.
    """
    pieces, tones = [], []
    for number, (wav, rate_hz) in enumerate(examples):
        if np.abs(wav).max(initial=0.0) < _SILENCE:
            continue
        pieces += mine(wav, rate_hz, kind, number)
        tones += _tones(wav, rate_hz)
    chosen, clean = clean_pieces(pieces)
    if not chosen:
        return None
    # Of an example of an hour, the pieces that stand out most.
    chosen = sorted(sorted(chosen, key=lambda piece: -piece.rise_db)[:_LARGEST], key=_place)
    channels = max(wav.shape[1] for wav, _ in examples)
    return Library(tuple(chosen), clean, tuple(tones), channels)


def _place(piece: Piece) -> tuple[int, float]:
    return piece.example, piece.start_s


def _tones(wav: np.ndarray, rate_hz: int) -> list[tuple[np.ndarray, int]]:
    """The quietest stretches of 0.2 s, at most a twentieth of the sound, none with a sound or its tail."""
    size = 2 * round(_TONE_S * rate_hz / 2)
    count = len(wav) // size
    if not count:
        return []
    halves = np.sqrt(np.mean(np.asarray(wav[: count * size]).reshape(count, 2, -1) ** 2, axis=2))
    level = halves.max(axis=1)
    even = (halves.min(axis=1) * _EVEN >= level) & (level > _QUIETEST) & (level <= _BELOW * level.max())
    quietest = [k for k in np.argsort(level, kind="stable") if even[k]][: min(max(count // 20, 1), _MOST_TONES)]
    return [(np.array(wav[k * size : (k + 1) * size], np.float32), rate_hz) for k in quietest]

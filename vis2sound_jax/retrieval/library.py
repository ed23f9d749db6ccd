"""The pieces of one or several examples, and soundtracks made of them."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import soxr
from jaxtyping import Float32

from vis2sound_jax import large
from vis2sound_jax.audio.downmix import Heard
from vis2sound_jax.retrieval.choice import ATTACK, GRAINS, Choice
from vis2sound_jax.retrieval.laying import Sound, as_channels, lay, lay_within, panned, room_tone, shaped
from vis2sound_jax.retrieval.made_over import HIT_S, SCRATCH_S, as_loud, hit_of_scratch, scratch_of_hits
from vis2sound_jax.retrieval.pieces import LONGEST_S, Piece, clean_pieces, mine
from vis2sound_jax.retrieval.sound_kind import SoundKind

_TONE_S, _MOST_TONES = 0.2, 16
_SILENCE = 1e-4  # -80 dB: an example whose peak is lower holds nothing to copy
_QUIETEST = 1e-7  # digital silence is no room
_BELOW, _EVEN = 0.25, 1.4  # amplitudes: a room is so much softer than the loudest sound, and does not die away
_LARGEST = 512
_SPARE = 64  # samples by which a resampled sound may be longer than its rates say


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
        self,
        choices: Sequence[Choice],
        rate_hz: int,
        length: int,
        rngs: Sequence[np.random.Generator],
        out: Float32[np.ndarray, "n c"] | None = None,
    ) -> Float32[np.ndarray, "n c"]:
        """Makes a soundtrack.

        Args:
          choices: what sounds when.
          rate_hz: its sample rate.
          length: its samples, n.
          rngs: for each choice what draws its grains.
          out: where to put it, silent; by default a new array.

        Returns:
          The sum of the sounds, which may be louder than 1; c is 2 where one of them is panned.
        """
        channels = self.channels_of(choices)
        return lay(self._sounds(choices, rate_hz, rngs, channels), rate_hz, length, channels, out=out)

    def channels_of(self, choices: Sequence[Choice]) -> int:
        """How many channels a soundtrack has: those of the examples, or two where a sound is panned."""
        return 2 if any(choice.wanted.pan for choice in choices) else self.channels

    def sound_within(
        self,
        out: Float32[np.ndarray, "n c"],
        spans: Sequence[tuple[int, int]],
        choices: Sequence[Choice],
        rate_hz: int,
        rng_of: Callable[[Choice], np.random.Generator],
    ) -> int:
        """Makes stretches of a soundtrack again; only sounds that reach into them are made.

        Args:
          out: the soundtrack, which becomes what `sound` gives within the stretches and stays as it is elsewhere.
          spans: first sample and the one after the last of each stretch; none overlaps another.
          choices: all that sounds when, in the order in which `sound` gets them.
          rate_hz: sample rate.
          rng_of: what draws the grains of a choice.

        Returns:
          The number of sounds that were made.
        """
        for first, last in spans:
            out[first:last] = 0.0
        near = []
        for choice in choices:
            begin, end = self.reach(choice, rate_hz)
            if any(begin < last and first < end for first, last in spans):
                near.append(choice)
        sounds = self._sounds(near, rate_hz, [rng_of(choice) for choice in near], out.shape[1])
        lay_within(out, spans, sounds, rate_hz)
        return len(near)

    def reach(self, choice: Choice, rate_hz: int) -> tuple[int, int]:
        """Says how far a sound can be heard, without making it.

        Args:
          choice: what sounds when.
          rate_hz: sample rate of the soundtrack.

        Returns:
          A sample at or before its first one, and one after its last.
        """
        piece = self.pieces[choice.piece]
        lead_s, rest_s = piece.attack / piece.rate_hz, piece.length_s
        if choice.how in (GRAINS, ATTACK):
            lead_s, rest_s = 0.0, SCRATCH_S if choice.how == GRAINS else HIT_S
        slower = 2 ** (-choice.cents / 1200)
        place = round((choice.wanted.time_s + choice.shift_s) * rate_hz)
        before, after = (math.ceil(seconds * slower * rate_hz) + _SPARE for seconds in (lead_s, rest_s))
        return place - before, place + after

    def number_of(self, piece: int) -> int:
        """Which piece of its example one is, counted from 1 in order of time."""
        return sum(1 for one in self.pieces[: piece + 1] if one.example == self.pieces[piece].example)

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
            return large.zeros((length, self.channels))
        at_rate = [soxr.resample(wav, own_hz, rate_hz) for wav, own_hz in self.tones]
        return room_tone([as_channels(wav, self.channels) for wav in at_rate], rate_hz, length, rng)

    def _sounds(
        self, choices: Sequence[Choice], rate_hz: int, rngs: Sequence[np.random.Generator], channels: int
    ) -> Iterator[tuple[float, float, Sound]]:
        for choice, rng in zip(choices, rngs, strict=True):
            wav, attack, own_hz = self._made(choice, rng)
            sound = shaped(as_channels(wav, self.channels), attack, own_hz, rate_hz, cents=choice.cents)
            if channels != self.channels:
                sound = sound._replace(wav=as_channels(sound.wav, channels))
            if choice.wanted.pan:
                sound = sound._replace(wav=panned(sound.wav, choice.wanted.pan))
            yield choice.wanted.time_s + choice.shift_s, choice.gain, sound

    def _made(self, choice: Choice, rng: np.random.Generator) -> tuple[np.ndarray, int, int]:
        """The sound of a choice, its attack and its rate."""
        piece = self.pieces[choice.piece]
        if choice.how == GRAINS:
            hits = [one for one in self.pieces if one.example == piece.example and one.scratch < 0.5]
            return as_loud(scratch_of_hits(hits or [piece], rng), piece), 0, piece.rate_hz
        if choice.how == ATTACK:
            return as_loud(hit_of_scratch(piece), piece), 0, piece.rate_hz
        return piece.wav, piece.attack, piece.rate_hz


def library_of(examples: Sequence[tuple[Float32[np.ndarray, "_ _"], int]], kind: SoundKind) -> Library | None:
    """Mines examples.

    Args:
      examples: sounds [n, c] with their sample rates, of one or two channels.
      kind: tells hits from scratches.

    Returns:
      The library; None where all examples are empty or silent: none has a peak of 1e-4, -80 dB.
    """
    mined = []
    for k, (wav, rate_hz) in enumerate(examples):
        heard = Heard(["NONE"] * wav.shape[1])
        heard.add(wav)
        weights = heard.mono().weights
        mined.append(mine_blocks([wav], rate_hz, kind, k, None if weights is None else weights[:, 0]))
    return library_of_mined(mined)


class Mined(NamedTuple):
    """What was found in one example.

    Attributes:
      pieces: all of them, in order of time; none in one that is silent.
      tones: stretches of its room with their rate.
    """

    pieces: list[Piece]
    tones: list[tuple[np.ndarray, int]]


def mine_blocks(
    blocks: Iterable[Float32[np.ndarray, "_ _"]],
    rate_hz: int,
    kind: SoundKind,
    example: int = 0,
    mono: Float32[np.ndarray, "c"] | None = None,
) -> Mined:
    """Mines an example that comes in blocks, so that memory does not grow with its length.

    Args:
      blocks: consecutive sounds [n, c].
      rate_hz: their sample rate.
      kind: tells hits from scratches.
      example: its index.
      mono: share of each channel in what is listened to, the same in all blocks; None for their mean.

    Returns:
      Its pieces and its room. Of many pieces, the 512 that stand out most.
    """
    pieces: list[Piece] = []
    tones: list[tuple[np.ndarray, int]] = []
    held, begin, overlap = np.zeros((0, 1), np.float32), 0, round(2 * LONGEST_S * rate_hz)
    for block, last in _with_last(blocks):
        held = np.concatenate([held, block]) if len(held) else block
        # A sound near the end of what is there is left to the next block, which has all of it.
        keep = len(held) if last else max(len(held) - overlap, 0)
        if np.abs(held).max(initial=0.0) >= _SILENCE:
            found = mine(held, rate_hz, kind, example, mono)
            own = [piece for piece in found if begin == 0 or piece.start_s >= LONGEST_S]
            own = [piece for piece in own if last or piece.start_s * rate_hz < keep + LONGEST_S * rate_hz]
            pieces += [replace(piece, start_s=piece.start_s + begin / rate_hz) for piece in own]
            tones += _tones(held, rate_hz)
        pieces = sorted(_most(pieces), key=_place)
        tones = sorted(tones, key=lambda tone: float(np.mean(tone[0] ** 2)))[:_MOST_TONES]
        held, begin = held[keep:], begin + keep
    return Mined(pieces, tones)


def library_of_mined(mined: Sequence[Mined]) -> Library | None:
    """Puts what was found in several examples into one library.

    Args:
      mined: of each example, in order.

    Returns:
      The library; None where nothing was found.
    """
    chosen, clean = clean_pieces([piece for one in mined for piece in one.pieces])
    if not chosen:
        return None
    tones = tuple(tone for one in mined for tone in one.tones)
    channels = max(piece.wav.shape[1] for piece in chosen)
    return Library(tuple(sorted(_most(chosen), key=_place)), clean, tones, channels)


def _with_last(blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """Blocks, each with whether it is the last one."""
    before = None
    for block in blocks:
        if before is not None:
            yield before, False
        before = block
    if before is not None:
        yield before, True


def _most(pieces: list[Piece]) -> list[Piece]:
    """The pieces that stand out most, clean ones before others."""
    return sorted(pieces, key=lambda piece: (not piece.clean, -piece.rise_db))[:_LARGEST]


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

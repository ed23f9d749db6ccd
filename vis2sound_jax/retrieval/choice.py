"""Chooses a piece for every event, and how it is varied. What is chosen for an event depends on that event alone."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from vis2sound_jax.retrieval.pieces import Piece

RngOf = Callable[[int], np.random.Generator]
"""Id of an event → its own source of chance, the same one each time it is asked for."""
COPIED, GRAINS, ATTACK = "copied", "grains of hits", "attack of a scratch"
"""How a sound is made of its piece: as it is; a scratch out of hits; a hit out of a scratch."""
_DECKS = 2
_NEAR_SHARE = 0.5  # of the fitting pieces, the nearer half is drawn from
_FEWEST = 3
_GAIN_DB, _CENTS, _SHIFT_S = 1.5, 25.0, 0.003  # at --vary=1
_RUNG_OUT_S, _LONG_SHARE = 0.5, 0.8
_SURE = 0.95  # a sound is made over only where the wanted kind is this sure
_STEPS_DB = 6.0  # gain is corrected no further than this towards the wanted level


@dataclasses.dataclass(frozen=True)
class Wanted:
    """An event that is to sound.

    Attributes:
      id: number that stays the event's own when others are added or taken away.
      time_s: when it begins, in seconds.
      scratch: probability that it is a scratch; None where nobody can tell.
      force_db: how much louder it looks than the film's mean event.
      gain: amplitude factor, such as for how sure it is.
      cents: by how much it is to sound higher.
      pan: from -1, left, to 1, right.
      example: index of the example that its piece is to be from; None for any.
      piece: index of the piece that it is to have; None lets chance choose.
      take: number of the take whose chance it has, from 0; None for that of each take.
    """

    id: int
    time_s: float
    scratch: float | None = None
    force_db: float = 0.0
    gain: float = 1.0
    cents: float = 0.0
    pan: float = 0.0
    example: int | None = None
    piece: int | None = None
    take: int | None = None


@dataclasses.dataclass(frozen=True)
class Choice:
    """A piece at a time.

    Attributes:
      wanted: the event.
      piece: index of the piece.
      how: `COPIED`, `GRAINS` or `ATTACK`.
      gain: amplitude factor.
      cents: by how much it sounds higher.
      shift_s: how much later than the event it sounds.
    """

    wanted: Wanted
    piece: int
    how: str
    gain: float
    cents: float
    shift_s: float


@dataclasses.dataclass(frozen=True)
class Chooser:
    """The rules of the choice; ablations switch some of them off.

    Attributes:
      vary: size of the small changes of gain, pitch and time, from 0 for none to 1.
      by_kind: whether hits get hits and scratches get scratches.
      by_level: whether pieces are chosen and levelled by the force that is seen.
      made_over: whether a kind that the example lacks is made of the other one.
    """

    vary: float = 1.0
    by_kind: bool = True
    by_level: bool = True
    made_over: bool = True

    def choose(self, pieces: Sequence[Piece], wanted: Sequence[Wanted], rng_of: RngOf) -> list[Choice]:
        """Chooses for every event.

        Neighbouring ids draw from different decks, so that two events in a row never get the same piece where two
        fit; a choice needs to know nothing of its neighbours for that. It holds where the kind is known of both or
        of neither.

        Args:
          pieces: at least one.
          wanted: the events.
          rng_of: chance of each event.

        Returns:
          One choice an event.
        """
        hits = [k for k, piece in enumerate(pieces) if piece.scratch < 0.5]
        scratches = [k for k, piece in enumerate(pieces) if piece.scratch >= 0.5]
        mean_db = float(np.mean([piece.loudness_db for piece in pieces]))
        return [self._choose(pieces, hits, scratches, mean_db, one, rng_of(one.id)) for one in wanted]

    def _choose(
        self,
        pieces: Sequence[Piece],
        hits: list[int],
        scratches: list[int],
        mean_db: float,
        wanted: Wanted,
        rng: np.random.Generator,
    ) -> Choice:
        if wanted.example is not None and wanted.piece is None:
            hits, scratches = ([k for k in some if pieces[k].example == wanted.example] for some in (hits, scratches))
        every, how = [*hits, *scratches], COPIED
        if self.by_kind and wanted.scratch is not None:
            fitting, other = (scratches, hits) if wanted.scratch >= 0.5 else (hits, scratches)
            sure = abs(wanted.scratch - 0.5) >= _SURE - 0.5
            if not fitting and sure and self.made_over:
                how = GRAINS if wanted.scratch >= 0.5 else ATTACK
            every = fitting or other
        level_db = mean_db + wanted.force_db
        every = _whole(pieces, every)
        deck = _deck(pieces, every, wanted.id)
        if self.by_level:
            near = sorted(deck, key=lambda k: abs(pieces[k].loudness_db - level_db))
            deck = near[: max(_FEWEST, round(_NEAR_SHARE * len(near)))]
        # What is drawn after it is the same whether somebody chose the piece or not.
        drawn = deck[int(rng.integers(len(deck)))]
        piece = drawn if wanted.piece is None else wanted.piece
        gain_db = np.clip(level_db - pieces[piece].loudness_db, -_STEPS_DB, _STEPS_DB) if self.by_level else 0.0
        gain_db += self.vary * rng.uniform(-_GAIN_DB, _GAIN_DB)
        cents = wanted.cents + self.vary * rng.uniform(-_CENTS, _CENTS)
        shift_s = self.vary * rng.uniform(-_SHIFT_S, _SHIFT_S)
        gain = wanted.gain * 10 ** (float(gain_db) / 20)
        return Choice(wanted, piece, how, gain, float(cents), float(shift_s))


def _whole(pieces: Sequence[Piece], fitting: list[int]) -> list[int]:
    """The pieces that rang out before the next sound began; where there is none, those that rang longest."""
    enough_s = min(_RUNG_OUT_S, _LONG_SHARE * max(pieces[k].alone_s for k in fitting))
    return [k for k in fitting if pieces[k].alone_s >= enough_s]


def _deck(pieces: Sequence[Piece], fitting: list[int], number: int) -> list[int]:
    """Every second of the fitting pieces, in order of loudness, so that both decks reach from soft to loud."""
    ordered = sorted(fitting, key=lambda k: (pieces[k].loudness_db, k))
    return ordered[number % _DECKS :: _DECKS] or ordered

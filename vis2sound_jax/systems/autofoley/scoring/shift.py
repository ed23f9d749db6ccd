"""The shift test: a film that is moved in time must move its sound by as much."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.systems.autofoley.chain import ClassFoley
from vis2sound_jax.systems.autofoley.scoring.measures import envelope, envelope_likeness
from vis2sound_jax.systems.autofoley.scoring.rows import Pairs

SHIFT_S = 0.2
CLIPS = 12
"""Clips that are tried at most, spread over all."""


@dataclass(frozen=True)
class Later:
    """A film that begins later: its first frame is held.

    Attributes:
      pairs: the film.
      frames: by how many it is later.
    """

    pairs: Pairs
    frames: int

    def __len__(self) -> int:
        """Number of frames, as before."""
        return len(self.pairs)

    def __iter__(self) -> Iterator[Any]:
        """One pair of frames after another."""
        every = list(self.pairs)
        return iter([every[0]] * self.frames + every[: len(every) - self.frames])


def shift_errors(foley: ClassFoley, records: Records) -> list[int]:
    """Moves films by `SHIFT_S` and compares the envelopes of what is predicted.

    Args:
      foley: a chain.
      records: clips; some of them are tried.

    Returns:
      For each that was tried, by how many columns the sound moved more or less than the film.
    """
    found, size = [], foley.predictor.size
    # A whole number of frames that is a whole number of columns, where there is one.
    rate = size.columns_hz / size.fps
    around = round(SHIFT_S * size.fps)
    near = range(max(1, around - 3), around + 4)
    frames = min(near, key=lambda k: (round(abs(k * rate - round(k * rate)), 6), abs(k - around)))
    for k in np.unique(np.linspace(0, len(records) - 1, min(CLIPS, len(records))).round().astype(int)):
        pairs = Pairs(records[int(k)])
        if len(pairs) <= 2 * frames:
            continue
        plain, later = (foley.seen(film) for film in (pairs, Later(pairs, frames)))
        label = int(plain.logits.argmax())
        curves = [envelope(foley.predictor.amplitudes(one, label)) for one in (plain, later)]
        likeness, lag = envelope_likeness(curves[1], curves[0])
        if np.isfinite(likeness):
            found.append(abs(lag - round(frames * rate)))
    return found

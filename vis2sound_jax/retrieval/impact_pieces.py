"""Cuts the impacts of an annotated recording out of it: pieces with the edges of `pieces`, at times that are given.

What is annotated, or found as a peak of amplitude, is not where a sound begins; its attack is looked for around that
time. The sound before it belongs to another impact, and what rings after it belongs to it until the next one begins.
A scratch swells: it may be annotated where it is touched, before its attack, and then it is kept from there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int16

from vis2sound_jax.retrieval.onset_transfer import attack_near
from vis2sound_jax.retrieval.pieces import LEAD_S, LONGEST_S

FULL_SCALE = 32767
"""What 1.0 is stored as."""
ONE_IMPACT_S = 0.06
"""Attacks that are no further apart belong to one impact."""


class Cut(NamedTuple):
    """The sound of one impact.

    Attributes:
      wav: [n] from up to 12 ms before its attack, or before its time where that is earlier, until the next impact, for
        2.5 s at most; in 16 bits.
      attack: sample of `wav` at which it begins to sound.
      attack_s: time of that sample in the recording, in seconds.
    """

    wav: Int16[np.ndarray, "n"]
    attack: int
    attack_s: float


def cut_impacts(wav: Float32[np.ndarray, "m"], rate_hz: int, times_s: Sequence[float]) -> list[Cut]:
    """Cuts every impact of a recording.

    Args:
      wav: the recording, in [-1, 1].
      rate_hz: its sample rate.
      times_s: time of each impact in seconds, within 60 ms of its attack, in any order. One that is silent, or beyond
        the sound, begins where the time says, as far as there is sound.

    Returns:
      A cut for each time. It begins no earlier than halfway from the attack before, and ends 12 ms before the next.
    """
    found = [_attack(wav, rate_hz, time_s) for time_s in times_s]
    lead, longest, apart = (round(seconds * rate_hz) for seconds in (LEAD_S, LONGEST_S, ONE_IMPACT_S))
    cuts = []
    for attack, time_s in zip(found, times_s, strict=True):
        first = min(attack, round(time_s * rate_hz))
        before = [(other + attack) // 2 for other in found if other < attack]
        after = [other - lead for other in found if other > attack + apart]
        begin, end = max(first - lead, 0, *before), min(attack + longest, len(wav), *after)
        stored = np.round(np.clip(wav[begin:end], -1, 1) * FULL_SCALE).astype(np.int16)
        cuts.append(Cut(stored, attack - begin, attack / rate_hz))
    return cuts


def _attack(wav: np.ndarray, rate_hz: int, time_s: float) -> int:
    """Where an impact begins to sound; a sample of the recording."""
    sample = min(max(round(time_s * rate_hz), 0), max(len(wav) - 1, 0))
    found = attack_near(wav, sample, rate_hz)
    return sample if found is None else found

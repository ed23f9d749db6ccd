"""Puts a delivered soundtrack into its film, as AAC, Opus or PCM, with peaks that stay low when the film is played."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.levels import CEILING_DB, limited, true_peak_db
from vis2sound_jax.audio.rates import resampled
from vis2sound_jax.run.delivery import Delivery
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import mux_sounds

AAC_HZ = 48_000
"""Rate of AAC and Opus in films; PCM keeps the rate of the WAV file."""

_ROUNDS, _MARGIN_DB = 3, 0.1
_BLOCK_S = 60.0


def write_with_sound(film: Film, wav: Float32[np.ndarray, "n *c"], delivery: Delivery, path: Path) -> None:
    """Writes a film with a delivered soundtrack.

    AAC and Opus move the peaks of a dense sound by a dB or more. So the film is heard again, and where its peaks are
    above the ceiling, the sound in the film is limited by that much more; the WAV file is not.

    Args:
      film: whose pictures are taken.
      wav: what `run.delivery.deliver` made.
      delivery: what was asked.
      path: the film to write.

    Raises:
      UserError: if it cannot be written.
    """
    if delivery.pcm:
        mux_sounds(film, [wav], delivery.rate_hz, [path], pcm=True)
        return
    if delivery.rate_hz != AAC_HZ:
        wav = resampled(wav, delivery.rate_hz, AAC_HZ, "VHQ")
    mux_sounds(film, [wav], AAC_HZ, [path])
    ceiling_db = CEILING_DB
    for _ in range(_ROUNDS):
        over_db = _played_peak_db(path) - CEILING_DB
        if over_db <= 0:
            break
        ceiling_db -= over_db + _MARGIN_DB
        mux_sounds(film, [limited(wav, AAC_HZ, ceiling_db)], AAC_HZ, [path])


def _played_peak_db(path: Path) -> float:
    """The true peak of a film's sound as players decode it, minute by minute."""
    with Example.open(path) as heard:
        return max(true_peak_db(block, AAC_HZ) for block in heard.blocks(_BLOCK_S))

"""Other sample rates for sounds of any length, piece by piece."""

from collections.abc import Iterable

import numpy as np
import soxr
from jaxtyping import Float32

from vis2sound_jax import large

_SPARE = 64  # samples by which a stream may be longer than its ratio says


def resampled(
    wav: Float32[np.ndarray, "n *c"], rate_hz: float, wanted_hz: float, quality: str = "HQ"
) -> Float32[np.ndarray, "m *c"]:
    """Brings a sound to another rate; bit for bit what `soxr.resample` makes of it at once.

    Args:
      wav: the sound, one channel, or one per column.
      rate_hz: its sample rate.
      wanted_hz: wanted sample rate.
      quality: as soxr calls it.

    Returns:
      The sound at that rate, large where it is long; see `large.zeros`.

    Raises:
      UserError: if there is no room for it.
    """
    length = len(wav) * wanted_hz / rate_hz
    if 4 * max(length, 1) * wav[:1].size < large.MAPPED_BYTES:
        return soxr.resample(wav, rate_hz, wanted_hz, quality=quality)
    stream = soxr.ResampleStream(rate_hz, wanted_hz, wav[0].size, dtype="float32", quality=quality)
    made, filled = large.zeros((round(length) + _SPARE, *wav.shape[1:])), 0
    for place in large.pieces(len(wav), wav, made):
        out = stream.resample_chunk(np.ascontiguousarray(wav[place]), last=place.stop == len(wav))
        made[filled : filled + len(out)] = out
        filled += len(out)
    return made[:filled]


def heard_in_blocks(
    blocks: Iterable[Float32[np.ndarray, "_ c"]],
    rate_hz: int,
    wanted_hz: int,
    weights: Float32[np.ndarray, "c"] | None = None,
) -> Float32[np.ndarray, "m"]:
    """Mixes a sound that comes in blocks to one channel and brings it to another rate.

    Args:
      blocks: consecutive parts of it.
      rate_hz: its sample rate.
      wanted_hz: wanted sample rate.
      weights: of its channels in the mix; None takes their mean.

    Returns:
      The mix of its channels, large where it is long; see `large.zeros`.

    Raises:
      UserError: if there is no room for it.
    """
    stream = soxr.ResampleStream(rate_hz, wanted_hz, 1, dtype="float32")
    parts = [stream.resample_chunk(_mono(block, weights)) for block in blocks]
    parts.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    made, filled = large.zeros((sum(map(len, parts)),)), 0
    for part in parts:
        made[filled : filled + len(part)] = part
        filled += len(part)
        large.let_go(made)
    return made


def _mono(block: Float32[np.ndarray, "n c"], weights: Float32[np.ndarray, "c"] | None) -> Float32[np.ndarray, "n"]:
    return block.mean(axis=1) if weights is None else block @ weights

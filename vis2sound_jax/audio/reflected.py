"""Parts of a sound that is reflected at both ends, without a copy of the whole: long sounds are large."""

import numpy as np
from jaxtyping import Float


def reflected_part(wav: Float[np.ndarray, "n"], half: int, start: int, stop: int) -> Float[np.ndarray, "m"]:
    """Cuts `np.pad(wav, half, mode="reflect")[start:stop]`; what lies beyond the padding is silent.

    Args:
      wav: the sound, at least one sample.
      half: samples that are reflected at either end.
      start: first sample of the part in the reflected sound, at least 0.
      stop: the sample after its last one.

    Returns:
      The part, m = stop - start samples.
    """
    n = len(wav)
    if start >= half and stop <= n + half:
        return wav[start - half : stop - half]
    places, period = np.arange(start, stop) - half, max(2 * (n - 1), 1)
    reflected = np.abs(places) % period
    part = wav[np.minimum(reflected, period - reflected) % n]
    part[places >= n + half] = 0
    return part

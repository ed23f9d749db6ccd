"""Windows that overlap become one signal: each sample is the plain mean of all that covers it."""

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.errors import UserError


class OverlapMean:
    """Takes windows in order and gives out samples that no later window reaches.

    What is held is as long as the windows overlap, not as the recording. Sums are kept in double precision, so that
    the mean does not depend on how many windows there were before.
    """

    def __init__(self) -> None:
        self._first = 0
        self._sums = np.zeros(0)
        self._counts = np.zeros(0)

    def add(self, start: int, window: Float[np.ndarray, "n"]) -> None:
        """Adds one window.

        Args:
          start: its first sample.
          window: its samples.

        Raises:
          ValueError: if it reaches back to samples that were given out.
        """
        place = start - self._first
        if place < 0:
            raise ValueError(f"a window begins at {start}, but samples up to {self._first} have been given out")
        more = place + len(window) - len(self._sums)
        if more > 0:
            self._sums, self._counts = (np.pad(x, (0, more)) for x in (self._sums, self._counts))
        self._sums[place : place + len(window)] += window
        self._counts[place : place + len(window)] += 1

    def take(self, before: int | None = None) -> Float32[np.ndarray, "n"]:
        """Gives out the mean of what was added.

        Args:
          before: the first sample that a later window may still reach; by default there is no later window.

        Returns:
          The samples since the last call.

        Raises:
          ValueError: if a sample among them is in no window.
        """
        n = len(self._sums) if before is None else min(max(before - self._first, 0), len(self._sums))
        if not self._counts[:n].all():
            raise ValueError(f"a sample from {self._first} to {self._first + n} is in no window")
        mean = (self._sums[:n] / self._counts[:n]).astype(np.float32)
        self._first += n
        self._sums, self._counts = self._sums[n:].copy(), self._counts[n:].copy()
        return mean


def padded_to(wav: Float32[np.ndarray, "n"], length: int) -> Float32[np.ndarray, "m"]:
    """Lengthens a short sound by its mirror image, as often as it takes.

    Args:
      wav: the sound.
      length: samples wanted.

    Returns:
      The sound itself if it is long enough.

    Raises:
      UserError: if there is no sound at all.
    """
    if not len(wav):
        raise UserError(
            f"a sound has 0 samples, but a window of {length} is to be filled; give a sound that is not empty"
        )
    if len(wav) == 1:
        return np.repeat(wav, max(length, 1))
    return np.pad(wav, (0, max(length - len(wav), 0)), mode="reflect")

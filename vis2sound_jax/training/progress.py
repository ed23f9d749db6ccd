"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

LINE_INTERVAL_S = 30.0
"""Seconds between plain lines when standard error is not a terminal."""


class Progress:
    """Shows how far a piece of work is, its rate and the time that remains; a context manager.

    On a terminal a tqdm bar; elsewhere one plain line about every 30 s, so that short work is silent.
    """

    def __init__(
        self, total: int | None, description: str, *, initial: int = 0, unit: str = "step", shown: bool = True
    ) -> None:
        """Starts the clock.

        Args:
          total: units in the whole work, None if not known.
          description: what is being done, e.g. the name of the stage.
          initial: units that were done before, e.g. by a run that this one resumes.
          unit: what is counted.
          shown: whether to show anything; of several processes one does.
        """
        self._shown = shown
        self._total, self._description, self._unit = total, description, unit
        self._done = self._initial = initial
        self._note = ""
        self._started_s = self._line_s = time.monotonic()
        # disable=None makes tqdm silent where standard error is not a terminal.
        self._bar = tqdm(
            total=total,
            desc=description,
            initial=initial,
            unit=unit,
            disable=None if shown else True,
            dynamic_ncols=True,
        )

    def advance(self, count: int = 1, *, note: str = "") -> None:
        """Counts finished units.

        Args:
          count: how many units were finished.
          note: a few words to show beside the rate, e.g. the loss; "" keeps the last note.
        """
        self._done += count
        if note:
            self._note = note
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(count)
        now_s = time.monotonic()
        if self._shown and self._bar.disable and now_s - self._line_s >= LINE_INTERVAL_S:
            self._line_s = now_s
            print(self._line(now_s), file=sys.stderr, flush=True)

    def reach(self, done: int, total: int) -> None:
        """Counts up to `done` of `total`: the form in which the rooms that know no bar report.

        Args:
          done: units finished so far.
          total: units in the whole work.
        """
        self._total = self._bar.total = total
        self.advance(done - self._done)

    def _line(self, now_s: float) -> str:
        rate = (self._done - self._initial) / max(now_s - self._started_s, 1e-9)
        parts = [f"{self._done} {self._unit}s", f"{rate:.3g} {self._unit}s/s"]
        if self._total:
            parts[0] = f"{self._done}/{self._total} {self._unit}s ({100 * self._done // self._total} %)"
            left_s = int((self._total - self._done) / max(rate, 1e-9))
            parts.append(f"{left_s // 60} min {left_s % 60:02d} s left")
        return f"{self._description}: " + ", ".join(parts + [self._note] * bool(self._note))

    def close(self) -> None:
        """Ends the bar."""
        self._bar.close()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def track(work: Iterable[T], description: str, *, total: int | None = None, unit: str = "item") -> Iterator[T]:
    """Goes through `work` and shows the progress.

    Args:
      work: anything to iterate over; `range(n)` for a mere count.
      description: what is being done.
      total: number of items, needed if `work` has no length.
      unit: what one item is.

    Yields:
      The items of `work`.
    """
    if total is None and isinstance(work, Sized):
        total = len(work)
    with Progress(total, description, unit=unit) as progress:
        for item in work:
            yield item
            progress.advance()

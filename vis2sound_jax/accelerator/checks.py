"""Checks made of cases: each is done alone, and what fails or comes too late is a row with its reason."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

DONE, DIFFERS, FAILED, LEFT_OUT, NOT_HERE = "done", "differs", "failed", "left out", "not here"
"""What became of a case; a case that may fail where its library or device lacks something is `NOT_HERE` then."""

Row = dict[str, Any]


class Case(NamedTuple):
    """One row of a check.

    Attributes:
      name: of the row.
      run: returns its values; `status` may be among them.
      optional: whether some devices cannot do it.
    """

    name: str
    run: Callable[[], Mapping[str, Any]]
    optional: bool = False


class Check(NamedTuple):
    """Cases of one kind.

    Attributes:
      name: of the check.
      seconds: that it may take, and those that earlier checks left.
      cases: in the order in which they are run.
    """

    name: str
    seconds: float
    cases: Sequence[Case]


class Clock:
    """The time that is left; checks get what those before them did not use."""

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic):
        """Starts.

        Args:
          seconds: until everything must be over.
          now: tells the time in seconds.
        """
        self._now, self._start, self._end = now, now(), seconds
        self._until = 0.0

    def allow(self, seconds: float) -> None:
        """Adds to what may be used."""
        self._until = min(self._until + seconds, self._end)

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return self._now() - self._start

    @property
    def left(self) -> float:
        """Seconds that the current check may use."""
        return self._until - self.passed


def run_checks(checks: Sequence[Check], clock: Clock, note: Callable[[str, Row], None]) -> bool:
    """Runs every case for which there is time.

    A case that has begun is not interrupted, so that the last one of a check can take longer than there was left.

    Args:
      checks: in order.
      clock: says how much time is left.
      note: gets the name of the check and the row after every case.

    Returns:
      Whether nothing failed, differed or was left out.
    """
    good = True
    for check in checks:
        clock.allow(check.seconds)
        for case in check.cases:
            row = _row(case, clock)
            good = good and row["status"] in (DONE, NOT_HERE)
            note(check.name, row)
    return good


def _row(case: Case, clock: Clock) -> Row:
    if clock.left <= 0:
        return {"name": case.name, "status": LEFT_OUT, "reason": "the time for this check was over"}
    begin = clock.passed
    row: Row = {"name": case.name, "status": DONE}
    try:
        row |= case.run()
    except Exception as error:  # whatever a device, compiler or library says is what the row is to tell
        row |= {"status": NOT_HERE if case.optional else FAILED, "reason": first_line(error)}
    # Programs hold memory, and no case uses those of another.
    jax.clear_caches()
    return row | {"seconds": round(clock.passed - begin, 2)}


def first_line(error: Exception) -> str:
    """Says what an error is about in one line of at most 300 signs."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no reason is given'}"[:300]

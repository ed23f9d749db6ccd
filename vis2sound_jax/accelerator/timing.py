"""How long compiled programs take: warmed up, several calls in flight, the median of several rounds."""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

MOST_BYTES = 16e9
"""A program that needs more memory than this is not run, so that the check is the same on all devices."""


class Effort(NamedTuple):
    """How much is measured.

    Attributes:
      small: whether networks are the smallest that there are, to test the check itself.
      rounds: of which the median counts.
      calls: in flight in each round.
    """

    small: bool = False
    rounds: int = 5
    calls: int = 8


SMALL = Effort(small=True, rounds=2, calls=2)
"""For tests on a CPU."""


def seconds_of(call: Callable[[], Any], effort: Effort) -> float:
    """Measures a call that starts work on the device and does not wait for it.

    Args:
      call: returns arrays of the device, of which each follows from all before it or the device works in order.
      effort: how often it is called.

    Returns:
      Seconds of one call: the median of rounds, each of which waits for its last call only.
    """
    jax.block_until_ready(call())
    found = []
    for _ in range(effort.rounds):
        begin = time.perf_counter()
        for _ in range(effort.calls):
            last = call()
        jax.block_until_ready(last)
        found.append((time.perf_counter() - begin) / effort.calls)
    return statistics.median(found)


def needed_bytes(program: Any) -> int:
    """Reads from a compiled program how much memory it needs, with its arguments."""
    memory = program.memory_analysis()
    more = max(0, memory.output_size_in_bytes - memory.alias_size_in_bytes)
    return int(memory.argument_size_in_bytes + memory.temp_size_in_bytes + more)


def check_size(program: Any) -> int:
    """Refuses a program that is too large.

    Args:
      program: compiled.

    Returns:
      The bytes that it needs.

    Raises:
      MemoryError: if they are more than `MOST_BYTES`.
    """
    needed = needed_bytes(program)
    if needed > MOST_BYTES:
        raise MemoryError(f"the program needs {needed / 1e9:.1f} GB, and the check takes {MOST_BYTES / 1e9:.0f} GB")
    return needed

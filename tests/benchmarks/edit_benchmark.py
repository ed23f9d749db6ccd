"""Time of an edit of one event in a long film, beside sounding all of it, and the share of samples that change.

    python tests/benchmarks/edit_benchmark.py --minutes=10 --events=1000

The example is drawn: thirty knocks in stereo. No network takes part.
"""

import argparse
import dataclasses
import time

import numpy as np

from vis2sound_jax.audio.example import Example
from vis2sound_jax.exchange.events import Event, EventList
from vis2sound_jax.systems.condfoley.edits import events_of_list
from vis2sound_jax.systems.condfoley.engines import Options, open_library
from vis2sound_jax.systems.condfoley.event_rule import EventRule
from vis2sound_jax.systems.condfoley.plan import Plan, plan_pieces

RATE_HZ = 48_000
RULE = EventRule(threshold=0.1)


def _example() -> Example:
    rng = np.random.default_rng(0)
    wav = 0.0005 * rng.standard_normal((30 * RATE_HZ, 2))
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    for second in range(30):
        knock = rng.uniform(0.2, 0.8) * np.exp(-t / 0.1) * np.sin(2 * np.pi * rng.uniform(300, 2000) * t)
        first = second * RATE_HZ + RATE_HZ // 4
        wav[first : first + len(t)] += knock[:, None]
    return Example.of_wav(wav.astype(np.float32), RATE_HZ, "knocks")


def main() -> None:
    """Prints seconds, shares and whether all else is the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--edits", type=int, default=10)
    asked = parser.parse_args()
    duration_s, rng = 60 * asked.minutes, np.random.default_rng(0)
    library = open_library([_example()], RULE)
    times_s = np.sort(rng.uniform(0, duration_s, asked.events))
    events = [Event(float(t), id=k, kind="hit", confidence=0.9) for k, t in enumerate(times_s)]

    def planned(some: list[Event], known: Plan | None = None) -> Plan:
        listed = events_of_list(EventList(tuple(some)))
        return plan_pieces(library, listed, RULE, Options(), seed=0, takes=1, examples=["knocks"], before=known)

    before = planned(events)
    begun = time.perf_counter()
    wav = before.sound(0, duration_s)
    print(f"{asked.minutes:g} min, {asked.events} events: {time.perf_counter() - begun:.2f} s to sound all of it")
    seconds, shares, made = [], [], []
    for k in rng.integers(0, asked.events, asked.edits):
        edited = [*events[:k], dataclasses.replace(events[k], time_s=events[k].time_s + 0.04), *events[k + 1 :]]
        edited = [one for one in edited if one.time_s < duration_s]
        begun = time.perf_counter()
        after = planned(edited, before)
        again, count = after.sound_again(0, wav, before)
        seconds.append(time.perf_counter() - begun)
        shares.append(float((again != wav).any(axis=1).mean()))
        made.append(count)
        np.testing.assert_array_equal(again.view(np.uint32), after.sound(0, duration_s).view(np.uint32))
    print(f"an event moved by 40 ms: {np.median(seconds):.3f} s (worst {max(seconds):.3f} s), the plan included")
    print(f"sounds made: {np.median(made):g} of {asked.events}; samples changed: {100 * np.median(shares):.3f} %")
    print("each edit gives what sounding all of it gives, bit for bit")


if __name__ == "__main__":
    main()

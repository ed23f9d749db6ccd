"""Times the making of soundtracks by parts, on this machine: how many seconds a second of film takes.

Run `python tests/benchmarks/film_benchmark.py --workdir=runs/condfoley --video=FILM --example=FILM_OR_SOUND`. The first
film compiles and is told apart; of the films after it, each part's least time counts.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vis2sound_jax.audio.example import Example
from vis2sound_jax.generation.compose import Composer
from vis2sound_jax.generation.watch import Watcher
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.chain import Foley, load
from vis2sound_jax.systems.condfoley.engines import ENGINES, Plan
from vis2sound_jax.video.film import Film, Pictures

# What is timed: where the function lives, its name, what it does. Time inside a listed part counts for that part alone.
PARTS = (
    (Pictures, "__iter__", "open the pictures"),
    (Watcher, "watch", "decode and watch both"),
    (Example, "read", "read the example's sound"),
    (chain, "open_library", "take the example apart"),
    (Foley, "events_of", "read the events"),
    (Plan, "sound", "lay the pieces"),
    (Composer, "film", "compose the codes"),
    (Foley, "mel", "codes to log-mel"),
    (chain, "sound_in_windows", "vocode"),
    (Foley, "rank", "rank the takes"),
)


class Clock:
    """Seconds by part; a part's own, without those of parts called inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside = [0.0]

    def timed(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps a function so that its calls are added up."""

        def call(*arguments: Any, **options: Any) -> Any:
            self._inside.append(0.0)
            begin = time.perf_counter()
            result = function(*arguments, **options)
            took = time.perf_counter() - begin
            self.seconds[label] += took - self._inside.pop()
            self._inside[-1] += took
            return result

        return call


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--video", required=True)
    parser.add_argument("--example", required=True)
    parser.add_argument("--takes", type=int, default=4)
    parser.add_argument("--engine", default="exemplar", choices=ENGINES)
    parser.add_argument("--films", type=int, default=3, help="films after the first")
    return parser.parse_args()


def main() -> None:
    """Prints a table of parts, and how the whole compares with the film's own length."""
    flags, clock = read_flags(), Clock()
    for owner, name, label in PARTS:
        setattr(owner, name, clock.timed(label, getattr(owner, name)))
    foley, seconds = load(flags.workdir), Film.open(flags.video).duration_s

    def make(folder: str) -> None:
        with Film.open(flags.video) as film:
            result = foley.generate(film, Request(flags.example, flags.takes, options={"engine": flags.engine}))
            clock.timed("write the films", write_result)(result, Path(folder) / "film.mp4")

    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(1 + flags.films):
            clock.seconds.clear()
            clock.timed("the rest", make)(folder)
            rounds.append(dict(clock.seconds))
    least = {label: min(one[label] for one in rounds[1:]) for label in rounds[0]}
    whole = sum(least.values())
    for label, took in least.items():
        print(f"{label:32}{took:8.2f} s")
    print(f"{'all':32}{whole:8.2f} s for {seconds:.1f} s of film and {flags.takes} takes: {whole / seconds:.2f} of it")
    print(f"the first film, which compiles: {sum(rounds[0].values()):.1f} s")


if __name__ == "__main__":
    main()

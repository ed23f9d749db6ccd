"""Ends and disturbs the program at every stage and job: `python -m tests.faults --kills=10`; prints a table.

Every stage and job of each system is run at its tiny size and killed, by SIGKILL and SIGTERM in turn, at random moments
of the time that it takes; after each kill the same command is run again and must leave what an undisturbed run leaves.
Then some jobs are run on a full disk, in a locked folder, with a jumping clock, without HOME, as a user that nobody
knows, and in a new volume.

`--systems=vis`, `--stages=prepare,encoder` and `--jobs=generate` do a part; `--stages=none` leaves the stages out, but
jobs of a system need its run, so that all stages are run once.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.faults.commands import SYSTEMS, System, environment, run, scratch
from tests.faults.kills import Bench, try_jobs, try_stages
from tests.faults.places import setting_of, try_places


def _chosen(asked: str, every: Sequence[str]) -> list[str]:
    return [name for name in every if not asked or name in asked.split(",")]


def rows(bench: Bench, system: System, stages: str, jobs: str, *, places: bool) -> Iterator[Any]:
    """The lines of the table, one after another."""
    wanted, asked = _chosen(stages, system.stages), _chosen(jobs, list(system.jobs))
    if wanted:
        yield from try_stages(bench, system, wanted)
    elif asked or places:
        run(system.up_to(bench.place / system.name, system.stages[-1]), environment(bench.cache), bench.place)
    yield from try_jobs(bench, system, asked)
    if places:
        setting = setting_of(bench, system, bench.place / system.name)
        yield from try_places(setting, tuple(job for job in ("generate", "draw") if job in system.jobs))


def main() -> int:
    """Does what the command line says.

    Returns:
      The exit code: 0 where all was right.
    """
    parser = argparse.ArgumentParser("python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of each stage and job")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    for name in ("systems", "stages", "jobs"):
        parser.add_argument(f"--{name}", default="", help="with commas between them; all by default, or none")
    parser.add_argument("--noplaces", action="store_true", help="leave the odd places out")
    parser.add_argument("--table", type=Path, help="a file to add the lines to")
    asked, wrong = parser.parse_args(), 0
    for name in _chosen(asked.systems, list(SYSTEMS)):
        with scratch() as place:
            bench = Bench(place, place / "compiled", asked.kills, asked.seed)
            for row in rows(bench, SYSTEMS[name], asked.stages, asked.jobs, places=not asked.noplaces):
                wrong += bool(row.faults)
                print(row, flush=True)
                if asked.table:
                    with asked.table.open("a") as table:
                        table.write(f"{row}\n")
    print(f"{wrong} of the lines are not right" if wrong else "all is right")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

"""The process that puts inputs through the program; it may crash, and its parent then knows with which input.

    python -m tests.fuzz.worker SCRATCH KEEP

It reads tasks from its standard input and answers each with a line for every input, all of them JSON.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import hypothesis
from absl import logging
from hypothesis import HealthCheck, Phase, given

from tests.fuzz import checks
from tests.fuzz.kinds import KINDS, REFUSED, Arguments
from tests.fuzz.verdict import Verdict, judged

DOOR, PLAN = "door.json", "plan.txt"
"""What a door is told, and what was drawn; the door's file is there once the input is written."""
_MOST_KEPT = 3


def seed_of(seed: int, kind: str, batch: int) -> int:
    """A number for each batch of a run."""
    return int.from_bytes(hashlib.sha256(f"{seed} {kind} {batch}".encode()).digest()[:8], "big")


def through(kind: str, folder: Path, arguments: Arguments, out: Path) -> Verdict:
    """Puts the files of a folder through the door of their kind."""
    return judged(
        lambda: KINDS[kind].run(folder, arguments, out),
        lambda: KINDS[kind].check(folder, arguments, out),
        lambda: REFUSED[kind](folder, arguments, out) if kind in REFUSED else checks.check_nothing(out),
    )


def again(place: Path) -> Verdict:
    """Puts a kept input through its door again."""
    door, out = json.loads((place / DOOR).read_text()), place / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return through(door["kind"], place / "in", door["arguments"], out)


def keep(now: Path, where: str, kept: Path) -> str:
    """Keeps an input that went wrong, three at most of each fault; returns its place."""
    door = json.loads((now / DOOR).read_text())
    name = f"{door['kind']}-{re.sub(r'[^A-Za-z0-9]+', '_', where)[:60]}"
    places = [kept / f"{name}-{number}" for number in range(1, _MOST_KEPT + 1)]
    place = next((one for one in places if not one.exists()), None)
    if place is None:
        return str(places[0])
    shutil.copytree(now, place, ignore=shutil.ignore_patterns("out"))
    (place / DOOR).write_text(json.dumps({**door, "where": where}, indent=1))
    return str(place)


def warm_up(kind: str, scratch: Path) -> None:
    """Loads what the first input of a kind would load, so that it is not taken for the input's own need."""
    _batch({"kind": kind, "seed": 0, "count": 3, "until": time.monotonic() + 60}, scratch, None, lambda _: None)


def _batch(task: dict[str, Any], scratch: Path, kept: Path | None, tell: Any) -> None:
    kind, now = task["kind"], scratch / "now"

    @hypothesis.seed(task["seed"])
    @hypothesis.settings(
        max_examples=task["count"],
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS[kind].plans)
    def one(plan: Any) -> None:
        if time.monotonic() > task["until"]:
            return
        shutil.rmtree(now, ignore_errors=True)
        (now / "in").mkdir(parents=True)
        (now / "out").mkdir()
        (now / PLAN).write_text(repr(plan))
        arguments = KINDS[kind].write(now / "in", plan)
        (now / DOOR).write_text(json.dumps({"kind": kind, "arguments": arguments}))
        verdict = through(kind, now / "in", arguments, now / "out")
        place = keep(now, verdict.where, kept) if verdict.wrong and kept is not None else ""
        tell({**verdict._asdict(), "kept": place})

    one()


def main() -> None:
    """Serves its parent until that closes the pipe."""
    warnings.simplefilter("ignore")
    logging.set_verbosity(logging.FATAL)  # as main does
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    scratch, kept, warm = Path(sys.argv[1]), Path(sys.argv[2]), set[str]()

    def tell(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    for line in sys.stdin:
        task = json.loads(line)
        if task["kind"] not in warm:
            warm_up(task["kind"], scratch)
            warm.add(task["kind"])
        started_s = time.monotonic()
        _batch({**task, "until": started_s + task["seconds"]}, scratch, kept, tell)
        tell({"done": True})


if __name__ == "__main__":
    main()

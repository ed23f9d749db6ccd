"""Many inputs: shares the time among kinds, watches the process that takes them, counts, and keeps what goes wrong."""

import contextlib
import dataclasses
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tests.fuzz.kinds import KINDS
from tests.fuzz.worker import DOOR, PLAN, keep, seed_of

ROOT = Path(__file__).parents[2]
BATCH, BATCH_S = 100, 20.0
_SILENT_S, _MOST_MB, _MOST_INPUTS = 300.0, 3000.0, 600
_PROGRESS = "progress.json"


@dataclasses.dataclass
class Count:
    """What came of one kind of input."""

    batches: int = 0
    inputs: int = 0
    made: int = 0
    refused: int = 0
    wrong: int = 0
    wall_s: float = 0.0
    most_s: float = 0.0
    most_mb: float = 0.0


@dataclasses.dataclass
class Run:
    """A run of the harness: what was tried, and what was found.

    Attributes:
      seed: of all inputs.
      kept: the folder of what went wrong.
      counts: by kind.
      faults: short name of a fault → how often, and where one of its inputs lies.
    """

    seed: int
    kept: Path
    counts: dict[str, Count]
    faults: dict[str, list[Any]] = dataclasses.field(default_factory=dict)

    @classmethod
    def open(cls, seed: int, kept: Path, kinds: Sequence[str]) -> "Run":
        """Goes on where a run with the same seed and folder stopped."""
        kept.mkdir(parents=True, exist_ok=True)
        run = cls(seed, kept, {kind: Count() for kind in kinds})
        path = kept / _PROGRESS
        if path.exists() and (found := json.loads(path.read_text()))["seed"] == seed:
            run.counts |= {kind: Count(**count) for kind, count in found["counts"].items()}
            run.faults = found["faults"]
        return run

    def save(self) -> None:
        """Notes how far it is."""
        counts = {kind: dataclasses.asdict(count) for kind, count in self.counts.items()}
        text = json.dumps({"seed": self.seed, "counts": counts, "faults": self.faults}, indent=1)
        path = self.kept / f"{_PROGRESS}.new"
        path.write_text(text)
        path.replace(self.kept / _PROGRESS)

    def note(self, kind: str, answer: dict[str, Any]) -> None:
        """Counts a verdict and tells of a fault when it is first seen."""
        count = self.counts[kind]
        count.inputs += 1
        count.made += answer["code"] == 0 and not answer["wrong"]
        count.refused += answer["code"] == 2 and not answer["wrong"]
        count.most_s, count.most_mb = max(count.most_s, answer["seconds"]), max(count.most_mb, answer["mb"])
        if answer["wrong"]:
            count.wrong += 1
            name = f"{kind}: {answer['where']}"
            if name not in self.faults:
                said = answer["wrong"].strip().splitlines()[-1]
                print(f"WRONG {name}\n  {said}\n  kept in {answer['kept']}", flush=True)
            self.faults.setdefault(name, [0, answer["kept"]])[0] += 1

    def table(self) -> str:
        """What was tried of each kind, and what was found."""
        head = (
            f"{'kind':14} {'inputs':>7} {'a second':>8} {'made':>6} {'refused':>7} {'wrong':>6} {'most s':>6} {'MB':>5}"
        )
        rows = [head]
        for kind, one in self.counts.items():
            rate = one.inputs / one.wall_s if one.wall_s else 0.0
            rows.append(
                f"{kind:14} {one.inputs:7} {rate:8.1f} {one.made:6} {one.refused:7} {one.wrong:6} "
                f"{one.most_s:6.1f} {one.most_mb:5.0f}"
            )
        inputs, wall_s = (sum(getattr(one, name) for one in self.counts.values()) for name in ("inputs", "wall_s"))
        rows.append(f"{'all':14} {inputs:7} {inputs / wall_s if wall_s else 0.0:8.1f}")
        rows += [f"{count} x {name}; {kept}" for name, (count, kept) in self.faults.items()]
        return "\n".join(rows)


class _Worker:
    """The process that takes inputs, started again whenever it ends."""

    def __init__(self, kept: Path) -> None:
        self._kept, self._inputs = kept, 0
        self._scratch = Path(tempfile.mkdtemp(prefix="fuzz_"))
        self._process: subprocess.Popen[str] | None = None

    def batch(self, task: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Verdicts of a batch; a crash, a standstill or a full memory is the last of them."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        heard_s = time.monotonic()
        while True:
            try:
                line = self._lines.get(timeout=1.0)
            except queue.Empty:
                line = None
            if line is not None:
                if not line:
                    yield from self._crashed(f"ended with {process.wait()}")
                    return
                answer, heard_s = json.loads(line), time.monotonic()
                if "done" in answer:
                    break
                self._inputs += 1
                yield answer
            elif time.monotonic() - heard_s > _SILENT_S:
                yield from self._crashed(f"stood still for {_SILENT_S:g} s")
                return
            elif _used_mb(process.pid) > _MOST_MB:
                yield from self._crashed(f"took more than {_MOST_MB:g} MB")
                return
        # What libraries hold on to must not add up.
        if self._inputs > _MOST_INPUTS or _used_mb(process.pid) > _MOST_MB / 2:
            self._end()

    def close(self) -> None:
        """Ends it and removes its files."""
        self._end()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _start(self) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-m", "tests.fuzz.worker", str(self._scratch), str(self._kept)]
        errors = (self._scratch / "errors.txt").open("w")
        pipe = subprocess.PIPE
        self._inputs = 0
        with errors:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=environment, cwd=self._scratch
            )
        lines, stream = queue.Queue[str](), self._process.stdout
        assert stream is not None
        # A pipe that is read line by line cannot be waited on with a time limit otherwise.
        threading.Thread(target=lambda: _pour(stream, lines), daemon=True).start()
        self._lines = lines
        return self._process

    def _crashed(self, how: str) -> list[dict[str, Any]]:
        """A verdict on the input that was being tried; on none where the harness itself was writing it."""
        self._end()
        if not (self._scratch / "now" / DOOR).exists():
            plan = self._scratch / "now" / PLAN
            print(f"the writer {how} with {plan.read_text() if plan.exists() else 'nothing'}", flush=True)
            return []
        place = keep(self._scratch / "now", how, self._kept)
        last = (self._scratch / "errors.txt").read_text(errors="replace")[-3000:]
        wrong = f"{last}\nthe process {how}"
        return [{"code": 1, "wrong": wrong, "where": how, "seconds": 0.0, "mb": 0.0, "kept": place}]

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None


def _pour(stream: IO[str], lines: "queue.Queue[str]") -> None:
    """Hands on lines as they come, and an empty one at the end."""
    with contextlib.suppress(ValueError):
        for line in stream:
            lines.put(line)
    lines.put("")


def _used_mb(process: int) -> float:
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def go(run: Run, kinds: Sequence[str], *, seconds: float | None, count: int | None) -> None:
    """Tries inputs until the time is over, or so many of every kind were tried.

    What comes next depends on how much time each kind has had, so that slow ones get no more than their share; which
    inputs a batch holds depends on the seed, the kind and the batch's number alone.
    """
    worker, until = _Worker(run.kept), None if seconds is None else time.monotonic() + seconds
    tried = dict.fromkeys(kinds, 0)
    try:
        while True:
            open_kinds = [kind for kind in kinds if count is None or tried[kind] < count]
            left = BATCH_S if until is None else min(BATCH_S, until - time.monotonic())
            if not open_kinds or left <= 0:
                break
            kind = min(open_kinds, key=lambda name: run.counts[name].wall_s / KINDS[name].share)
            one, size = run.counts[kind], BATCH if count is None else min(BATCH, count - tried[kind])
            task = {"kind": kind, "seed": seed_of(run.seed, kind, one.batches), "count": size, "seconds": left}
            began_s, before = time.monotonic(), one.inputs
            for answer in worker.batch(task):
                run.note(kind, answer)
            one.batches += 1
            one.wall_s += time.monotonic() - began_s
            tried[kind] += max(one.inputs - before, 1)
            run.save()
    finally:
        worker.close()

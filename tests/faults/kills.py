"""Kills: every stage and every job is ended at random moments, and the same command is run again."""

import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.faults import looks
from tests.faults.commands import ROOT, Ended, System, environment, run
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.video.mux import write_film

SIGNALS = (signal.SIGKILL, signal.SIGTERM)
_BEFORE_S = 0.5


class Row(NamedTuple):
    """What came of one stage or job: a line of the table.

    Attributes:
      what: system and stage, or job.
      seconds: an undisturbed run took, all of its process.
      kills: how often it was killed.
      early: how many of these came after its end.
      same: how often the next run left what an undisturbed one leaves.
      faults: what was not right, a line for each.
    """

    what: str
    seconds: float
    kills: int
    early: int
    same: int
    faults: tuple[str, ...]

    def __str__(self) -> str:
        told = "".join(f"\n    {fault}" for fault in self.faults)
        early = f", {self.early} after its end" if self.early else ""
        return f"{self.what:34} {self.seconds:6.1f} s  {self.same:3} of {self.kills} the same{early}{told}"


class Bench(NamedTuple):
    """Where kills are tried: a folder to work in, the folder of compiled programs, and the number of kills."""

    place: Path
    cache: Path
    kills: int
    seed: int

    def rng(self, *names: str) -> random.Random:
        """Chance that hangs on the seed and names alone."""
        return random.Random(f"{self.seed} {names}")


def write_files(place: Path) -> dict[str, str]:
    """The user's files that jobs are given."""
    rng, films = np.random.default_rng(0), place / "films"
    films.mkdir(parents=True, exist_ok=True)
    noise = (0.1 * rng.standard_normal(3 * 16000)).astype(np.float32)
    noise[::6000] = 0.9
    for name in ("one", "two"):
        frames = rng.integers(0, 256, (75, 40, 64, 3), np.uint8)
        write_film(films / f"{name}.mp4", frames, 25.0, wav=noise, rate_hz=16000)
    write_wav(place / "sound.wav", noise, 16000)
    golden = ROOT / "tests" / "golden" / "melgan_seed0.npz"
    with np.load(golden) as arrays:
        weights = {name.removeprefix("sd/"): arrays[name] for name in arrays.files if name.startswith("sd/")}
    np.savez(place / "melgan.npz", **weights)  # type: ignore[arg-type]
    return {
        "FILMS": str(films),
        "FILM": str(films / "one.mp4"),
        "SOUND": str(place / "sound.wav"),
        "WEIGHTS": str(place / "melgan.npz"),
    }


def job_arguments(system: System, job: str, workdir: Path, files: dict[str, str], out: Path) -> list[str]:
    """The program's arguments for a job."""
    flags = []
    for flag in system.jobs[job]:
        for word in ("FILMS", "FILM", "SOUND", "WEIGHTS"):
            flag = flag.replace(f"={word}", f"={files[word]}") if flag.endswith(f"={word}") else flag
        flags.append(flag.replace("=OUT", f"={out}"))
    return system.arguments(workdir, f"--job={job}", *flags)


def try_stages(bench: Bench, system: System, stages: Sequence[str]) -> Iterator[Row]:
    """Kills every stage; the stages before it are done."""
    straight, around = bench.place / system.name, environment(bench.cache)
    for number, stage in enumerate(system.stages):
        before = bench.place / f"{system.name}_before"
        shutil.rmtree(before, ignore_errors=True)
        if straight.exists():
            shutil.copytree(straight, before)
        ended = run(system.up_to(straight, stage), around, bench.place)
        if ended.code:
            yield Row(f"{system.name} {stage}", ended.seconds, 0, 0, 0, (f"it fails undisturbed: {ended.err[-800:]}",))
            return
        if stage in stages:
            done = json.loads((straight / "stages" / f"{stage}.json").read_text())["seconds"]
            yield _killed(
                bench,
                f"{system.name} {stage}",
                straight,
                ended.seconds,
                done,
                lambda place, stage=stage: system.up_to(place, stage),  # type: ignore[misc]
                before if number else None,
            )


def try_jobs(bench: Bench, system: System, jobs: Sequence[str]) -> Iterator[Row]:
    """Kills every job of a finished run."""
    files, around = write_files(bench.place), environment(bench.cache)
    workdir = bench.place / system.name
    for job in jobs:
        straight = bench.place / f"{system.name}_{job}"
        straight.mkdir(exist_ok=True)

        def arguments(place: Path, job: str = job) -> list[str]:
            return job_arguments(system, job, workdir, files, place)

        ended = run(arguments(straight), around, bench.place)
        name = f"{system.name} --job={job}"
        if ended.code:
            yield Row(name, ended.seconds, 0, 0, 0, (f"it fails undisturbed: {ended.err[-800:]}",))
            continue
        # A second time: what was compiled the first time is not compiled again.
        again = run(arguments(straight), around, bench.place)
        yield _killed(bench, name, straight, again.seconds, 0.8 * again.seconds, arguments, None)


def _killed(
    bench: Bench,
    what: str,
    straight: Path,
    whole_s: float,
    busy_s: float,
    arguments: Callable[[Path], list[str]],
    before: Path | None,
) -> Row:
    """Kills a command at random moments of its last `busy_s` seconds, and runs it again."""
    rng, around, place = bench.rng(what), environment(bench.cache), bench.place / "killed" / straight.name
    wanted, faults, same, early = looks.digests(straight), [], 0, 0
    for number in range(bench.kills):
        shutil.rmtree(place.parent, ignore_errors=True)
        place.parent.mkdir()
        if before is not None:
            shutil.copytree(before, place)
        elif "--job=" in what:
            place.mkdir()
        sent = SIGNALS[number % len(SIGNALS)]
        delay_s = rng.uniform(max(whole_s - busy_s - _BEFORE_S, 0.3), whole_s)
        killed = run(arguments(place), around, bench.place, kill=(delay_s, sent))
        early += _ended_first(killed)
        found = list(_after_kill(place, straight, arguments(place), around, bench.place, wanted, killed, sent))
        faults += [f"{sent.name} after {delay_s:.2f} s: {fault}" for fault in found]
        same += not found
    shutil.rmtree(place.parent, ignore_errors=True)
    return Row(what, whole_s, bench.kills, early, same, tuple(faults))


def _ended_first(killed: Ended) -> bool:
    return killed.code == 0 and "resume by running again" not in killed.out


def _after_kill(
    place: Path,
    straight: Path,
    arguments: list[str],
    around: dict[str, str],
    cwd: Path,
    wanted: dict[str, str],
    killed: Ended,
    sent: signal.Signals,
) -> Iterator[str]:
    """What is not right after a kill and after the same command again."""
    if killed.code not in (0, -sent):
        yield f"the killed process ended with {killed.code}: {killed.err[-300:]}"
    if place.exists():
        yield from looks.cut_off(place, straight)
        looks.age(place)
    again = run(arguments, around, cwd)
    if again.code:
        yield f"the next run ended with {again.code}: {again.err.strip()[-500:]}"
        return
    found = looks.digests(place)
    for name in sorted(wanted | found):
        if wanted.get(name) != found.get(name):
            how = "missing" if name not in found else "more than there should be" if name not in wanted else "other"
            yield f"{name} is {how}"
    yield from (f"{name} was left" for name in looks.temporaries(place))

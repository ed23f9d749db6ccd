"""Kills: every stage and every job is ended at random moments, and the same command is run again."""

import json
import random
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.faults import looks
from tests.faults.commands import ROOT, Ended, System, environment, run
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.video.mux import write_film

SIGNALS = (signal.SIGKILL, signal.SIGTERM)


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
    place, around = bench.place / system.name, environment(bench.cache)
    for stage in system.stages:
        trial = Trial(f"{system.name} {stage}", place, tuple(system.up_to(place, stage)))
        if stage not in stages:
            ended = run(trial.arguments, around, bench.place)
            if ended.code:
                yield _fails(trial, ended)
                return
            continue
        yield from kill_trial(bench, trial._replace(mark=place / "stages" / f"{stage}.json"))
        if not place.exists():
            return


def try_jobs(bench: Bench, system: System, jobs: Sequence[str]) -> Iterator[Row]:
    """Kills every job of a finished run."""
    files, workdir = write_files(bench.place), bench.place / system.name
    for job in jobs:
        out = bench.place / f"{system.name}_{job}"
        out.mkdir(exist_ok=True)
        arguments = job_arguments(system, job, workdir, files, out)
        yield from kill_trial(bench, Trial(f"{system.name} --job={job}", out, tuple(arguments)))


class Trial(NamedTuple):
    """What is killed.

    Attributes:
      what: as the table calls it.
      place: all that it writes, always under this path.
      arguments: of the program.
      mark: of a stage, which is written as it begins; None for a job.
    """

    what: str
    place: Path
    arguments: tuple[str, ...]
    mark: Path | None = None


def kill_trial(bench: Bench, trial: Trial) -> Iterator[Row]:
    """Runs a command twice undisturbed, then kills it so often and runs it again each time; leaves its result."""
    around, before, whole = environment(bench.cache), bench.place / "before", bench.place / "whole"
    _copied(trial.place, before)
    for _ in range(2):  # what was compiled the first time is not compiled again: the second time is measured
        _copied(before, trial.place)
        ended = run(trial.arguments, around, bench.place)
        if ended.code:
            shutil.rmtree(trial.place, ignore_errors=True)
            yield _fails(trial, ended)
            return
    busy_s = 0.9 * ended.seconds if trial.mark is None else json.loads(trial.mark.read_text())["seconds"]
    wanted = looks.digests(trial.place)
    _copied(trial.place, whole)
    rng, faults, same, early = bench.rng(trial.what), [], 0, 0
    for number in range(bench.kills):
        _copied(before, trial.place)
        sent, delay_s = SIGNALS[number % len(SIGNALS)], rng.uniform(0.0, busy_s)
        killed = run(trial.arguments, around, bench.place, kill=(delay_s, sent), after=trial.mark)
        early += _ended_first(killed)
        found = list(_after_kill(trial, whole, around, bench.place, wanted, killed, sent))
        faults += [f"{sent.name} after {delay_s:.2f} s: {fault}" for fault in found]
        same += not found
    _copied(whole, trial.place)
    yield Row(trial.what, ended.seconds, bench.kills, early, same, tuple(faults))


def _fails(trial: Trial, ended: Ended) -> Row:
    return Row(trial.what, ended.seconds, 0, 0, 0, (f"it fails undisturbed: {ended.err.strip()[-800:]}",))


def _copied(source: Path, target: Path) -> None:
    """Makes a folder what another one is, or nothing where that is not there."""
    shutil.rmtree(target, ignore_errors=True)
    if source.exists():
        shutil.copytree(source, target)


def _ended_first(killed: Ended) -> bool:
    return killed.code == 0 and "resume by running again" not in killed.out


def _after_kill(
    trial: Trial,
    whole: Path,
    around: dict[str, str],
    cwd: Path,
    wanted: dict[str, str],
    killed: Ended,
    sent: signal.Signals,
) -> Iterator[str]:
    """What is not right after a kill and after the same command again."""
    place = trial.place
    if killed.code not in (0, -sent):
        yield f"the killed process ended with {killed.code}: {killed.err[-300:]}"
    if place.exists():
        yield from looks.cut_off(place, whole)
        looks.age(place)
    again = run(trial.arguments, around, cwd)
    if again.code:
        yield f"the next run ended with {again.code}: {again.err.strip()[-500:]}"
        return
    found = looks.digests(place)
    for name in sorted(wanted | found):
        if wanted.get(name) != found.get(name):
            how = "missing" if name not in found else "more than there should be" if name not in wanted else "other"
            yield f"{name} is {how}"
    yield from (f"{name} was left" for name in looks.temporaries(place))

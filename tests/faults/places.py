"""Odd places: a full disk, a folder that is locked, a clock that jumps, a user without a home, a new volume."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.faults import looks
from tests.faults.commands import CLOCK, NOBODY, ROOT, Ended, System, environment, is_one_line, run
from tests.faults.kills import Bench, job_arguments, write_files


class Try(NamedTuple):
    """A command in an odd place: a line of the table; `faults` is empty where all is right."""

    what: str
    tries: int
    right: int
    faults: tuple[str, ...]
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.what:50} skipped: {self.skipped}"
        return f"{self.what:50} {self.right:3} of {self.tries} right" + "".join(f"\n    {one}" for one in self.faults)


class Setting(NamedTuple):
    """What all tries share.

    Attributes:
      bench: where they are made.
      system: whose commands.
      files: of the user.
      workdir: of a finished run; None takes the weights that ship, for jobs that need no more.
    """

    bench: Bench
    system: System
    files: Mapping[str, str]
    workdir: Path | None

    def arguments(self, job: str, out: Path) -> list[str]:
        """The program's arguments for a job that writes into a folder."""
        workdir = self.workdir or self.bench.place / "no_run"
        wanted = job_arguments(self.system, job, workdir, dict(self.files), out)
        if self.workdir is None:  # the settings of weights that ship are their own
            wanted = [flag for flag in wanted if not flag.startswith(("--config.", "--workdir"))]
            wanted[0] = f"--config={ROOT / 'configs' / self.system.config}.py"
        return wanted

    def around(self, **more: str | None) -> dict[str, str]:
        """The environment."""
        return environment(self.bench.cache, **more)


def full_disk(setting: Setting, job: str) -> Try:
    """A disk that takes no more than so many bytes of a file, for several such numbers."""
    place, straight = setting.bench.place, setting.bench.place / "straight"
    ended = _anew(setting, job, straight)
    if ended.code:
        return Try(f"full disk, {job}", 1, 0, (f"it fails undisturbed: {ended.err[-500:]}",))
    wanted, faults, right = looks.digests(straight), [], 0
    largest = max((straight / name).stat().st_size for name in looks.files_of(straight))
    rng = setting.bench.rng("full", job)
    for number in range(setting.bench.kills):
        out = _new(place / "full")
        most_bytes = 0 if not number else rng.randrange(largest)
        refused = run(setting.arguments(job, out), setting.around(), place, most_bytes=most_bytes)
        found = [] if is_one_line(refused) else [f"ended with {refused.code}: {refused.err.strip()[-400:]}"]
        found += [f"{name} was left" for name in looks.files_of(out)]
        again = run(setting.arguments(job, out), setting.around(), place)
        if again.code or looks.digests(out) != wanted:
            found.append(f"with space again it ended with {again.code} and other files: {again.err[-300:]}")
        faults += [f"{most_bytes} bytes: {fault}" for fault in found]
        right += not found
    return Try(f"full disk, {job}", setting.bench.kills, right, tuple(faults))


def locked_folder(setting: Setting, job: str) -> Try:
    """A folder that may not be written to, for somebody who is not root."""
    what = f"locked folder, {job}"
    if reason := _no_other_user(setting):
        return Try(what, 1, 0, (), reason)
    out = _new(setting.bench.place / "locked")
    out.chmod(0o555)
    ended = run(setting.arguments(job, out), setting.around(), setting.bench.place, user=NOBODY)
    faults = [] if is_one_line(ended) else [f"ended with {ended.code}: {ended.err.strip()[-400:]}"]
    faults += [f"{name} was left" for name in looks.files_of(out)]
    return Try(what, 1, int(not faults), tuple(faults))


def jumping_clock(setting: Setting, job: str) -> Try:
    """A clock that jumps by up to a day whenever it is looked at."""
    path = f"{CLOCK}{os.pathsep}{ROOT}"
    around = setting.around(PYTHONPATH=path, FAULTS_CLOCK_SEED=str(setting.bench.seed))
    return _same(setting, job, f"jumping clock, {job}", lambda arguments: run(arguments, around, setting.bench.place))


def no_home(setting: Setting, job: str) -> Try:
    """No HOME in the environment, nor a place for what is cached."""
    around = setting.around(HOME=None, XDG_CACHE_HOME=None, JAX_COMPILATION_CACHE_DIR=None)
    return _same(setting, job, f"no HOME, {job}", lambda arguments: run(arguments, around, setting.bench.place))


def unknown_user(setting: Setting, job: str) -> Try:
    """A user that the machine does not know, without a home, as in many containers."""
    what = f"unknown user without HOME, {job}"
    if reason := _no_other_user(setting):
        return Try(what, 1, 0, (), reason)
    around = setting.around(HOME=None, XDG_CACHE_HOME=None, JAX_COMPILATION_CACHE_DIR=None, USER=None, LOGNAME=None)
    own = setting.bench.place / "own"
    own.mkdir(exist_ok=True)
    os.chown(own, NOBODY, NOBODY)
    return _same(setting, job, what, lambda arguments: run(arguments, around, own, user=NOBODY))


def new_volume(setting: Setting) -> Try:
    """A workdir that is a new volume, with the folder that its file system puts there."""
    workdir = _new(setting.bench.place / "volume")
    (workdir / "lost+found").mkdir()
    ended = run(setting.system.up_to(workdir, "prepare"), setting.around(), setting.bench.place)
    faults = [f"ended with {ended.code}: {ended.err.strip()[-400:]}"] if ended.code else []
    return Try("lost+found in the workdir, prepare", 1, int(not faults), tuple(faults))


def try_places(setting: Setting, jobs: tuple[str, ...]) -> Iterator[Try]:
    """All odd places, for each of some jobs."""
    for job in jobs:
        yield full_disk(setting, job)
        for place in (locked_folder, jumping_clock, no_home, unknown_user):
            yield place(setting, job)
    yield new_volume(setting)


def setting_of(bench: Bench, system: System, workdir: Path | None) -> Setting:
    """Writes the user's files, which anybody may read."""
    files = write_files(bench.place)
    bench.cache.mkdir(exist_ok=True)
    for path in [*bench.place.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return Setting(bench, system, files, workdir)


def _new(folder: Path) -> Path:
    if folder.exists():
        folder.chmod(0o755)
        shutil.rmtree(folder)
    folder.mkdir()
    return folder


def _anew(setting: Setting, job: str, out: Path) -> Ended:
    return run(setting.arguments(job, _new(out)), setting.around(), setting.bench.place)


def _same(setting: Setting, job: str, what: str, does: Callable[[list[str]], Ended]) -> Try:
    """Whether a command leaves in an odd place what it leaves elsewhere."""
    straight, out = setting.bench.place / "straight", _new(setting.bench.place / "odd")
    if not straight.exists():
        _anew(setting, job, straight)
    out.chmod(0o777)
    ended = does(setting.arguments(job, out))
    faults = [f"ended with {ended.code}: {ended.err.strip()[-400:]}"] if ended.code else []
    if not faults and looks.digests(out) != looks.digests(straight):
        faults.append("it left other files than elsewhere")
    return Try(what, 1, int(not faults), tuple(faults))


def _no_other_user(setting: Setting) -> str:
    """Why nothing can be run as another user; empty where it can."""
    if os.geteuid():
        return "only root can become a user that nobody knows"
    command = ["import numpy, vis2sound_jax, av"]
    return "" if _may(command, setting.bench.place) else "another user may not read the program or its packages here"


def _may(command: list[str], cwd: Path) -> bool:
    import subprocess
    import sys

    try:
        done = subprocess.run(
            [sys.executable, "-c", *command],
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            cwd=cwd,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
        )
    except OSError:
        return False
    return done.returncode == 0

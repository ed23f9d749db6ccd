"""The program in a process of its own, at sizes of seconds, that can be killed or live in an odd place."""

import contextlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.tiny_run import command, vis_command

ROOT = Path(__file__).parents[2]
CLOCK = Path(__file__).parent / "clock"
NOBODY = 54_321
"""A user that no machine knows."""
_LONGEST_S = 900.0


class System(NamedTuple):
    """A system at its tiny sizes.

    Attributes:
      name: as the table calls it.
      arguments: of the program for a workdir and more flags.
      stages: in order.
      jobs: name → flags, where FILM, SOUND, FILMS, WEIGHTS and OUT stand for files.
    """

    name: str
    config: str
    stages: tuple[str, ...]
    jobs: Mapping[str, tuple[str, ...]]

    def arguments(self, workdir: Path, *more: str) -> list[str]:
        """The program's arguments."""
        return (command if self.name == "condfoley" else vis_command)(workdir, *more)

    def up_to(self, workdir: Path, stage: str) -> list[str]:
        """The program's arguments for all stages to one of them."""
        stages = self.stages[: self.stages.index(stage) + 1]
        return self.arguments(workdir, f"--config.stages={stages!r}")


SYSTEMS = {
    "condfoley": System(
        "condfoley",
        "condfoley",
        ("prepare", "encoder", "codebook", "events", "transformer", "no_condition", "sync", "evaluate", "generate"),
        {
            "draw": ("--output=OUT",),
            "plan": ("--topology=v5e-4", "--stage=encoder", "--output=OUT/plan.json"),
            "convert": ("--kind=melgan", "--source=WEIGHTS", "--output=OUT/weights"),
            "pack": ("--output=OUT/packed",),
            "onsets": ("--video=FILM", "--output=OUT/events.csv"),
            "generate": ("--video=FILM", "--example=SOUND", "--output=OUT/made.mp4", "--takes=2"),
            "sheet": ("--films=FILMS", "--examples=1", "--output=OUT/sheet"),
            "study": ("--output=OUT/study", "--recordings=2"),
        },
    ),
    "vis": System(
        "vis",
        "vis",
        (
            *("prepare", "sounds", "streams", "seen", "prediction", "prediction_no_spacetime", "prediction_no_rnn"),
            *("detection", "detection_no_spacetime", "evaluate", "generate"),
        ),
        {
            "draw": ("--output=OUT",),
            "plan": ("--topology=v5e-4", "--stage=prediction", "--output=OUT/plan.json"),
            "pack": ("--output=OUT/packed",),
            "generate": ("--video=FILM", "--output=OUT/made.mp4"),
        },
    ),
}
"""What is tried; `amt` needs a published list of films, and vis's `convert` a file of ImageNet weights."""


class Ended(NamedTuple):
    """How a process ended: its code (negative for a signal), what it printed, and after how long."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        """Lines of errors."""
        return [line for line in self.err.splitlines() if line.strip()]


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that anybody may enter; it goes at the end."""
    place = Path(tempfile.mkdtemp(prefix="faults_"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def environment(cache: Path, **more: str | None) -> dict[str, str]:
    """What a process finds around it; programs that were compiled once are taken from `cache`."""
    found: dict[str, str | None] = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "JAX_"))},
        "PYTHONPATH": str(ROOT),
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "GLIBC_TUNABLES": "",
        **more,
    }
    return {name: value for name, value in found.items() if value is not None}


def run(
    arguments: Sequence[str],
    around: Mapping[str, str],
    cwd: Path,
    *,
    kill: tuple[float, signal.Signals] | None = None,
    after: Path | None = None,
    most_bytes: int | None = None,
    user: int | None = None,
) -> Ended:
    """Runs `python -m vis2sound_jax.main` to its end, or until it is killed.

    Args:
      arguments: of the program.
      around: the environment.
      cwd: the current folder.
      kill: after how many seconds it gets which signal.
      after: a file from whose appearance these seconds count; None counts from the start.
      most_bytes: how long its files may become, as on a disk that is full.
      user: number of the user that runs it.
    """

    def limit() -> None:
        if most_bytes is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "vis2sound_jax.main", *arguments],
        env=dict(around),
        cwd=cwd,
        # Pipes, since files would be limited too.
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        preexec_fn=limit,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    while after is not None and not after.exists() and process.poll() is None:
        time.sleep(0.01)
    try:
        out, err = process.communicate(timeout=_LONGEST_S if kill is None else kill[0])
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL if kill is None else kill[1])
        out, err = process.communicate(timeout=_LONGEST_S)
    seconds = time.monotonic() - began_s
    return Ended(process.returncode, out, err, seconds)


def is_one_line(ended: Ended) -> bool:
    """Whether a command was refused as users are to see it."""
    return ended.code == 2 and len(ended.lines) == 1 and bool(re.match("vis2sound: error: ", ended.lines[0]))

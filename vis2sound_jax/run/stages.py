"""Stages: a run's jobs in order, with marks in the workdir so that the same command continues."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ml_collections import ConfigDict

from vis2sound_jax import file_lock
from vis2sound_jax.errors import file_error
from vis2sound_jax.run import hosts
from vis2sound_jax.run.card import refuse_packed
from vis2sound_jax.run.marks import plain, read_json, read_mark, settings_of_stage
from vis2sound_jax.run.origin import is_own
from vis2sound_jax.run.requests import with_request
from vis2sound_jax.run.stage import Stage, covers, listed, stage_named
from vis2sound_jax.run.workdir import config_path, mark_path, settings_of
from vis2sound_jax.system_files import is_left
from vis2sound_jax.whole import write_json

_FIRST_FILES = ("lock", ".config.json.*.part")
"""What a run that is killed at its very beginning leaves."""

Start = Callable[[Stage, ConfigDict, Path], Mapping[str, Any]]
"""Does a stage, usually by importing its module; returns the summary of what was written."""

Check = Callable[[Stage, ConfigDict], None]
"""Refuses settings that a stage could do nothing with."""


def _is_first(entry: Path) -> bool:
    return is_left(entry) or any(entry.match(pattern) for pattern in _FIRST_FILES)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


def _describe(summary: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in summary.items())


@contextlib.contextmanager
def own_workdir(config: ConfigDict, workdir: Path) -> Iterator[None]:
    """Holds a workdir for one run: makes it, checks that it is this config's, keeps other runs out.

    Args:
      config: its `name` must be that of the runs before in this folder.
      workdir: made if it is not there.

    Yields:
      Nothing.

    Raises:
      UserError: if the folder cannot be made, is not a run's, is another config's, or is in use.
    """
    refuse_packed(workdir)
    with _reading(workdir):
        known = read_json(config_path(workdir)) if workdir.is_dir() else None
    if known is not None and known.get("name") != config.name:
        raise file_error(
            workdir,
            f"it holds a run of {known.get('name')}, not of {config.name}",
            "choose another --workdir",
        )
    with _reading(workdir):
        workdir.mkdir(parents=True, exist_ok=True)
        if known is None and any(not _is_first(entry) for entry in workdir.iterdir()):
            raise file_error(workdir, "the folder has files of something else in it", "choose another --workdir")
    with hold(workdir):
        yield


@contextlib.contextmanager
def _reading(workdir: Path) -> Iterator[None]:
    """Says in one line that a folder cannot be a workdir."""
    try:
        yield
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        problem = f"cannot be used as a folder ({error.strerror})"
        raise file_error(workdir, problem, "choose another --workdir") from None


@contextlib.contextmanager
def hold(workdir: Path) -> Iterator[None]:
    """Keeps other processes from writing into the folder of a run while a block lasts.

    The lock goes with its process, however that ends; the file stays.

    Args:
      workdir: a folder that is there.

    Yields:
      Nothing.

    Raises:
      UserError: if another process writes there, the folder cannot be written to, or its file system has no locks.
    """
    with _reading(workdir):
        lock = (workdir / "lock").open("a+", encoding="utf-8", errors="replace")
    with lock:
        if not _take(lock, workdir):
            lock.seek(0)
            problem = f"another run (process {lock.read().strip() or 'unknown'}) is using it"
            raise file_error(workdir, problem, "wait for it or choose another --workdir")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _take(lock: IO[str], workdir: Path) -> bool:
    try:
        return file_lock.take(lock)
    except OSError as error:
        if error.errno not in file_lock.NO_LOCKS:
            raise
        remedy = "choose a --workdir on a disk; checkpoints alone may lie elsewhere (config.training.checkpoints)"
        raise file_error(workdir, "its file system has no locks", remedy) from error


def check_before(config: ConfigDict, workdir: Path) -> None:
    """Refuses a job in a run of which the stages that it builds on were begun with other settings.

    A job asked for by name is not compared by `run_stages`; those that load weights call this.

    Args:
      config: the settings; `config.stage` is the job, a stage of the run.
      workdir: of the run; stages that were not begun are not compared.

    Raises:
      UserError: if any setting that a stage and this job depend on differs.
    """
    stages = listed(config)
    known, names = stages[config.stage].reads, list(config.stages)
    for name in names[: names.index(config.stage)] if config.stage in names else names:
        if all(covers(known, read) for read in stages[name].reads):
            read_mark(config, workdir, stages[name])


def run_job(
    config: ConfigDict, workdir: Path, stage: Stage, start: Start, given: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """Runs a job by its name; it leaves no mark, and holds the lock of the workdir only where it writes there.

    Args:
      config: the settings; the job finds its name in `config.stage` and its flags in `config.request`.
      workdir: of a finished run, where the job needs one.
      stage: the job.
      start: does it.
      given: the flags that were given; the others have their defaults.

    Returns:
      The summary.

    Raises:
      UserError: if it writes into the workdir and there is no run, or another process is using it.
    """
    if not stage.in_workdir:
        return _start(config, workdir, stage, start, given)
    refuse_packed(workdir)
    settings_of(workdir)
    with hold(workdir) if hosts.is_first() else contextlib.nullcontext():
        hosts.wait("workdir")
        return _start(config, workdir, stage, start, given)


def run_again(config: ConfigDict, workdir: Path, stage: Stage, start: Start) -> Mapping[str, Any]:
    """Does a stage that is `remade` once more because it was asked for by name, and leaves its mark.

    Of recordings that the run was not trained on there is no mark: what is made of them lies apart.

    Args:
      config: the settings.
      workdir: of a run whose stages before are finished.
      stage: the stage.
      start: does it.

    Returns:
      The summary.

    Raises:
      UserError: if there is no run, any stage was begun with other settings, or another process is using the workdir.
    """
    settings_of(workdir)
    if not is_own(config, workdir):
        return run_job(config, workdir, stage._replace(in_workdir=True), start)
    return run_stages(config, workdir, listed(config), start, only=stage.name, again=True)[stage.name]


def _start(
    config: ConfigDict, workdir: Path, stage: Stage, start: Start, given: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    return start(stage, with_request(config, stage.name, stage.flags, given or {}), workdir)


def _run_stage(config: ConfigDict, workdir: Path, stage: Stage, start: Start) -> dict[str, Any]:
    mark: dict[str, Any] = {"finished": False, "settings": settings_of_stage(config, stage)}
    if hosts.is_first():
        # Begun counts too: half of a training with one learning rate must not go on with another.
        write_json(mark_path(workdir, stage.name), mark)
    started_s = time.monotonic()
    summary = dict(_start(config, workdir, stage, start))
    mark |= {"finished": True, "summary": summary, "seconds": round(time.monotonic() - started_s, 2)}
    hosts.wait(stage.name)
    if hosts.is_first():
        write_json(mark_path(workdir, stage.name), mark)
        print(f"{stage.name}: done in {_duration(mark['seconds'])} ({_describe(summary)})", flush=True)
    return mark


def run_stages(
    config: ConfigDict,
    workdir: Path,
    stages: Mapping[str, Stage],
    start: Start,
    *,
    check: Check | None = None,
    only: str | None = None,
    again: bool = False,
) -> dict[str, Mapping[str, Any]]:
    """Runs the stages of a config in order and skips those that are finished.

    Args:
      config: `stages` names them in order.
      workdir: gets `stages/<stage>.json` and whatever the stages write, and `config.json` when one is begun.
      stages: by name, those that the system has.
      start: does a stage.
      check: looks at the settings of every stage that is not finished, before the first one is done.
      only: run this stage alone; None runs all.
      again: do them once more where they are finished.

    Returns:
      stage → summary, for every stage that was run or found finished.

    Raises:
      UserError: if a stage is unknown, any stage of the folder was begun with other settings, or the workdir is not
        this config's or is in use.
    """
    wanted = [stage_named(stages, name) for name in (tuple(config.stages) if only is None else (only,))]
    first = hosts.is_first()
    with own_workdir(config, workdir) if first else contextlib.nullcontext():
        hosts.wait("workdir")
        # All marks and settings are looked at before anything runs, so that nobody waits hours for a refusal.
        # Those of stages that were not asked for too, since config.json speaks of the weights of all.
        for stage in stages.values():
            read_mark(config, workdir, stage)
        marks = [None if again else read_mark(config, workdir, stage) for stage in wanted]
        for stage, mark in zip(wanted, marks, strict=True):
            if mark is None and check is not None:
                check(stage, with_request(config, stage.name, stage.flags, {}))
        hosts.wait("marks")
        if first and (None in marks or not config_path(workdir).exists()):
            write_json(config_path(workdir), plain(config))
        if first:
            (workdir / "stages").mkdir(exist_ok=True)
        summaries = {}
        for stage, mark in zip(wanted, marks, strict=True):
            if mark is None:
                mark = _run_stage(config, workdir, stage, start)
            elif first:
                print(f"{stage.name}: finished ({_describe(mark['summary'])})", flush=True)
            summaries[stage.name] = mark["summary"]
    return summaries

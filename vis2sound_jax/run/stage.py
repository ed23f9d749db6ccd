"""What a system lists: its stages and jobs by name, without importing what they need."""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.nearest import nearest
from vis2sound_jax.run.requests import Flag, with_request

FREE = (
    *("name", "preset", "system", "stages", "stage", "request"),
    *("mesh", "training", "prepare", "log_every", "save_every"),
)
"""Settings that every stage may read and that change no result: names, and how the work is done."""


class Stage(NamedTuple):
    """A step of a run, or a job that is asked for by name; `systems/NAME/__init__.py` lists them.

    Attributes:
      name: as `config.stages` and `--job` call it.
      module: dotted name of the module whose `run(config, workdir)` does it and returns a summary.
      help: what it does, in one line.
      reads: settings that its result depends on, such as "data" or "transformer.columns"; a finished stage stays
        finished while they stay what they were. Those of `FREE` need not be listed.
      flags: what the command line can ask of it; it finds their values in `config.request`.
      every_host: of several processes all take part, as in training; otherwise the first works alone.
      remade: with other settings it is done again; without, that is refused, since later stages build on it.
    """

    name: str
    module: str
    help: str
    reads: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    every_host: bool = False
    remade: bool = False

    def load(self) -> ModuleType:
        """Imports the module, which may be heavy."""
        return importlib.import_module(self.module)


def system_module(config: Any) -> ModuleType:
    """Imports the system that `config.system` names: a folder of `systems/`, or any module by its dotted name.

    Args:
      config: the settings.

    Returns:
      The module, with `STAGES` and `JOBS`.

    Raises:
      UserError: if there is none of that name.
    """
    name = config.system
    module = name if "." in name else f"vis2sound_jax.systems.{name}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise UserError(f"config.system is {name!r}, and there is no module {module}; name another system") from None


def listed(config: Any) -> dict[str, Stage]:
    """Lists the stages and jobs of a config's system.

    Args:
      config: the settings; `config.system` names the system.

    Returns:
      name → stage or job, stages first.
    """
    system = system_module(config)
    return {stage.name: stage for stage in (*system.STAGES, *system.JOBS)}


def stage_named(stages: Mapping[str, Stage], name: str) -> Stage:
    """Finds a stage or job.

    Args:
      stages: as `listed` gives them.
      name: of one.

    Returns:
      The stage.

    Raises:
      UserError: if there is none of that name; names the nearest.
    """
    if name not in stages:
        raise UserError(f"--job={name}: there is no such job{nearest(name, list(stages))}")
    return stages[name]


def settings_for(config: Any, job: str, **given: Any) -> Any:
    """Prepares the settings that a stage or job gets, for programs that call its `run` themselves.

    Args:
      config: the settings of the run; they stay as they are.
      job: name of the stage or job.
      **given: values of its flags; the others have their defaults.

    Returns:
      A copy with `stage` and `request`.

    Raises:
      UserError: if there is no such job.
    """
    return with_request(config, job, stage_named(listed(config), job).flags, given)

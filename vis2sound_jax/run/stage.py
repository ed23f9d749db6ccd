"""What a system lists: its stages and jobs by name, without importing what they need."""

import functools
import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.nearest import nearest
from vis2sound_jax.run.requests import OUTPUT, OVERWRITE, SCALE_BATCH, SEED, STAGE, TOPOLOGY, Flag, with_request

FREE = (
    *("name", "preset", "system", "stages", "stage", "request", "pretrained"),
    *("mesh", "training", "prepare", "log_every", "save_every"),
)
"""Settings that every stage may read and that change no result: names, and how the work is done."""


class Stage(NamedTuple):
    """A step of a run, or a job that is asked for by name; `systems/NAME/__init__.py` lists them.

    Attributes:
      name: as `config.stages` and `--job` call it.
      module: dotted name of the module that does it, by its `run(config, workdir)`, which returns a summary; where it
        has none, by training what its `training(config)` describes. "MODULE:NAME" calls NAME instead of `run`.
      help: what it does, in one line.
      reads: settings that its result depends on, such as "data" or "transformer.columns"; a finished stage stays
        finished while they stay what they were. Those of `FREE` need not be listed.
      flags: what the command line can ask of it; it finds their values in `config.request`.
      every_host: of several processes all take part, as in training; otherwise the first works alone.
      remade: with other settings it is done again; without, that is refused, since later stages build on it.
      in_workdir: it writes into the folder of the run, and so holds its lock; stages do so anyway.
      weights_for: flags; where one of them is given, weights are all that is needed of a run, so that those that come
        with the package can stand in for one.
    """

    name: str
    module: str
    help: str
    reads: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    every_host: bool = False
    remade: bool = False
    in_workdir: bool = False
    weights_for: tuple[str, ...] = ()

    def load(self) -> ModuleType:
        """Imports the module, which may be heavy."""
        return importlib.import_module(self.module.partition(":")[0])

    def function(self) -> Callable[[Any, Path], Mapping[str, Any]] | None:
        """Imports what does it; None where the module only says what is trained."""
        return getattr(self.load(), self.module.partition(":")[2] or "run", None)

    def training(self) -> Callable[[Any], Any] | None:
        """Imports what says how it is trained, the settings given; None where it is not trained by steps."""
        return None if ":" in self.module else getattr(self.load(), "training", None)

    def run(self, config: Any, workdir: Path) -> Mapping[str, Any]:
        """Does it.

        Args:
          config: the settings, as `settings_for` prepares them.
          workdir: of the run.

        Returns:
          A summary of what was written.
        """
        function = self.function()
        if function is None:
            fit = importlib.import_module("vis2sound_jax.run.fit")  # jax, which a finished run must not wait for
            function = functools.partial(fit.run_training, self.training())
        return function(config, workdir)

    def check(self, config: Any) -> None:
        """Refuses settings with which nothing can be trained; what is done by a function checks them itself.

        Args:
          config: the settings, as `settings_for` prepares them.

        Raises:
          UserError: if they do not fit one another.
        """
        if self.function() is None:
            importlib.import_module("vis2sound_jax.run.training").training_of(config, self.training())


PREPARE = Stage(
    "prepare",
    "vis2sound_jax.run.prepare",
    "reads or draws the recordings and turns them into records",
    reads=("seed", "data", "world"),
)
"""The first stage of a system that learns from recordings."""

DRAW = Stage(
    "draw",
    "vis2sound_jax.run.draw",
    "draws a silent film and a sound to try things on: film.mp4 and example.wav",
    flags=(OUTPUT._replace(example="films/"), SEED, OVERWRITE),
)
"""A job that needs no run: something to begin with for those who have no film at hand."""


def pack_job(module: str) -> Stage:
    """Makes the job that packs a finished run of a system.

    Args:
      module: that says what is packed.

    Returns:
      The job.
    """
    text = "packs a finished run into a small folder to hand on: weights, settings, a card with numbers and digests"
    return Stage("pack", module, text, flags=(OUTPUT._replace(example="weights/"),))


def plan_job(stage: str, example: str) -> Stage:
    """Makes the job that plans a training step of a system.

    Args:
      stage: planned where none is named.
      example: another one.

    Returns:
      The job.
    """
    return Stage(
        "plan",
        "vis2sound_jax.planning.plan",
        "tells what a training step needs on chips that are not there",
        flags=(
            TOPOLOGY,
            STAGE._replace(default=stage, example=example),
            SCALE_BATCH,
            OUTPUT._replace(example="plan.json"),
            OVERWRITE,
        ),
    )


def covers(reads: Iterable[str], name: str) -> bool:
    """Tells whether a list such as `Stage.reads` names a setting, or a section around it.

    Args:
      reads: sections and settings.
      name: dotted name of a setting or section.
    """
    return any(f"{name}.".startswith(f"{read}.") for read in reads)


def system_module(config: Any) -> ModuleType:
    """Imports the system that `config.system` names: a folder of `systems/`, or any module by its dotted name.

    Args:
      config: the settings.

    Returns:
      The module, with `STAGES` and `JOBS`.

    Raises:
      UserError: if there is none of that name.
    """
    name = str(config.system)
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


def is_stage(config: Any, name: str) -> bool:
    """Tells whether a name is that of a stage of a config's system, and not of a job that is only asked for.

    Args:
      config: the settings; `config.system` names the system.
      name: of a stage or job.
    """
    return any(stage.name == name for stage in system_module(config).STAGES)


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

"""Trains one task to its last step, whatever it is: the stream, the start from earlier weights, the loop."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from vis2sound_jax.data.pipeline import make_stream
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run import hosts
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.training.bookkeeping import Plan
from vis2sound_jax.training.checkpoint import is_kept, keep_elsewhere, load_params
from vis2sound_jax.training.keys import named_key, named_seed
from vis2sound_jax.training.loop import train
from vis2sound_jax.training.sharding import batch_rows, make_mesh
from vis2sound_jax.training.task import Task, TrainState


def fit(
    config: Any,
    workdir: Path,
    task: Task,
    source: Sequence[Any],
    example: Callable[..., Mapping[str, Any]],
    *,
    batch: int,
    steps: int,
    folder: str | None = None,
    params: Any = None,
    fresh: bool = False,
    evaluate: Callable[[TrainState], Mapping[str, float]] | None = None,
    begin: Callable[[TrainState], TrainState] | None = None,
    frozen: Any = None,
) -> TrainState:
    """Trains a task on examples drawn from a source, starting from given or earlier weights.

    Args:
      config: the settings; `stage`, `seed`, `init_from`, `mesh`, `training`, `log_every` and `save_every` are read.
      workdir: of the run.
      task: what to train.
      source: what examples are made from.
      example: makes one from an item and a generator.
      batch: examples a step.
      steps: at which to stop.
      folder: where in the workdir checkpoints go, the stage's own by default.
      params: weights to start from; None takes those that `config.init_from` names, if any.
      fresh: do not look for earlier weights.
      evaluate: measures the state on held-out data.
      begin: changes the first state where no earlier weights are given, for instance puts in released ones.
      frozen: weights that every step gets and none changes.

    Returns:
      The last state.

    Raises:
      UserError: if weights, mesh or settings do not fit the task.
    """
    stage, mesh = config.stage, make_mesh(config.mesh)
    check_accumulates(config, stage, task)
    if params is None and config.init_from and not fresh:
        params = load_params(earlier(config, folder or stage))
    if params is not None:
        begin = functools.partial(_with_params, params)
    folder = folder or stage
    directory = workdir / folder
    if config.training.checkpoints:
        with hosts.first_then_others("place of the checkpoints"):
            keep_elsewhere(directory / "checkpoints", f"{config.training.checkpoints}/{folder}/checkpoints")
    stream = make_stream(
        source,
        example,
        batch_size=batch,
        seed=named_seed(config.seed, "examples", folder),
        rows=batch_rows(mesh, batch),
    )
    try:
        return train(
            task,
            stream,
            _plan(config, steps),
            workdir=directory,
            key=named_key(config.seed, "train", folder),
            eval_fn=evaluate,
            begin=begin,
            frozen=frozen,
            mesh=mesh,
            name=folder,
        )
    finally:
        stream.close()


def _plan(config: Any, steps: int) -> Plan:
    """When the loop does what, as the config says it."""
    training, profile = config.training, (0, 0)
    if training.profile:
        found = re.fullmatch(r"(\d+):(\d+)", training.profile)
        if not found or not 0 < int(found[1]) <= int(found[2]) <= steps:
            raise UserError(
                f"config.training.profile is {training.profile!r}; give the first and the last of {steps} steps, "
                "such as '20:25'"
            )
        profile = int(found[1]), int(found[2])
    return Plan(
        steps,
        config.log_every,
        config.save_every,
        eval_every=training.eval_every,
        best=training.best,
        keep=training.keep,
        profile=profile,
        tensorboard=training.tensorboard,
    )


def _with_params(given: Any, state: TrainState) -> TrainState:
    """Replaces the parameters, and the averaged ones if there are any."""
    check_fit(given, state.params)
    # Copied, because the state's buffers are given away step by step.
    params = jax.tree.map(jax.numpy.array, given)
    averaged = {"ema": jax.tree.map(jax.numpy.copy, params)} if "ema" in state.variables else {}
    return state.replace(params=params, variables={**state.variables, **averaged})


def check_fit(given: Any, wanted: Any, setting: str = "init_from") -> None:
    """Refuses weights of other sizes than the network's.

    Args:
      given: the weights.
      wanted: the network's.
      setting: of the config, that names the weights.

    Raises:
      UserError: if any shape differs.
    """
    shapes = [jax.tree.map(lambda leaf: tuple(leaf.shape), tree) for tree in (given, wanted)]
    if shapes[0] != shapes[1]:
        raise UserError(
            f"the weights of config.{setting} have other sizes than this config's network; "
            f"use the config that they were trained with, or set config.{setting}=''"
        )


def earlier(config: Any, folder: str) -> Path:
    """Finds the checkpoints of a training of the run that `config.init_from` names.

    Args:
      config: the settings.
      folder: of the training in that run's workdir.

    Returns:
      Where they are.

    Raises:
      UserError: if there are none.
    """
    place = checkpoints_dir(Path(config.init_from).expanduser(), folder)
    if not is_kept(place):
        raise file_error(
            place,
            "there are no weights to start from",
            "finish the run named by config.init_from first, with the config it was made for, "
            "or set --config.init_from= to start from nothing",
        )
    return place


def check_accumulates(config: Any, stage: str, task: Task) -> None:
    """Refuses to take a batch in parts where a task takes it whole.

    Args:
      config: the settings.
      stage: of the task, for the error.
      task: what is trained.

    Raises:
      UserError: if it does.
    """
    parts = config.training.accumulate
    if parts != getattr(task, "accumulate", 1):
        raise UserError(
            f"config.training.accumulate is {parts}, but stage {stage} takes its batch whole; set it to 1 for this "
            "stage (--job), or make the batch smaller"
        )

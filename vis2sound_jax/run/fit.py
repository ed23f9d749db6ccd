"""Trains what a stage's `training` describes to its last step: the stream, the start from earlier weights, the loop."""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from vis2sound_jax.data.pipeline import make_stream
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run import hosts
from vis2sound_jax.run.card import check_files
from vis2sound_jax.run.held_out import evaluator
from vis2sound_jax.run.training import Material, Training, check_example, training_of
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.shipped import pretrained_dir
from vis2sound_jax.training.bookkeeping import Plan
from vis2sound_jax.training.checkpoint import digest, is_kept, keep_elsewhere, load_params
from vis2sound_jax.training.keys import named_key, named_seed
from vis2sound_jax.training.loop import BeginFn, train
from vis2sound_jax.training.sharding import batch_rows, make_mesh
from vis2sound_jax.training.task import TrainState

PRETRAINED = "pretrained"
"""What `config.init_from` calls the weights that come with the package for its system."""


def run_training(build: Callable[[Any], Training], config: Any, workdir: Path) -> dict[str, Any]:
    """Trains a stage to its last step, or goes on where it stopped.

    Args:
      build: the function `training` of the stage's module.
      config: the settings; `config.stage` names the stage.
      workdir: of the run.

    Returns:
      See `summary`, and what is noted of the data.

    Raises:
      UserError: if weights, mesh, settings or data do not fit the task.
    """
    training, notes = training_of(config, build), dict[str, Any]()

    def opened(folder: Path) -> Material:
        material = training.open(folder)
        notes.update(material.notes)
        return material

    state = fit(config, workdir, training._replace(open=opened))
    return {**summary(workdir, training.folder, state), **notes}


def summary(workdir: Path, folder: str, state: TrainState) -> dict[str, Any]:
    """Says what was trained.

    Args:
      workdir: of the run.
      folder: of the training in it.
      state: the last one.

    Returns:
      Where the checkpoints are, the steps made and a digest of the parameters.
    """
    return {
        "checkpoints": str(checkpoints_dir(workdir, folder)),
        "steps": int(state.step),
        "digest": digest(state.params)[:16],
    }


def fit(config: Any, workdir: Path, training: Training) -> TrainState:
    """Opens the data of a training and trains it, starting from given or earlier weights.

    Args:
      config: the settings; `seed`, `init_from`, `mesh`, `training`, `log_every` and `save_every` are read.
      workdir: of the run.
      training: what to train.

    Returns:
      The last state.

    Raises:
      UserError: if weights, mesh, settings or data do not fit the task.
      ValueError: if examples are not what the training says.
    """
    mesh, folder, plan = make_mesh(config.mesh), training.folder, _plan(config, training.steps)
    material = training.open(workdir)
    begin, evaluate = _begin(config, folder, material), None
    if material.held is not None:
        evaluate = evaluator(training.task, material.held, seed=config.seed, frozen=material.frozen)
    if config.training.checkpoints:
        with hosts.first_then_others("place of the checkpoints"):
            keep_elsewhere(checkpoints_dir(workdir, folder), f"{config.training.checkpoints}/{folder}/checkpoints")
    stream = make_stream(
        material.source,
        material.example,
        batch_size=training.batch,
        seed=named_seed(config.seed, "examples", folder),
        rows=batch_rows(mesh, training.batch),
    )
    try:
        check_example(training, material.example(material.source[0], np.random.default_rng(0)))
        state = train(
            training.task,
            stream,
            plan,
            workdir=workdir / folder,
            key=named_key(config.seed, "train", folder),
            eval_fn=evaluate,
            begin=begin,
            frozen=material.frozen,
            mesh=mesh,
            name=folder,
        )
    finally:
        stream.close()
    if material.finished is not None:
        hosts.wait(f"end of {folder}")
        if hosts.is_first():
            material.finished()
    return state


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


def _begin(config: Any, folder: str, material: Material) -> BeginFn | None:
    """What changes the first state: given weights, those of an earlier run, or what the stage itself does."""
    params = material.params
    if params is None and config.init_from and not material.fresh:
        params = load_params(earlier(config, folder))
    return material.begin if params is None else functools.partial(_with_params, params)


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
    """Finds the checkpoints of a training of the run that `config.init_from` names, or of weights that are packed.

    Args:
      config: the settings.
      folder: of the training in that run's workdir.

    Returns:
      Where they are.

    Raises:
      UserError: if there are none, or they are damaged.
    """
    given = config.init_from
    run = pretrained_dir(config.system) if given == PRETRAINED else Path(given).expanduser()
    check_files(run)
    place = checkpoints_dir(run, folder)
    if not is_kept(place):
        raise file_error(
            place,
            "there are no weights to start from",
            "finish the run named by config.init_from first, with the config it was made for, "
            "or set --config.init_from= to start from nothing",
        )
    return place

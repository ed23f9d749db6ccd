"""What a training stage is: known without its data, so that a step can be planned, and opened only to train."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.training.task import Task, TrainState

Shapes = Mapping[str, tuple[tuple[int, ...], Any]]
"""Name → shape without the batch axis, and type."""


class NotTrained(UserError):
    """A stage that the settings ask to be done without training steps, or not at all."""


class Material(NamedTuple):
    """What a stage is trained with.

    Attributes:
      source: items that examples are made from.
      example: makes one from an item and a generator.
      held: what the state is measured on; None measures nothing.
      params: weights to start from; None takes those that `config.init_from` names, if any.
      begin: changes the first state where no earlier weights are given, for instance puts in released ones.
      frozen: weights that every step gets and none changes.
      fresh: do not look for earlier weights.
      finished: called by one process when all have made the last step, to remove what only the training needs.
      notes: what the stage's summary says of the data.
    """

    source: Sequence[Any]
    example: Callable[..., Mapping[str, Any]]
    held: Held | None = None
    params: Any = None
    begin: Callable[[TrainState], TrainState] | None = None
    frozen: Any = None
    fresh: bool = False
    finished: Callable[[], None] | None = None
    notes: Mapping[str, Any] = {}


class Training(NamedTuple):
    """What `training(config)` of a stage's module returns; `run.fit` trains it, `planning` looks at a step of it.

    Attributes:
      task: what is trained.
      example_shapes: of the arrays of an example.
      batch: examples a step.
      steps: at which to stop.
      folder: where in the workdir checkpoints go; it also names the random keys.
      open: opens the data in the workdir, and what else must be ready; called only to train.
      frozen_shapes: shapes of `Material.frozen`, a tree of `jax.ShapeDtypeStruct`.
    """

    task: Task
    example_shapes: Shapes
    batch: int
    steps: int
    folder: str
    open: Callable[[Path], Material]
    frozen_shapes: Any = None

    def batch_shapes(self, size: int) -> dict[str, jax.ShapeDtypeStruct]:
        """Shapes [size, ...] of a batch."""
        shapes = self.example_shapes.items()
        return {name: jax.ShapeDtypeStruct((size, *shape), dtype) for name, (shape, dtype) in shapes}


def training_of(config: Any, build: Callable[[Any], Training]) -> Training:
    """Builds what a stage trains.

    Args:
      config: the settings; `config.stage` names the stage.
      build: the function `training` of the stage's module.

    Returns:
      The training.

    Raises:
      UserError: if nothing is trained there by steps (`NotTrained`), or not as the config asks.
    """
    training = build(config)
    parts = config.training.accumulate
    if parts != getattr(training.task, "accumulate", 1):
        raise UserError(
            f"config.training.accumulate is {parts}, but stage {config.stage} takes its batch whole; set it to 1 for "
            "this stage (--job), or make the batch smaller"
        )
    return training


def check_example(training: Training, example: Mapping[str, Any]) -> None:
    """Compares an example with what a training says of it: what is planned must be what is trained.

    Args:
      training: says what examples are like.
      example: one that was made.

    Raises:
      ValueError: if an array is missing, is not known, or has another shape or type.
    """
    said = {name: (tuple(shape), np.dtype(dtype)) for name, (shape, dtype) in training.example_shapes.items()}
    made = {name: (np.shape(value), np.asarray(value).dtype) for name, value in example.items()}
    for name in sorted(said | made):
        if said.get(name) != made.get(name):
            here, there = (_described(shapes.get(name)) for shapes in (made, said))
            raise ValueError(f"{training.folder}: array {name!r} of an example is {here}; `training` says {there}")


def _described(array: tuple[tuple[int, ...], np.dtype] | None) -> str:
    return "not there" if array is None else f"{array[1]} {list(array[0])}"

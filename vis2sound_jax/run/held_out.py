"""Measures a task on held-out examples while it is trained, always on the same ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from vis2sound_jax.training.keys import named_rng
from vis2sound_jax.training.task import Task, TrainState

Evaluate = Callable[[TrainState], Mapping[str, float]]


class Held(NamedTuple):
    """What a task is measured on.

    Attributes:
      source: held-out items; where there is none, nothing is measured.
      example: makes an example from an item and a generator.
      batches: how many are measured.
      size: examples of each.
    """

    source: Sequence[Any]
    example: Callable[..., Mapping[str, Any]]
    batches: int = 8
    size: int = 32


def evaluator(task: Task, held: Held, *, seed: int, frozen: Any = None) -> Evaluate | None:
    """Makes what measures a state on held-out examples.

    Args:
      task: whose `eval_step` gives the numbers.
      held: the examples.
      seed: of the run; every evaluation draws the same examples.
      frozen: weights that every step gets.

    Returns:
      State → numbers under names such as "held_out/loss"; None where nothing is held out.
    """
    if not held.source:
        return None
    step = jax.jit(task.eval_step)

    def evaluate(state: TrainState) -> dict[str, float]:
        rng, found = named_rng(seed, "held out"), []
        for _ in range(held.batches):
            rows = [held.example(held.source[k], rng) for k in rng.integers(len(held.source), size=held.size)]
            found.append(step(state, {name: np.stack([row[name] for row in rows]) for name in rows[0]}, frozen))
        total = found[0]
        for metrics in found[1:]:
            total = total.merge(metrics)
        return {f"held_out/{name}": value for name, value in total.means().items()}

    return evaluate

"""Measures a task on held-out examples while it is trained, always on the same ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from vis2sound_jax.training.keys import named_rng
from vis2sound_jax.training.task import Task, TrainState

Evaluate = Callable[[TrainState], Mapping[str, float]]


def evaluator(
    task: Task,
    source: Sequence[Any],
    example: Callable[..., Mapping[str, Any]],
    *,
    seed: int,
    batches: int = 8,
    size: int = 32,
) -> Evaluate | None:
    """Makes what measures a state on held-out examples.

    Args:
      task: whose `eval_step` gives the numbers.
      source: held-out items.
      example: makes an example from an item and a generator.
      seed: of the run; every evaluation draws the same examples.
      batches: how many are measured.
      size: examples of each.

    Returns:
      State → numbers under names such as "held_out/loss"; None where nothing is held out.
    """
    if not source:
        return None
    step = jax.jit(task.eval_step)

    def evaluate(state: TrainState) -> dict[str, float]:
        rng, found = named_rng(seed, "held out"), []
        for _ in range(batches):
            rows = [example(source[k], rng) for k in rng.integers(len(source), size=size)]
            found.append(step(state, {name: np.stack([row[name] for row in rows]) for name in rows[0]}, None))
        total = found[0]
        for metrics in found[1:]:
            total = total.merge(metrics)
        return {f"held_out/{name}": value for name, value in total.means().items()}

    return evaluate

"""A task's state at step 0, drawn by numpy because compiling `init` takes longer than a test."""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.training.optim import path_name
from vis2sound_jax.training.task import Task, TrainState


def started(task: Task, batch: Mapping[str, Any], init: Callable[..., TrainState] | None = None) -> TrainState:
    """Matrices by their fan-in, factors and variances 1, everything else 0, in the form that `init` gives."""
    rng = np.random.default_rng(0)

    def draw(path: tuple[Any, ...], leaf: jax.ShapeDtypeStruct) -> jax.Array:
        where, name = path_name(path[:1]), path_name(path[-1:])
        if where == "opt_state" or leaf.ndim == 0:
            return jnp.zeros(leaf.shape, leaf.dtype)
        if leaf.ndim > 1:
            fan_in = math.prod(leaf.shape[:-1])
            return jnp.asarray(rng.standard_normal(leaf.shape, np.float32) / math.sqrt(fan_in))
        return jnp.full(leaf.shape, name in ("scale", "var"), leaf.dtype)

    return jax.tree_util.tree_map_with_path(draw, jax.eval_shape(init or task.init, jax.random.key(0), dict(batch)))


@contextlib.contextmanager
def quick_starts(*tasks: type) -> Iterator[None]:
    """Lets the tasks of these classes begin so wherever they are trained."""
    with contextlib.ExitStack() as stack:
        for kind in tasks:
            stack.enter_context(mock.patch.object(kind, "init", _quick(kind.init)))  # type: ignore[attr-defined]
        yield


def _quick(own: Callable[..., TrainState]) -> Callable[..., TrainState]:
    return lambda task, key, batch: started(task, batch, functools.partial(own, task))

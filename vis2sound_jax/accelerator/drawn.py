"""Presets by their names, and batches and weights that are drawn for them: no data and no training is needed."""

import runpy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.run.training import Training
from vis2sound_jax.shipped import config_file
from vis2sound_jax.training.task import PyTree

KINDS = 16
"""Whole numbers of a batch are drawn below this, which all networks have classes for."""


def preset(config: str, name: str) -> Any:
    """Loads the settings of a preset.

    Args:
      config: a shipped config, such as `condfoley`.
      name: of one of its presets.

    Returns:
      The settings.
    """
    return runpy.run_path(str(config_file(config)))["get_config"](name)


def drawn_batch(training: Training, size: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Draws a batch: pixels, numbers in [0, 1], and codes that each belong to their row of the grid.

    Args:
      training: says what examples are like.
      size: examples.
      seed: of the draw.

    Returns:
      Name → array [size, ...].
    """
    rng, task = np.random.default_rng(seed), getattr(training.task, "inner", training.task)
    rows, book = getattr(task, "rows", 1), getattr(task, "book", 0)

    def draw(shape: jax.ShapeDtypeStruct) -> np.ndarray:
        if shape.dtype == np.uint8:
            return rng.integers(0, 256, shape.shape, np.uint8)
        if np.issubdtype(shape.dtype, np.integer):
            first = np.arange(shape.shape[-1]) % rows * book if len(shape.shape) > 1 else 0
            return (rng.integers(0, KINDS, shape.shape) + first).astype(shape.dtype)
        return rng.random(shape.shape, np.float32).astype(shape.dtype)

    return {name: draw(shape) for name, shape in training.batch_shapes(size).items()}


def drawn_like(shapes: PyTree, seed: int = 0) -> PyTree:
    """Draws weights of a size at which no layer swells or fades; compiles nothing.

    Args:
      shapes: shape structs of a network's variables or of a training state. Scales, variances and what weights are
        normalised by begin at 1, biases and means, moments and counts at 0, all else is drawn.
      seed: of the draw.

    Returns:
      Arrays in the memory of the host.
    """
    rng = np.random.default_rng(seed)

    def draw(path: Any, shape: jax.ShapeDtypeStruct) -> Any:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        last = name.rpartition("/")[2]
        if not jnp.issubdtype(shape.dtype, jnp.floating) or name.startswith("opt_state"):
            return np.zeros(shape.shape, shape.dtype)
        if last in ("scale", "var", "weight_g"):
            return np.ones(shape.shape, shape.dtype)
        if last in ("bias", "mean", "shift") or not shape.shape:
            return np.zeros(shape.shape, shape.dtype)
        return (_spread(last, shape.shape) * rng.standard_normal(shape.shape, np.float32)).astype(shape.dtype)

    return jax.tree_util.tree_map_with_path(draw, shapes)


def _spread(name: str, shape: tuple[int, ...]) -> float:
    """One over the root of what is summed: inputs stand last in a `weight`, and first in all else."""
    if len(shape) == 1 or "emb" in name:
        return 0.5
    return float((shape[-1] if name == "weight" else np.prod(shape[:-1])) ** -0.5)

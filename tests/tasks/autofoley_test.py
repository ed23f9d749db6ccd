"""Laws of AutoFoley's training: class and residual are learned, the loss is the one that is described."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.models.autofoley import AutoFoley, FilmEye, Foley, FrameSequence
from vis2sound_jax.tasks.autofoley import FoleyTask, smooth_l1

NET = AutoFoley(FilmEye((4, 4), (4, 4, 4), width=8), FrameSequence(2, 3, width=8), columns=12, frames_a_column=0.5)
TASK = FoleyTask(NET, steps=60, learning_rate=2e-2)
KEY = jax.random.key(0)


@functools.cache
def batch() -> dict[str, np.ndarray]:
    """Two films that jump at frame 3: one is red and of class 0, the other blue and of class 1."""
    frames = np.zeros((2, 6, 8, 8), np.uint8)
    frames[:, 3:, :4] = 200
    stills = np.zeros((2, 3, 8, 8, 3), np.uint8)
    stills[0, ..., 0] = stills[1, ..., 2] = 220
    residual = np.zeros((2, 12, 3), np.float32)
    residual[0, 6:, 0] = residual[1, 6:, 2] = 1.5
    return {"frames": frames, "stills": stills, "residual": residual, "label": np.array([0, 1], np.int32)}


def test_smooth_l1_is_a_square_that_becomes_a_line() -> None:
    np.testing.assert_allclose(smooth_l1(jnp.array([0.0, 0.5, -1.0, 3.0])), [0, 0.125, 0.5, 2.5])


def test_class_and_residual_are_learned() -> None:
    train, measure = jax.jit(TASK.train_step), jax.jit(TASK.eval_step)
    state = jax.jit(TASK.init)(KEY, batch())
    first = measure(state, batch(), None).means()
    assert set(first) == {"loss", "smooth_l1", "cross_entropy", "accuracy"}
    np.testing.assert_allclose(first["loss"], first["smooth_l1"] + first["cross_entropy"], rtol=1e-5)
    for step in range(TASK.steps):
        state, _ = train(state, batch(), None, jax.random.fold_in(KEY, step))
    last = measure(state.replace(variables={"ema": state.params}), batch(), None).means()
    assert last["accuracy"] == 1 and last["cross_entropy"] < 0.2 and last["smooth_l1"] < 0.5 * first["smooth_l1"]


def test_loud_columns_can_weigh_more() -> None:
    silent = types.SimpleNamespace(apply=lambda *_, **__: Foley(jnp.zeros((2, 2)), jnp.zeros((2, 12, 3))))
    plain = FoleyTask(silent, steps=2, class_weight=0.0)
    loud = FoleyTask(silent, steps=2, class_weight=0.0, loud_weight=2.0)
    means = [task.metrics({}, batch(), None, jnp.int32(0)).means() for task in (plain, loud)]
    assert means[0]["loss"] == means[0]["smooth_l1"] == means[1]["smooth_l1"] < means[1]["loss"]

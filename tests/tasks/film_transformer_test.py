"""Laws of the transformer that looks at frames: what moves, what stays, and by which statistics it normalises."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.started import started
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.tasks.film_transformer import FilmTransformerTask
from vis2sound_jax.tasks.transformer import TransformerTask
from vis2sound_jax.training.task import TrainState

B, N, FRAMES, CODES = 2, 4, 3, 5
NET = Transformer(vocab=CODES, slots=2 * (N + FRAMES), layers=1, heads=2, width=8)
INNER = TransformerTask(NET, "prefix", 20, 1e-2, rows=2, maskable=False)
TRAINED = FilmTransformerTask(INNER, R2Plus1D((2, 2, 2, 4)), trained=True)
FROZEN = dataclasses.replace(TRAINED, trained=False)
COMPAT = dataclasses.replace(
    TRAINED,
    inner=dataclasses.replace(INNER, compat=True),
    compat=True,
    listen=lambda frozen, wavs: (wavs[:, :N] * frozen).astype(jnp.int32),
)


@functools.cache
def batch() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    found = {f"{name}_frames": rng.integers(0, 255, (B, FRAMES, 8, 8, 3), np.uint8) for name in ("condition", "target")}
    return found | {name: rng.integers(0, CODES, (B, N)).astype(np.int32) for name in ("condition", "target")}


@functools.cache
def start() -> TrainState:
    return jax.jit(TRAINED.init)(jax.random.key(0), batch())


def begun(task: FilmTransformerTask) -> TrainState:
    moved = start().params if task is TRAINED else {"transformer": start().params["transformer"]}
    return start().replace(opt_state=task.optimizer.init(moved))


def same(a: Any, b: Any) -> bool:
    return all(bool(jnp.array_equal(x, y)) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.parametrize("task", [TRAINED, FROZEN], ids=["trained", "frozen"])
def test_the_video_network_moves_only_where_it_is_trained(task: FilmTransformerTask) -> None:
    state, step = begun(task), jax.jit(task.train_step)
    losses = []
    for number in range(6):
        state, metrics = step(state, batch(), None, jax.random.key(number))
        losses.append(metrics.means()["loss"])
    assert losses[-1] < losses[0]
    assert not same(state.params["transformer"], start().params["transformer"])
    for tree in ("params", "variables"):
        assert same(getattr(state, tree)["video"], getattr(start(), tree)["video"]) is (task is FROZEN)
    shapes = jax.eval_shape(task.init, jax.random.key(0), batch())
    assert jax.tree.structure(shapes) == jax.tree.structure(state)


def test_without_a_condition_its_clip_changes_neither_the_loss_nor_the_statistics() -> None:
    inner = dataclasses.replace(INNER, net=NET.clone(vocab=CODES + 1), maskable=True, conditioned=False)
    task = dataclasses.replace(TRAINED, inner=inner)
    state = started(task, batch())

    @jax.jit
    def moved(state: TrainState, batch: dict[str, Any]) -> Any:
        # Without the new parameters in the result the compiler drops the backward pass.
        new, metrics = task.train_step(state, batch, None, jax.random.key(0))
        return new.variables, metrics

    found = moved(state, batch())
    blank = {f"condition{name}": np.zeros_like(batch()[f"condition{name}"]) for name in ("", "_frames")}
    assert same(found, moved(state, batch() | blank)) and not same(found[0], state.variables)
    dark = {"target_frames": batch()["target_frames"] // 2}
    assert not same(found[1], moved(state, batch() | dark)[1])


def test_compat_hears_in_the_step_and_keeps_the_video_network_though_it_normalises_by_the_batch() -> None:
    heard = {
        f"{name}_wav": np.repeat(batch()[name] / 2.0, 3, axis=1).astype(np.float32) for name in ("target", "condition")
    }
    frames = {name: value for name, value in batch().items() if name.endswith("frames")}
    state, metrics = jax.jit(COMPAT.train_step)(begun(COMPAT), {**frames, **heard}, 2.0, jax.random.key(0))
    assert np.isfinite(metrics.means()["loss"])
    assert same(state.params["video"], start().params["video"])
    assert same(state.variables["video"], start().variables["video"])
    # The statistics that are stored make no difference to it, and a clip's features depend on its neighbours.
    other = jax.tree.map(lambda leaf: leaf + 1.0, start().variables)
    measure = jax.jit(COMPAT.eval_step)
    plain = measure(start(), {**frames, **heard}, 2.0).means()
    assert measure(start().replace(variables=other), {**frames, **heard}, 2.0).means() == plain
    assert set(plain) == {"nats_matched", "nats_shuffled"}


def test_the_published_optimizer_keeps_its_rate() -> None:
    rates = []
    for task in (COMPAT, FROZEN):
        params, opt_state = {"x": jnp.ones(3)}, task.optimizer.init({"x": jnp.ones(3)})
        moves = []
        for _ in range(18):
            update, opt_state = task.optimizer.update({"x": jnp.full(3, 5.0)}, opt_state, params)
            moves.append(float(update["x"][0]))
        rates.append(moves)
    np.testing.assert_allclose(rates[0], -1e-2, rtol=1e-4)
    assert abs(rates[1][-1]) < 0.5 * max(map(abs, rates[1]))

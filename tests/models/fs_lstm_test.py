"""Laws of the fast-slow LSTM: its equations and gradients, states, masks, causality."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.models.fs_lstm import (
    CELL_PARAMS,
    EPSILON,
    FSLSTM,
    FastSlowState,
    drawn_masks,
    even_masks,
    fs_lstm,
)

B, T, D, K = 2, 5, 4, 6
CELLS = {"fast_0": D, "slow": K, "fast_1": K, "fast_2": 0}
run = jax.jit(fs_lstm)


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng([seed, *shape]).standard_normal(shape))


def arrays(cells: int = 4) -> dict[str, Any]:
    params = {}
    for n, (name, inputs) in enumerate(list(CELLS.items())[:cells]):
        sizes = {"wx": (inputs, 4 * K), "wh": (K, 4 * K), "cell_gain": (K,), "cell_shift": (K,)}
        shapes = {part: sizes.get(part, (4 * K,)) for part in CELL_PARAMS}
        params[name] = {part: normal(*shape, seed=n) for part, shape in shapes.items() if shape[0]}
    return params


def a_state() -> FastSlowState:
    return FastSlowState(*(normal(B, K, seed=n) for n in range(4)))


def norm(x: jax.Array) -> jax.Array:
    return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + EPSILON)


def naive(params: Any, x: jax.Array, state: FastSlowState, masks: Any) -> Any:
    """The equations, one cell after the other, rows instead of columns, differentiated by JAX."""

    def cell(name: str, heard: jax.Array | None, old: Any, share: Any) -> Any:
        p, (h, c) = params[name], old
        z = h @ p["wh"] + p["b"] + (0 if heard is None else heard @ p["wx"])
        gates = norm(z.reshape(B, 4, K)).reshape(B, 4 * K) * p["gain"] + p["shift"]
        i, j, f, o = jnp.split(gates, 4, -1)
        new = c / (1 + jnp.exp(-f - 1)) + jnp.tanh(j) / (1 + jnp.exp(-i))
        out = jnp.tanh(norm(new) * p["cell_gain"] + p["cell_shift"]) / (1 + jnp.exp(-o))
        return share[0] * out + (1 - share[0]) * h, share[1] * new + (1 - share[1]) * c

    def step(carry: Any, now: Any) -> Any:
        (fast, slow), (x_t, h, c, down, up) = carry, now
        share = list(zip(h, c, strict=True))
        fast = cell("fast_0", x_t, fast, share[0])
        slow = cell("slow", fast[0] * down, slow, share[1])
        fast = cell("fast_1", slow[0] * up, fast, share[2])
        for n in range(2, len(params) - 1):
            fast = cell(f"fast_{n}", None, fast, share[n + 1])
        return (fast, slow), fast[0]

    first = (state.fast_h, state.fast_c), (state.slow_h, state.slow_c)
    (fast, slow), outputs = jax.lax.scan(step, first, (x.swapaxes(0, 1), masks.h, masks.c, masks.down, masks.up))
    return outputs.swapaxes(0, 1), FastSlowState(*fast, *slow)


def weighed(layer: Any, masks: Any) -> Any:
    """A number that depends on every output and all last states differently."""

    def loss(params: Any, x: jax.Array, state: FastSlowState) -> jax.Array:
        h, last = layer(params, x, state, masks)
        ends = sum((n + 1) * (part**2).sum() for n, part in enumerate(jax.tree.leaves(last)))
        return (h * jnp.cos(jnp.arange(h.size)).reshape(h.shape)).sum() + ends

    return loss


def close(one: Any, other: Any, tolerance: float = 1e-11) -> None:
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance), one, other)


def test_values_and_all_gradients_are_those_of_the_equations() -> None:
    with jax.enable_x64(True):
        params, x, state = arrays(), normal(B, T, D), a_state()
        masks = drawn_masks(jax.random.key(0), (T, len(params), B, K), 0.8, 0.6, 0.2)
        masks = jax.tree.map(lambda mask: mask.astype(float), masks)
        close(run(params, x, state, masks), jax.jit(naive)(params, x, state, masks))
        ours, theirs = (
            jax.jit(jax.grad(weighed(layer, masks), (0, 1, 2)))(params, x, state) for layer in (fs_lstm, naive)
        )
        close(ours, theirs, 1e-9)


def test_the_state_continues_a_sequence() -> None:
    with jax.enable_x64(True):
        params, x = arrays(), normal(B, T, D)
        head, state = run(params, x[:, :2], a_state())
        tail, last = run(params, x[:, 2:], state)
        close((jnp.concatenate([head, tail], 1), last), run(params, x, a_state()))


def test_a_step_never_sees_later_ones() -> None:
    params, x = arrays(3), normal(B, T, D).astype(jnp.float32)
    before, after = (np.asarray(run(params, film)[0]) for film in (x, x.at[:, 3].add(1.0)))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any(axis=(0, 2)).all()


def test_zoneout_of_one_or_none_takes_the_new_or_keeps_the_old() -> None:
    with jax.enable_x64(True):
        params, x, state = arrays(3), normal(B, T, D), a_state()
        close(run(params, x, state, even_masks(T, 3)), run(params, x, state))
        h, last = run(params, x, state, even_masks(T, 3, 0.0, 0.0))
        close(last, state)
        close(h, jnp.broadcast_to(state.fast_h[:, None], (B, T, K)))


def test_masks_are_drawn_at_their_rates() -> None:
    draw = jax.jit(drawn_masks, static_argnums=(1, 2, 3, 4))
    masks = draw(jax.random.key(1), (50, 3, 4, 16), 0.9, 0.5, 0.25)
    rates = [float(np.mean(np.asarray(mask))) for mask in (masks.h, masks.c)]
    np.testing.assert_allclose(rates, [0.9, 0.5], atol=0.02)
    np.testing.assert_allclose(np.unique(np.asarray(masks.down)), [0, 4 / 3], rtol=1e-6)
    assert not np.array_equal(masks.down, masks.up)


def test_the_module_draws_only_in_training() -> None:
    model, x = FSLSTM(width=K, fast=3, dropout=0.2), normal(B, T, D).astype(jnp.float32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), x)
    assert shapes["params"]["slow_wx"].shape == (K, 4 * K) and "fast_2_wx" not in shapes["params"]
    variables = jax.tree.map(lambda s: normal(*s.shape).astype(jnp.float32), shapes)
    np.testing.assert_array_equal(jax.eval_shape(model.apply, variables, x)[0].shape, (B, T, K))
    moving = jax.jit(lambda v, key: model.apply(v, x, train=True, rngs={"dropout": key})[0])
    one, same, other = (np.asarray(moving(variables, jax.random.key(k))) for k in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_large_inputs_keep_gradients_finite() -> None:
    params, x = jax.tree.map(jnp.float32, arrays(3)), 1e4 * normal(B, T, D).astype(jnp.float32)
    gradients = jax.jit(jax.grad(lambda p, x: (fs_lstm(p, x)[0] ** 2).sum(), (0, 1)))(params, x)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))

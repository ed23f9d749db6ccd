"""Laws of the LSTM: its equations and gradients, the constant input, held inputs, causality."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from vis2sound_jax.models.lstm import LSTM, StackedLSTM, lstm

B, T, D, E, K = 2, 5, 4, 3, 6
SIZES = {"wx": (D, 4 * K), "wc": (E, 4 * K), "wh": (K, 4 * K), "b": (4 * K,)}
SIZES |= {"x": (B, T, D), "constant": (B, E), "h": (B, K), "c": (B, K)}
FILM = jnp.asarray(np.random.default_rng(5).standard_normal((B, T, D), np.float32))
FIRST = jnp.asarray(np.random.default_rng(6).standard_normal((B, E), np.float32))
run = jax.jit(lstm, static_argnames=("repeat", "recurrent"))


def arrays() -> dict[str, jax.Array]:
    rng = np.random.default_rng(0)
    return {name: jnp.asarray(rng.standard_normal(shape)) for name, shape in SIZES.items()}


def ours(a: dict[str, jax.Array], **options: Any) -> Any:
    return run(a, a["x"], a["constant"], (a["h"], a["c"]), **options)


def drawn(model: nn.Module, *inputs: jax.Array) -> dict[str, Any]:
    """Weights drawn by numpy: compiling `init` takes many times longer than what it computes."""
    rng = np.random.default_rng(1)
    shapes = jax.eval_shape(model.init, jax.random.key(0), *inputs)
    return jax.tree.map(lambda s: jnp.asarray(0.5 * rng.standard_normal(s.shape, np.float32)), shapes)


def naive(a: dict[str, jax.Array]) -> Any:
    """The equations, one gate and one step after the other."""
    h, c, outputs = a["h"], a["c"], []
    for t in range(a["x"].shape[1]):
        z = (
            jnp.concatenate([a["x"][:, t], a["constant"], h], -1) @ jnp.concatenate([a["wx"], a["wc"], a["wh"]])
            + a["b"]
        )
        i, f, g, o = (z[:, n * K : (n + 1) * K] for n in range(4))
        c = c / (1 + jnp.exp(-f)) + jnp.tanh(g) / (1 + jnp.exp(-i))
        h = jnp.tanh(c) / (1 + jnp.exp(-o))
        outputs.append(h)
    return jnp.stack(outputs, 1), (h, c)


def weighed(layer: Callable[..., Any]) -> Callable[..., Any]:
    """A number that depends on every output and both last states differently."""

    def loss(a: dict[str, jax.Array]) -> jax.Array:
        h, (h_last, c_last) = layer(a)
        return (h * jnp.cos(jnp.arange(h.size)).reshape(h.shape)).sum() + (h_last**2).sum() - (c_last**3).sum()

    return loss


def close(one: Any, other: Any, tolerance: float = 1e-12) -> None:
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance), one, other)


def test_values_and_all_gradients_are_those_of_the_equations() -> None:
    with jax.enable_x64(True):
        a = arrays()
        close(ours(a), jax.jit(naive)(a))
        gradients = jax.jit(jax.grad(weighed(ours)))(a)
        assert set(gradients) == set(SIZES)
        close(gradients, jax.jit(jax.grad(weighed(naive)))(a), 1e-11)


def test_a_constant_input_equals_its_concatenation() -> None:
    with jax.enable_x64(True):
        a = arrays()
        spread = jnp.broadcast_to(a["constant"][:, None], (B, T, E))
        joined = {"wx": jnp.concatenate([a["wx"], a["wc"]]), "wh": a["wh"], "b": a["b"]}
        both = run(joined, jnp.concatenate([a["x"], spread], -1), None, (a["h"], a["c"]))
        close(ours(a), both)


def test_without_recurrence_each_step_starts_from_zeros() -> None:
    with jax.enable_x64(True):
        a = arrays()
        steps = [run(a, a["x"][:, t : t + 1], a["constant"]) for t in range(T)]
        expected = (jnp.concatenate([h for h, _ in steps], 1), steps[-1][1])
        close(ours(a, recurrent=False), expected)
        gradients = jax.jit(jax.grad(weighed(lambda a: ours(a, recurrent=False))))(a)
        assert not np.asarray(gradients["wh"]).any()


def test_the_state_continues_a_sequence() -> None:
    with jax.enable_x64(True):
        a = arrays()
        head, state = run(a, a["x"][:, :2], a["constant"], (a["h"], a["c"]))
        tail, last = run(a, a["x"][:, 2:], a["constant"], state)
        close((jnp.concatenate([head, tail], 1), last), ours(a))


@pytest.mark.parametrize("recurrent", [True, False])
def test_holding_the_projection_equals_repeating_the_input(recurrent: bool) -> None:
    with jax.enable_x64(True):
        a = arrays()
        repeated = a | {"x": jnp.repeat(a["x"], 3, axis=1)}
        close(ours(a, repeat=3, recurrent=recurrent), ours(repeated, recurrent=recurrent))


def test_a_stack_repeats_the_input_of_its_last_layer_only() -> None:
    model = StackedLSTM(width=K, layers=3)
    params = drawn(model, FILM, FIRST)["params"]
    below, _ = run(params["layer_0"], FILM, FIRST)
    below, _ = run(params["layer_1"], below)
    expected, _ = run(params["layer_2"], jnp.repeat(below, 3, axis=1))
    close(jax.jit(model.apply)({"params": params}, FILM, FIRST), expected, 1e-6)
    single = StackedLSTM(width=K, layers=1)
    params = drawn(single, FILM)["params"]
    expected, _ = run(params["layer_0"], jnp.repeat(FILM, 3, axis=1))
    close(jax.jit(single.apply)({"params": params}, FILM), expected, 1e-6)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_step_never_sees_later_frames(layers: int) -> None:
    model = StackedLSTM(width=K, layers=layers)
    variables = drawn(model, FILM, FIRST)
    look = jax.jit(model.apply)
    before, after = (np.asarray(look(variables, film, FIRST)) for film in (FILM, FILM.at[:, 3].add(1.0)))
    np.testing.assert_array_equal(before[:, :9], after[:, :9])
    assert (before[:, 9:] != after[:, 9:]).any(axis=(0, 2)).all()


def test_parameters_are_plain_arrays_and_young_cells_remember() -> None:
    params = jax.jit(LSTM(K).init)(jax.random.key(0), FILM, FIRST)["params"]
    assert {name: value.shape for name, value in params.items()} == {n: SIZES[n] for n in ("wx", "wc", "wh", "b")}
    np.testing.assert_array_equal(params["b"], np.repeat([0.0, 1.0, 0.0, 0.0], K))
    assert "wc" not in drawn(LSTM(K), FILM)["params"]


def test_large_inputs_keep_gradients_finite() -> None:
    model = StackedLSTM(width=K)
    variables = drawn(model, FILM, FIRST)
    loss = lambda v, x: (model.apply(v, x, FIRST) ** 2).sum()  # noqa: E731
    gradients = jax.jit(jax.grad(loss, argnums=(0, 1)))(variables, 1e4 * FILM)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


def test_one_shape_is_traced_once() -> None:
    model, traced = StackedLSTM(width=K), []

    @jax.jit
    def step(variables: Any, x: jax.Array) -> Any:
        traced.append(x.shape)
        return jax.grad(lambda v: model.apply(v, x).sum())(variables)

    variables = drawn(model, FILM)
    for scale in (1.0, 2.0, 3.0):
        step(variables, scale * FILM)
    assert len(traced) == 1

"""Laws of counting work: products by hand, loops by their length, what is dead or divided is not counted."""

import jax
import jax.numpy as jnp

from vis2sound_jax.planning.work import Work, work


def array(*shape: int, dtype: object = jnp.float32) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


def test_a_product_by_hand() -> None:
    found = work(jnp.dot, array(2, 3), array(3, 5))
    assert found == Work(full_flops=2 * 2 * 3 * 5, bytes=4 * (2 * 3 + 3 * 5 + 2 * 5))
    half = work(jnp.dot, array(2, 3, dtype=jnp.bfloat16), array(3, 5, dtype=jnp.bfloat16))
    assert half == Work(half_flops=2 * 2 * 3 * 5, bytes=2 * (2 * 3 + 3 * 5 + 2 * 5))


def test_loops_count_their_length_and_dead_products_nothing() -> None:
    def loop(x: jax.Array, w: jax.Array) -> jax.Array:
        _ = jnp.dot(w, w)
        return jax.lax.scan(lambda h, _: (jnp.tanh(h @ w), None), x, length=7)[0]

    assert work(loop, array(2, 3), array(3, 3)).flops == 7 * 2 * 2 * 3 * 3


def test_recomputing_costs_a_forward_pass_more() -> None:
    def loss(w: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.tanh(jnp.tanh(x @ w) @ w).sum()

    once, shapes = 2 * 4 * 8 * 8, (array(8, 8), array(4, 8))
    # Two products forwards; backwards two for the weights and one for what lies between the layers.
    assert work(jax.value_and_grad(loss), *shapes).flops == 5 * once
    assert work(jax.value_and_grad(jax.checkpoint(loss)), *shapes).flops == 7 * once


def test_convolutions_backwards_cost_what_forwards_do() -> None:
    def forward(x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    shapes = array(2, 8, 8, 3), array(3, 3, 3, 5)
    once = 2 * (2 * 4 * 4 * 5) * (3 * 3 * 3)
    assert work(forward, *shapes).flops == once
    both = work(lambda x, w: jax.vjp(forward, x, w)[1](forward(x, w)), *shapes).flops
    # Forward, and once more for each of the two gradients; that of the input counts no zeros between its rows.
    assert both == 3 * once


def test_it_counts_what_the_compiler_counts() -> None:
    def loss(w: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.square(jnp.tanh(x @ w) @ w.T).sum()

    shapes = array(64, 128), array(32, 64)
    compiled = jax.jit(jax.grad(loss)).lower(*shapes).compile().cost_analysis()["flops"]
    assert abs(work(jax.grad(loss), *shapes).flops / compiled - 1) < 0.05

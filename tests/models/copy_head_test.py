"""Laws of copying: cached equals full, a row copies its own earlier codes and nothing else, the gate decides."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.transformer import Transformer

ROWS, BOOK, COLUMNS, KNOWN = 3, 4, 6, 2
N, MASK = ROWS * COLUMNS, ROWS * BOOK
PLAIN = Transformer(vocab=MASK + 1, slots=N + 3, layers=2, heads=2, width=8)
MODEL = PLAIN.clone(copy_heads=2, rows=ROWS, book=BOOK)


@functools.cache
def tokens() -> jax.Array:
    """Two examples; the first two columns of the second are hidden."""
    grid = jax.random.randint(jax.random.key(0), (2, COLUMNS, ROWS), 0, BOOK)
    return (grid + jnp.arange(ROWS) * BOOK).reshape(2, N).at[1, : KNOWN * ROWS].set(MASK)


@functools.cache
def conditions() -> dict[str, jax.Array]:
    keys = jax.random.split(jax.random.key(4), 3)
    return {
        "prefix": jax.random.normal(keys[0], (2, 3, 5)),
        "aligned": jax.random.normal(keys[1], (2, N, 4)),
        "style": jax.random.normal(keys[2], (2, 3)),
    }


@functools.cache
def variables(model: Transformer = MODEL) -> dict[str, Any]:
    """Large weights, so that no input drowns."""
    start = jax.jit(model.init)(jax.random.key(1), tokens(), **conditions())
    leaves, structure = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    noisy = [leaf + 0.5 * jax.random.normal(key, leaf.shape) for key, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, noisy)


full_forward = jax.jit(MODEL.apply)
by_row = jax.jit(functools.partial(MODEL.apply, method="by_row", rows=ROWS, book=BOOK))
prefill = jax.jit(functools.partial(MODEL.apply, method="prefill"), static_argnames=("takes", "room"))
decode_step = jax.jit(functools.partial(MODEL.apply, method="decode_step"))


def gated(bias: float) -> dict[str, Any]:
    """The same weights with a gate that is open (far above 0) or shut (far below)."""
    copied = jax.tree.map(lambda leaf: leaf, variables())
    gate = copied["params"]["copy_head"]["gate"]
    gate.update(weight=0 * gate["weight"], bias=0 * gate["bias"] + bias)
    return copied


@pytest.mark.parametrize("given", [(), ("prefix",), ("aligned", "style")], ids="+".join)
@pytest.mark.parametrize(("takes", "room"), [(1, None), (3, N - KNOWN * ROWS)])
def test_cached_steps_equal_the_full_forward(given: tuple[str, ...], takes: int, room: int | None) -> None:
    kept = {name: conditions()[name] for name in given}
    aligned = kept.pop("aligned", None)
    full = full_forward(variables(), tokens(), aligned=aligned, **kept)[:, -N:]
    known = KNOWN * ROWS
    start = kept if aligned is None else kept | {"aligned": aligned[:, :known]}
    logits, cache = prefill(variables(), tokens()[:, :known], **start, takes=takes, room=room)
    each = lambda array: jnp.repeat(array, takes, axis=0)  # noqa: E731
    np.testing.assert_allclose(logits, each(full[:, known - 1]), atol=1e-5)
    step = {"style": each(kept["style"])} if "style" in kept else {}
    for i in range(known, N):
        step |= {} if aligned is None else {"aligned": each(aligned[:, i])}
        logits, cache = decode_step(variables(), cache, each(tokens()[:, i]), **step)
        np.testing.assert_allclose(logits, each(full[:, i]), atol=1e-5)


def test_takes_of_one_start_copy_their_own_codes() -> None:
    ways = jax.random.randint(jax.random.key(5), (2, 3, COLUMNS, ROWS), 0, BOOK) + jnp.arange(ROWS) * BOOK
    ways = ways.reshape(2, 3, N).at[:, :, : KNOWN * ROWS].set(tokens()[:, None, : KNOWN * ROWS])
    _, cache = prefill(variables(), ways[:, 0, : KNOWN * ROWS], takes=3)
    for i in range(KNOWN * ROWS, N):
        logits, cache = decode_step(variables(), cache, ways[:, :, i].reshape(-1))
    np.testing.assert_allclose(logits, full_forward(variables(), ways.reshape(6, N))[:, -1], atol=1e-5)


def test_logits_are_logarithms_of_probabilities_of_the_next_rows_codes() -> None:
    full = np.asarray(full_forward(variables(), tokens(), aligned=conditions()["aligned"]))
    np.testing.assert_allclose(np.exp(full).sum(-1), 1.0, rtol=1e-5)
    own = np.arange(1, N + 1)[:, None] % ROWS == np.arange(MASK + 1) // BOOK
    assert (np.isfinite(full) == own).all()
    rows = by_row(variables(), tokens(), aligned=conditions()["aligned"])
    np.testing.assert_allclose(rows, full[:, own].reshape(2, N, BOOK), rtol=1e-5)


def test_shut_it_is_the_network_without_it_whose_parameters_it_has() -> None:
    plain = {"params": {name: value for name, value in gated(-60.0)["params"].items() if name != "copy_head"}}
    logits = PLAIN.apply(plain, tokens(), rows=ROWS, book=BOOK, method="by_row")
    np.testing.assert_allclose(by_row(gated(-60.0), tokens()), jax.nn.log_softmax(logits), atol=1e-4)
    started = jax.jit(PLAIN.init)(jax.random.key(1), tokens(), **conditions())["params"]
    copying = jax.jit(MODEL.init)(jax.random.key(1), tokens(), **conditions())["params"]
    assert copying.keys() - started.keys() == {"copy_head"}
    jax.tree.map(np.testing.assert_array_equal, started, {name: copying[name] for name in started})


def test_open_it_says_only_codes_that_the_row_had_before() -> None:
    probability = np.exp(by_row(gated(60.0), tokens()))
    grid = np.asarray(tokens()).reshape(2, COLUMNS, ROWS) - np.arange(ROWS) * BOOK
    for i in range(ROWS, N):
        column, row = (i + 1) // ROWS, (i + 1) % ROWS
        for example in range(2):
            # The mask token counts as a code beyond the book.
            before = {int(code) for code in grid[example, :column, row] if code < BOOK}
            said = set(np.flatnonzero(probability[example, i] > 1e-5).tolist())
            assert said <= before if before else said == set(range(BOOK))


def test_where_all_is_hidden_nothing_is_copied() -> None:
    hidden = tokens().at[:, :].set(MASK)
    np.testing.assert_allclose(by_row(gated(60.0), hidden), by_row(gated(-60.0), hidden), atol=1e-5)


def test_no_position_sees_a_later_one() -> None:
    i = 3 * ROWS
    later = tokens().at[:, i:].set((tokens()[:, i:] + 1) % MASK)
    change = np.abs(by_row(variables(), later) - by_row(variables(), tokens())).max(axis=(0, 2))
    assert (change[:i] == 0).all() and (change[i:] > 1e-4).any()


def test_gradients_are_finite_and_reach_all_of_the_head() -> None:
    loss = lambda v: -by_row(v, tokens())[:, :, 0].mean()  # noqa: E731
    found = jax.jit(jax.grad(loss))(variables())["params"]["copy_head"]
    assert all(np.isfinite(leaf).all() and np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(found))


def test_a_start_of_broken_columns_is_refused() -> None:
    with pytest.raises(UserError, match="a start of 4 codes is no number of columns of 3; give whole columns"):
        MODEL.apply(variables(), tokens()[:, :4], method="prefill")
    with pytest.raises(UserError, match="a start of 0 codes"):
        MODEL.apply(variables(), prefix=conditions()["prefix"], method="prefill")

"""Laws of the token decoder: cached equals full, causal, conditioned; its numbers are in golden_test."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.models.transformer import Transformer

MODEL = Transformer(vocab=11, slots=12, layers=2, heads=2, width=8)
N_PREFIX, N_TOKENS = 3, 6


@functools.cache
def inputs() -> dict[str, jax.Array]:
    keys = jax.random.split(jax.random.key(0), 4)
    return {
        "tokens": jax.random.randint(keys[0], (2, N_TOKENS), 0, 11),
        "prefix": jax.random.normal(keys[1], (2, N_PREFIX, 5)),
        "aligned": jax.random.normal(keys[2], (2, N_TOKENS, 4)),
        "style": jax.random.normal(keys[3], (2, 3)),
    }


@functools.cache
def variables() -> dict[str, Any]:
    """Large weights, so that no input drowns."""
    start = jax.jit(MODEL.init)(jax.random.key(1), **inputs())
    leaves, structure = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    noisy = [leaf + 0.3 * jax.random.normal(key, leaf.shape) for key, leaf in zip(keys, leaves, strict=True)]
    return jax.tree.unflatten(structure, noisy)


full_forward = jax.jit(MODEL.apply)
prefill = jax.jit(functools.partial(MODEL.apply, method="prefill"), static_argnames=("takes", "room"))
decode_step = jax.jit(functools.partial(MODEL.apply, method="decode_step"))


def logits_of(**changes: jax.Array) -> jax.Array:
    return full_forward(variables(), **(inputs() | changes))


def by_path(tree: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {jax.tree_util.keystr(path): x.shape for path, x in jax.tree_util.tree_leaves_with_path(tree)}


CONDITIONS = [(), ("prefix",), ("aligned",), ("style",), ("prefix", "aligned", "style")]


@pytest.mark.parametrize("given", CONDITIONS, ids="+".join)
@pytest.mark.parametrize(("takes", "room"), [(1, None), (1, N_TOKENS - 2), (3, N_TOKENS - 1)])
def test_cached_steps_equal_the_full_forward(given: tuple[str, ...], takes: int, room: int | None) -> None:
    kept = {name: inputs()[name] for name in given}
    tokens, aligned = inputs()["tokens"], kept.pop("aligned", None)
    full = full_forward(variables(), tokens, aligned=aligned, **kept)
    n_prefix, known = full.shape[1] - N_TOKENS, 2
    start = kept if aligned is None else kept | {"aligned": aligned[:, :known]}
    logits, cache = prefill(variables(), tokens[:, :known], **start, takes=takes, room=room)
    # Every take goes on with the codes of its own example, and after the start with those of another one.
    each = lambda array: jnp.repeat(array, takes, axis=0)  # noqa: E731
    np.testing.assert_allclose(logits, each(full[:, n_prefix + known - 1]), atol=1e-5)
    step = {"style": each(kept["style"])} if "style" in kept else {}
    for i in range(known, N_TOKENS):
        step |= {} if aligned is None else {"aligned": each(aligned[:, i])}
        logits, cache = decode_step(variables(), cache, each(tokens[:, i]), **step)
        np.testing.assert_allclose(logits, each(full[:, n_prefix + i]), atol=1e-5)
    assert cache.length == n_prefix + N_TOKENS


@pytest.mark.parametrize("given", CONDITIONS, ids="+".join)
def test_by_row_are_the_logits_of_the_next_rows_own_codes(given: tuple[str, ...]) -> None:
    rows, book = 3, 3
    one_less = {"tokens": inputs()["tokens"][:, :-1], "aligned": inputs()["aligned"][:, :-1]}
    kept = {name: one_less.get(name, inputs()[name]) for name in ("tokens", *given)}
    full = full_forward(variables(), **kept)[:, 1 - N_TOKENS :]
    first = np.arange(1, N_TOKENS)[:, None] % rows * book
    wanted = np.take_along_axis(np.asarray(full), np.broadcast_to(first + np.arange(book), (2, N_TOKENS - 1, book)), -1)
    ours = MODEL.apply(variables(), **kept, rows=rows, book=book, method="by_row")
    np.testing.assert_allclose(ours, wanted, rtol=1e-4, atol=1e-5)


def test_takes_of_one_start_go_their_own_ways() -> None:
    ways = (
        jax.random.randint(jax.random.key(4), (2, 3, N_TOKENS), 0, 11).at[:, :, :2].set(inputs()["tokens"][:, None, :2])
    )
    _, cache = prefill(variables(), ways[:, 0, :2], prefix=inputs()["prefix"], takes=3)
    for i in range(2, N_TOKENS):
        logits, cache = decode_step(variables(), cache, ways[:, :, i].reshape(-1))
    alone = full_forward(variables(), ways.reshape(6, -1), prefix=jnp.repeat(inputs()["prefix"], 3, axis=0))
    np.testing.assert_allclose(logits, alone[:, -1], atol=1e-5)


def test_the_cache_is_flat_and_holds_the_start_once() -> None:
    _, cache = prefill(variables(), prefix=inputs()["prefix"], takes=5, room=4)
    head = MODEL.width // MODEL.heads
    assert cache.start_keys[0].shape == cache.start_values[1].shape == (2 * MODEL.heads, N_PREFIX, head)
    assert cache.keys[0].shape == (5 * 2 * MODEL.heads, 4, head)
    assert not cache.keys[0].any() and not cache.values[1].any() and cache.length == N_PREFIX


def test_no_position_sees_a_later_one() -> None:
    i = 3
    later = inputs()["tokens"].at[:, i:].add(1) % 11
    change = np.abs(logits_of(tokens=later) - logits_of()).max(axis=(0, 2))
    assert (change[: N_PREFIX + i] == 0).all() and (change[N_PREFIX + i :] > 1e-3).all()


@pytest.mark.parametrize("name", ["prefix", "aligned", "style"])
def test_each_condition_matters(name: str) -> None:
    assert np.abs(logits_of(**{name: -inputs()[name]}) - logits_of()).max() > 1e-3


def test_aligned_features_act_from_their_own_moment() -> None:
    moved = inputs()["aligned"].at[:, 2].add(1.0)
    change = np.abs(logits_of(aligned=moved) - logits_of()).max(axis=(0, 2))
    assert (change[: N_PREFIX + 2] == 0).all() and change[N_PREFIX + 2] > 1e-3


@pytest.mark.parametrize("way", [{"remat": "full"}, {"remat": "dots"}, {"scan": True}, {"scan": True, "remat": "full"}])
def test_remat_and_scan_change_neither_names_nor_gradient(way: dict[str, Any]) -> None:
    def gradient(model: Transformer) -> dict[str, Any]:
        run = jax.jit(model.apply)
        loss = lambda v: jnp.sum(run(v, **inputs()) ** 2)  # noqa: E731
        return jax.jit(jax.grad(loss))(variables())

    plain, remat = gradient(MODEL), gradient(MODEL.clone(**way))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), plain, remat)
    started = jax.eval_shape(MODEL.clone(**way).init, jax.random.key(0), **inputs())
    assert by_path(started) == by_path(variables())


@pytest.mark.parametrize("way", [{}, {"scan": True, "remat": "full"}])
def test_the_librarys_attention_has_the_same_names_values_and_gradient(way: dict[str, Any]) -> None:
    def value_and_gradient(model: Transformer) -> Any:
        run = jax.jit(model.apply)
        return jax.jit(jax.value_and_grad(lambda v: jnp.sum(run(v, **inputs()) ** 2)))(variables())

    library = MODEL.clone(attention="xla", **way)
    own, theirs = value_and_gradient(MODEL), value_and_gradient(library)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), own, theirs)
    started = jax.eval_shape(library.init, jax.random.key(0), **inputs())
    assert by_path(started) == by_path(variables())
    one, other = (model.apply(variables(), inputs()["tokens"], method="prefill")[1] for model in (MODEL, library))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), one, other)


def test_an_attention_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="Unsupported implementation option: flash"):
        MODEL.clone(attention="flash").apply(variables(), **inputs())


def test_bfloat16_computes_near_float32_and_keeps_float32_parameters() -> None:
    half = MODEL.clone(dtype=jnp.bfloat16)
    logits = jax.jit(half.apply)(variables(), **inputs())
    assert logits.dtype == jnp.float32
    np.testing.assert_allclose(logits, logits_of(), atol=0.3)
    started = jax.eval_shape(half.init, jax.random.key(0), **inputs())
    assert {leaf.dtype for leaf in jax.tree.leaves(started)} == {jnp.dtype("float32")}


def test_unused_conditions_have_no_parameters_and_the_paper_size_has_its_count() -> None:
    init = functools.partial(Transformer().init, prefix=jnp.zeros((1, 60, 512)))
    params = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 99), jnp.int32))["params"]
    assert "aligned_embedder" not in params and "style_embedder" not in params
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 305_097_728


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(UserError, match="13 positions is longer than the transformer's 12 slots"):
        MODEL.apply(variables(), jnp.zeros((1, 13), jnp.int32))
    with pytest.raises(UserError, match="neither tokens nor a prefix"):
        MODEL.apply(variables())
    with pytest.raises(UserError, match="a start of 6 positions leaves no room for 7 in 12 slots; raise `slots`"):
        MODEL.apply(variables(), inputs()["tokens"], room=7, method="prefill")

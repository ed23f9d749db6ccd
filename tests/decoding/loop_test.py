"""Laws of the decode loop, with the transformer as the model."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.decoding.loop import ChooseFn, generate
from vis2sound_jax.decoding.sampling import greedy, sample
from vis2sound_jax.models.transformer import KVCache, Transformer

MODEL = Transformer(vocab=13, slots=16, layers=2, heads=2, width=8)
N_KNOWN, N_NEW = 3, 7
decode_step = jax.jit(functools.partial(MODEL.apply, method="decode_step"))


@functools.cache
def setting() -> tuple[jax.Array, jax.Array, dict[str, Any]]:
    keys = jax.random.split(jax.random.key(0), 3)
    tokens = jax.random.randint(keys[0], (2, N_KNOWN), 0, 13)
    aligned = jax.random.normal(keys[1], (2, N_KNOWN + N_NEW, 4))
    variables = jax.jit(MODEL.init)(keys[2], tokens, aligned=aligned[:, :N_KNOWN])
    louder = jax.tree.map(lambda x: 20.0 * x if x.ndim > 1 else x, variables)
    return tokens, aligned, louder


def step(cache: KVCache, token: jax.Array, aligned: jax.Array) -> tuple[jax.Array, KVCache]:
    return decode_step(setting()[2], cache, token, aligned=aligned)


def prefilled(takes: int = 1) -> tuple[jax.Array, KVCache]:
    tokens, aligned, variables = setting()
    prefill = jax.jit(functools.partial(MODEL.apply, method="prefill", takes=takes))
    return prefill(variables, tokens, aligned=aligned[:, :N_KNOWN])


def test_prefill_and_scan_equal_naive_decoding() -> None:
    tokens, aligned, variables = setting()
    naive = jnp.pad(tokens, ((0, 0), (0, N_NEW)))
    full_forward = jax.jit(MODEL.apply)
    for n in range(N_KNOWN, N_KNOWN + N_NEW):
        logits = full_forward(variables, naive, aligned=aligned)
        naive = naive.at[:, n].set(greedy(logits[:, n - 1]))
    logits, cache = prefilled()
    choose = lambda _, logits: greedy(logits)  # noqa: E731
    new = generate(step, cache, logits, jax.random.key(0), N_NEW, choose=choose, aligned=aligned[:, N_KNOWN:])
    np.testing.assert_array_equal(new, naive[:, N_KNOWN:])
    assert len(np.unique(new)) > 3  # a constant sequence would prove nothing
    one = generate(step, cache, logits, jax.random.key(0), 1, choose=choose, aligned=aligned[:, N_KNOWN:])
    np.testing.assert_array_equal(one, new[:, :1])


def test_draws_depend_on_the_key_alone_and_top_1_is_greedy() -> None:
    logits, cache = prefilled()
    later = setting()[1][:, N_KNOWN:]

    def run(seed: int, choose: ChooseFn) -> jax.Array:
        return generate(step, cache, logits, jax.random.key(seed), N_NEW, choose=choose, aligned=later)

    drawn = run(0, sample)
    np.testing.assert_array_equal(run(0, sample), drawn)
    assert (run(1, sample) != drawn).any()
    top_1 = functools.partial(sample, top_k=1)
    np.testing.assert_array_equal(run(3, top_1), run(4, lambda _, logits: greedy(logits)))


def test_takes_share_a_prefill() -> None:
    takes = 3
    logits, cache = prefilled()
    choose = lambda _, logits: greedy(logits)  # noqa: E731
    arguments = (jax.random.key(0), N_NEW)
    single = generate(step, cache, logits, *arguments, choose=choose, aligned=setting()[1][:, N_KNOWN:])
    logits, cache = prefilled(takes)
    later = jnp.repeat(setting()[1][:, N_KNOWN:], takes, axis=0)
    several = generate(step, cache, logits, *arguments, choose=choose, aligned=later)
    np.testing.assert_array_equal(several, np.repeat(single, takes, axis=0))


@pytest.mark.parametrize("takes", [1, 16])
def test_the_compiled_loop_copies_no_weights_and_the_cache_once(takes: int) -> None:
    model = Transformer(vocab=64, slots=160, layers=2, heads=4, width=256)
    known = jax.ShapeDtypeStruct((1, 110), jnp.int32)
    variables = jax.eval_shape(model.init, jax.random.key(0), known)
    prefill = functools.partial(model.apply, takes=takes, method="prefill")
    logits, cache = jax.eval_shape(prefill, variables, known)

    def decode(variables: dict[str, Any], cache: KVCache, logits: jax.Array) -> jax.Array:
        step = functools.partial(model.apply, variables, method="decode_step")
        choose = lambda _, logits: greedy(logits)  # noqa: E731
        key = jax.random.key(0)
        return generate(lambda c, token, _: step(c, token), cache, logits, key, 50, choose=choose)

    memory: Any = jax.jit(decode).lower(variables, cache, logits).compile().memory_analysis()
    # The start is only read; what grows is copied once, before the loop.
    grows = sum(leaf.size * 4 for leaf in jax.tree.leaves((cache.keys, cache.values)))
    assert memory.temp_size_in_bytes < 1.2 * grows + 2**18

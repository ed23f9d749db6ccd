"""Times token decoding with and without the key-value cache, at the paper's size, on this machine.

Run `python tests/benchmarks/decode_benchmark.py`. Weights are random: the time does not depend on them.
Naive decoding, which the reference does, computes the whole sequence again for each token; because every
step costs the same, a few steps are timed. Both ways must choose the same tokens.
"""

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.decoding.loop import generate
from vis2sound_jax.decoding.sampling import greedy
from vis2sound_jax.models.transformer import KVCache, Transformer

FRAMES, FEATURES, KNOWN = 60, 512, 50  # the prefix: video features and the codes of the example


def random_like(shapes: dict) -> dict:
    """Weights of the trained models' scale, drawn by numpy, which needs no compilation."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda s: jnp.asarray(0.02 * rng.standard_normal(s.shape, np.float32)), shapes)


def seconds_of(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Wall time of one call, after one that compiles."""
    jax.block_until_ready(function(*arguments))
    start = time.perf_counter()
    result = jax.block_until_ready(function(*arguments))
    return time.perf_counter() - start, result


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=50, help="tokens of the cached run")
    parser.add_argument("--naive_tokens", type=int, default=5, help="tokens of the naive run, not more")
    return parser.parse_args()


def cached_decoder(model: Transformer, n_tokens: int) -> Any:
    def decode(variables: dict, cache: KVCache, logits: jax.Array) -> jax.Array:
        append = functools.partial(model.apply, variables, method="decode_step")
        step = lambda cache, token, _: append(cache, token)  # noqa: E731
        choose = lambda _, logits: greedy(logits)  # noqa: E731
        return generate(step, cache, logits, jax.random.key(0), n_tokens, choose=choose)

    return jax.jit(decode)


def naive_decoder(model: Transformer, known: jax.Array, prefix: jax.Array, flags: argparse.Namespace) -> Any:
    forward = jax.jit(model.apply)

    def decode(variables: dict) -> jax.Array:
        # All positions at once; the codes still unknown are zeros, which causality hides.
        tokens = jnp.pad(known, ((0, 0), (0, flags.tokens)))
        for n in range(KNOWN, KNOWN + flags.naive_tokens):
            logits = forward(variables, tokens[:, :-1], prefix=prefix)
            tokens = tokens.at[:, n].set(greedy(logits[:, FRAMES + n - 1]))
        return tokens[:, KNOWN : KNOWN + flags.naive_tokens]

    return decode


def main() -> None:
    """Prints milliseconds per token both ways, their ratio and the compiled loop's memory."""
    flags = read_flags()
    model = Transformer(layers=flags.layers)
    rng = np.random.default_rng(1)
    known = jnp.asarray(rng.integers(0, model.vocab, (flags.batch, KNOWN)))
    prefix = jnp.asarray(rng.standard_normal((flags.batch, FRAMES, FEATURES), np.float32))
    variables = random_like(jax.eval_shape(lambda: model.init(jax.random.key(0), known, prefix=prefix)))

    prefill = jax.jit(functools.partial(model.apply, method="prefill"))
    empty = model.init_cache(flags.batch)
    prefill_s, (logits, cache) = seconds_of(lambda: prefill(variables, empty, known, prefix=prefix))
    cached = cached_decoder(model, flags.tokens)
    cached_s, new = seconds_of(cached, variables, cache, logits)
    naive_s, again = seconds_of(naive_decoder(model, known, prefix, flags), variables)
    np.testing.assert_array_equal(new[:, : flags.naive_tokens], again)

    cached_ms = 1000 * (prefill_s + cached_s) / flags.tokens
    naive_ms = 1000 * naive_s / flags.naive_tokens
    memory: Any = cached.lower(variables, cache, logits).compile().memory_analysis()
    millions = sum(leaf.size for leaf in jax.tree.leaves(variables)) / 1e6
    print(f"{flags.layers} layers, {millions:.0f} M parameters, batch {flags.batch}, {jax.default_backend()}")
    print(f"prefill of {FRAMES + KNOWN} positions: {1000 * prefill_s:.0f} ms")
    print(f"cached: {cached_ms:.1f} ms/token over {flags.tokens} tokens, prefill included")
    print(f"        {1000 * cached_s / flags.tokens:.1f} ms/token without it")
    print(f"naive:  {naive_ms:.1f} ms/token over {flags.naive_tokens} tokens")
    print(f"ratio:  {naive_ms / cached_ms:.1f}")
    print(f"temporary memory of the cached loop: {memory.temp_size_in_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

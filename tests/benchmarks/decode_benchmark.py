"""Times token decoding at the paper's size beside two decoders in torch, all with the same weights, in one run.

Run `python tests/benchmarks/decode_benchmark.py`; it needs torch and transformers (`pip install -e .[benchmark]`).
60 features and 50 codes are known, 50 codes follow, the likeliest ones; all three must choose the same. Weights are
random: the time does not depend on them.

  naive   torch, the whole sequence of 159 positions again for each code, as the reference does. Every step costs the
          same, so a few are timed. It decodes one take at a time, so several takes cost it as many times more.
  cached  GPT-2 of `transformers` with its key-value cache; takes share the first pass

Times include the first pass over what is known. The limit of one take is the time to read all weights once a code at
the bandwidth measured in the same run. The runs of all sides alternate and the least time of each counts. Torch's
threads wait for each other by spinning; where other programs want the same processors,
`OMP_NUM_THREADS=1 taskset -c 0 python … --cpu_time` pins all to one thread and counts its seconds of work.
"""

import argparse
import functools
import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch_decoders import Cached, Naive, tensor

from vis2sound_jax.decoding.loop import generate
from vis2sound_jax.decoding.sampling import greedy
from vis2sound_jax.models.transformer import Transformer

FRAMES, FEATURES, KNOWN, TOKENS = 60, 512, 50, 50
BIG = (25_000, 4_000)  # 400 MB, far more than any cache holds

Run = Callable[[], Any]


def draw(model: Transformer) -> tuple[Any, jax.Array, jax.Array]:
    """Weights, of which codes and places are so large that the codes chosen vary; features and known codes."""
    rng = np.random.default_rng(0)
    prefix = jnp.asarray(rng.standard_normal((1, FRAMES, FEATURES), np.float32))
    known = jnp.asarray(rng.integers(0, model.vocab, (1, KNOWN)))
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), known, prefix=prefix))

    def weight(path: Any, shape: Any) -> jax.Array:
        scale = 1.0 if "_emb" in jax.tree_util.keystr(path) else 0.02
        return jnp.asarray(scale * rng.standard_normal(shape.shape, np.float32))

    return jax.tree_util.tree_map_with_path(weight, shapes), prefix, known


def our_decoder(model: Transformer, takes: int) -> tuple[Any, Any]:
    """Compiled functions of the first pass and of the loop."""

    def decode(variables: Any, cache: Any, logits: jax.Array) -> jax.Array:
        append = functools.partial(model.apply, variables, method="decode_step")
        step = lambda cache, token, _: append(cache, token)  # noqa: E731
        choose = lambda _, logits: greedy(logits)  # noqa: E731
        return generate(step, cache, logits, jax.random.key(0), TOKENS, choose=choose)

    prefill = functools.partial(model.apply, takes=takes, room=TOKENS - 1, method="prefill")
    return jax.jit(prefill), jax.jit(decode)


def runs_of(flags: argparse.Namespace) -> tuple[dict[str, Run], int, int]:
    """What is timed, by name; the weights' bytes and the loop's temporary ones."""
    model = Transformer(layers=flags.layers)
    variables, prefix, known = draw(model)
    weights = jax.tree.map(tensor, variables["params"])
    sizes = {"layers": model.layers, "heads": model.heads}
    naive, peer = Naive(weights, **sizes), Cached(weights, **sizes)
    shown = tensor(prefix), tensor(known).long()
    runs: dict[str, Run] = {"naive": lambda: naive.decode(*shown, TOKENS, steps=flags.naive_tokens)}
    for takes in (1, flags.takes):
        prefill, decode = our_decoder(model, takes)
        logits, cache = prefill(variables, known, prefix=prefix)
        compiled = decode.lower(variables, cache, logits).compile()
        if takes == 1:
            temporary = compiled.memory_analysis().temp_size_in_bytes

        def ours(prefill: Any = prefill, decode: Any = compiled) -> Any:
            logits, cache = prefill(variables, known, prefix=prefix)
            return decode(variables, cache, logits)

        runs[f"ours {takes}"] = ours
        runs[f"loop {takes}"] = functools.partial(compiled, variables, cache, logits)
        runs[f"cached {takes}"] = functools.partial(peer.decode, *shown, TOKENS, takes=takes)
    matrix, vector = jnp.ones(BIG), jnp.ones(BIG[1])
    product = jax.jit(jnp.matmul)
    runs["read"] = lambda: product(matrix, vector)
    return runs, sum(leaf.nbytes for leaf in jax.tree.leaves(variables)), temporary


def least_times(runs: dict[str, Run], flags: argparse.Namespace) -> dict[str, float]:
    """The least seconds of each over rounds in which all run; checks that all choose the same codes."""
    clock = time.process_time if flags.cpu_time else time.perf_counter
    expected = np.asarray(runs["ours 1"]())
    print(f"{len(np.unique(expected))} different codes among {TOKENS}")
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(flags.rounds):
        for name, run in (*runs.items(), *[("read", runs["read"])] * 9):
            begin = clock()
            found = jax.block_until_ready(run())
            best[name] = min(best[name], clock() - begin)
            if name != "read":
                codes = np.asarray(found)
                np.testing.assert_array_equal(codes, np.broadcast_to(expected[:, : codes.shape[1]], codes.shape))
    return best


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--takes", type=int, default=16)
    parser.add_argument("--naive_tokens", type=int, default=4, help="steps of the naive decoder")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="torch's; ours uses all")
    parser.add_argument("--cpu_time", action="store_true", help="count the process's work instead of wall time")
    return parser.parse_args()


def main() -> None:
    """Prints one table of what was found beside the aims."""
    flags = read_flags()
    torch.set_num_threads(flags.threads)
    runs, weight_bytes, temporary = runs_of(flags)
    best = least_times(runs, flags)
    n, bandwidth = flags.takes, BIG[0] * BIG[1] * 4 / best["read"]
    ms = {name: 1000 * seconds / TOKENS for name, seconds in best.items()}
    ms |= {f"loop {takes}": 1000 * best[f"loop {takes}"] / (TOKENS - 1) for takes in (1, n)}
    ms["naive"] = 1000 * best["naive"] / flags.naive_tokens
    print(
        f"jax {jax.__version__}, torch {torch.__version__}, {flags.threads} threads, load {os.getloadavg()[0]:.1f}, "
        f"{'processor' if flags.cpu_time else 'wall'} time; {flags.layers} layers, {weight_bytes / 1e9:.2f} GB, "
        f"reading {bandwidth / 1e9:.1f} GB/s"
    )
    limit = 1000 * weight_bytes / bandwidth
    print("milliseconds a code: " + ", ".join(f"{name} {ms[name]:.1f}" for name in ms if name != "read"))
    print(f"{'':46}{'aim':>8}{'found':>8}")
    for label, aim, found in (
        ("one take, times naive", 6.0, ms["naive"] / ms["ours 1"]),
        ("one take, times cached", 1.1, ms["cached 1"] / ms["ours 1"]),
        ("one take, loop: share of the bandwidth's limit", 0.8, limit / ms["loop 1"]),
        (f"{n} takes, a take: times naive", 30.0, n * ms["naive"] / ms[f"ours {n}"]),
        (f"{n} takes, times cached", 1.0, ms[f"cached {n}"] / ms[f"ours {n}"]),
    ):
        print(f"{label:46}{aim:8.2f}{found:8.2f}{'' if found >= aim else '  missed'}")
    print(f"{'one take, temporary memory of the loop, MB':46}{50:>8}{temporary / 1e6:8.1f}")


if __name__ == "__main__":
    main()

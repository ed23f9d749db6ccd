"""Codes a second of the paper's decoder, beside what the memory allows: each step reads all weights once."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.accelerator.checks import Case
from vis2sound_jax.accelerator.device import Limits
from vis2sound_jax.accelerator.drawn import drawn_like
from vis2sound_jax.accelerator.timing import Effort, check_size, seconds_of
from vis2sound_jax.decoding.loop import generate
from vis2sound_jax.decoding.sampling import greedy
from vis2sound_jax.models.transformer import KVCache, Transformer
from vis2sound_jax.training.task import PyTree

FEATURES, FRAMES, KNOWN, CODES = 512, 60, 50, 50
"""The paper's prefix, and the codes of example and target (Du et al. 2023, section 3.3)."""


def decoder_cases(limits: Limits) -> list[Case]:
    """Lists what is timed: one take and sixteen, in both types.

    Args:
      limits: of the device.
    """
    return [
        Case(f"{takes} take{'s' if takes > 1 else ''}, {dtype}", functools.partial(_timed, limits, takes, dtype))
        for dtype in ("float32", "bfloat16")
        for takes in (1, 16)
    ]


def read_bytes(variables: PyTree, cache: KVCache) -> int:
    """Counts what one step must read: blocks, head and cache. Of embeddings only single rows are looked up.

    Args:
      variables: of the network, in the types in which they lie in memory.
      cache: its cache.

    Returns:
      Bytes.
    """
    params = {name: part for name, part in variables["params"].items() if "emb" not in name}
    return sum(leaf.nbytes for leaf in jax.tree.leaves((params, cache[:4])))


def in_type(variables: PyTree, dtype: Any) -> PyTree:
    """Stores the matrices of the blocks in the type of their products, as decoding reads them again and again.

    Args:
      variables: of the network, in float32.
      dtype: the type.

    Returns:
      The variables; all but those matrices are as they were.
    """

    def stored(path: Any, leaf: np.ndarray) -> Any:
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        return leaf.astype(dtype) if "/blocks_" in name and name.endswith("/weight") else leaf

    return jax.tree_util.tree_map_with_path(stored, variables)


def _timed(limits: Limits, takes: int, dtype: str) -> dict[str, Any]:
    size: dict[str, Any] = {"layers": 2, "heads": 2, "width": 32} if limits.effort.small else {}
    net = Transformer(**size, dtype=jnp.dtype(dtype))
    rng = np.random.default_rng(0)
    known, prefix = rng.integers(0, net.vocab, (1, KNOWN), np.int32), rng.random((1, FRAMES, FEATURES), np.float32)
    shapes = jax.eval_shape(net.init, jax.random.key(0), known, prefix=prefix)
    placed = jax.device_put((in_type(drawn_like(shapes), net.dtype), known, prefix), limits.device)
    prefill = jax.jit(functools.partial(net.apply, takes=takes, room=CODES - 1, method="prefill"))
    logits, cache = prefill(placed[0], placed[1], prefix=placed[2])
    loop = jax.jit(functools.partial(_decode, net)).lower(placed[0], cache, logits).compile()
    needed, effort = check_size(loop), _fewer(limits.effort)
    seconds = seconds_of(lambda: loop(placed[0], cache, logits), effort)
    first = seconds_of(lambda: prefill(placed[0], placed[1], prefix=placed[2]), effort)
    moved = read_bytes(placed[0], cache)
    rate = takes * (CODES - 1) / seconds
    bound = takes * limits.chip.hbm_bytes_s / moved
    row = {"codes_s": rate, "bound_codes_s": bound, "share": rate / bound, "step_gb": moved / 1e9}
    if limits.copy_bytes_s:
        row["share_of_copy"] = rate * moved / takes / limits.copy_bytes_s
    return row | {"first_pass_ms": 1e3 * first, "memory_gb": needed / 1e9}


def _decode(net: Transformer, variables: PyTree, cache: KVCache, logits: jax.Array) -> jax.Array:
    append = functools.partial(net.apply, variables, method="decode_step")
    step = lambda cache, token, _: append(cache, token)  # noqa: E731
    choose = lambda _, logits: greedy(logits)  # noqa: E731
    return generate(step, cache, logits, jax.random.key(0), CODES, choose=choose)


def _fewer(effort: Effort) -> Effort:
    """A call is a whole loop over codes, so that two in flight hide what a start costs."""
    return effort._replace(calls=min(effort.calls, 2))

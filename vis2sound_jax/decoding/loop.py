"""The decode loop: one scan over tokens, for any model that offers a step function."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

Cache = Any
StepFn = Callable[[Cache, Int[Array, "b"], Any], tuple[Float[Array, "b v"], Cache]]
"""`(cache, token [b], aligned of this token) -> (logits [b, v] of the next token, cache)`."""

ChooseFn = Callable[[PRNGKeyArray, Float[Array, "b v"]], Int[Array, "b"]]
"""`(key, logits [b, v]) -> token [b]`, for example `functools.partial(sampling.sample, top_k=512)`."""


def generate(
    step_fn: StepFn,
    cache: Cache,
    first_logits: Float[Array, "b v"],
    key: PRNGKeyArray,
    n_tokens: int,
    *,
    choose: ChooseFn,
    aligned: Any = None,
) -> Int[Array, "b n"]:
    """Continues sequences whose start has been prefilled.

    Token i is chosen with `fold_in(key, i)`. The function is to be called inside a `jax.jit`, so that the
    cache is updated in place.

    Args:
      step_fn: appends a token to the cache and returns the logits of the next.
      cache: pytree after the prefill, with room for `n_tokens - 1` more positions.
      first_logits: logits of the first token to choose.
      key: random key.
      n_tokens: number of tokens, at least 1.
      choose: turns logits into tokens.
      aligned: pytree of arrays [b, n_tokens, ...]; `aligned[:, i]` goes to the step that appends token i.

    Returns:
      The chosen tokens.
    """
    first = choose(jax.random.fold_in(key, 0), first_logits)

    def step(carry: tuple[Cache, Array], inputs: tuple[Array, Any]) -> tuple[tuple[Cache, Array], Array]:
        cache, token = carry
        i, features = inputs
        logits, cache = step_fn(cache, token, features)
        token = choose(jax.random.fold_in(key, i), logits)
        return (cache, token), token

    by_step = jax.tree.map(lambda a: jnp.moveaxis(a, 1, 0)[: n_tokens - 1], aligned)
    _, rest = jax.lax.scan(step, (cache, first), (jnp.arange(1, n_tokens), by_step))
    return jnp.concatenate([first[:, None], rest.T], axis=1)

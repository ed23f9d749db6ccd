"""From logits to tokens: pure rules, the last axis is the vocabulary."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray


def greedy(logits: Float[Array, "... v"]) -> Int[Array, "..."]:
    """Returns the most likely token, the first one on a tie."""
    return jnp.argmax(logits, axis=-1).astype(jnp.int32)


def keep_top_k(logits: Float[Array, "... v"], k: int) -> Float[Array, "... v"]:
    """Sets all logits below the k-th largest to -inf; logits equal to it stay, so more than k may.

    Args:
      logits: any values.
      k: number of tokens to keep, at least 1; the whole vocabulary if larger.

    Returns:
      The restricted logits.
    """
    values, _ = jax.lax.top_k(logits, min(k, logits.shape[-1]))
    return jnp.where(logits < values[..., -1:], -jnp.inf, logits)


def keep_top_p(logits: Float[Array, "... v"], p: float) -> Float[Array, "... v"]:
    """Keeps the smallest set of likeliest tokens whose probabilities add up to `p` (Holtzman et al. 2020).

    Args:
      logits: any values.
      p: probability in (0, 1]; the likeliest token always stays.

    Returns:
      The logits with all others at -inf; tokens tied with the last one kept stay too.
    """
    descending = jnp.sort(logits, axis=-1, descending=True)
    probability = jax.nn.softmax(descending, axis=-1)
    before = jnp.cumsum(probability, axis=-1) - probability
    last = jnp.min(jnp.where((before < p).at[..., 0].set(True), descending, jnp.inf), axis=-1, keepdims=True)
    return jnp.where(logits < last, -jnp.inf, logits)


def restrict(
    logits: Float[Array, "... v"],
    *,
    temperature: float | Float[Array, ""] = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Float[Array, "... v"]:
    """Divides by the temperature, then keeps the top k, then the top p of what is left.

    Args:
      logits: the model's logits.
      temperature: above 0; below 1 sharpens.
      top_k: see `keep_top_k`; None keeps all.
      top_p: see `keep_top_p`; None keeps all.

    Returns:
      Logits whose softmax is the distribution to draw from.
    """
    logits = logits / temperature
    if top_k is not None:
        logits = keep_top_k(logits, top_k)
    if top_p is not None:
        logits = keep_top_p(logits, top_p)
    return logits


def sample(
    key: PRNGKeyArray,
    logits: Float[Array, "... v"],
    *,
    temperature: float | Float[Array, ""] = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Int[Array, "..."]:
    """Draws a token from the distribution that `restrict` leaves.

    Args:
      key: random key.
      logits: the model's logits.
      temperature: see `restrict`.
      top_k: see `restrict`.
      top_p: see `restrict`.

    Returns:
      One token for each vector of logits.
    """
    allowed = restrict(logits, temperature=temperature, top_k=top_k, top_p=top_p)
    return jax.random.categorical(key, allowed, axis=-1).astype(jnp.int32)


def guided(
    conditional: Float[Array, "... v"], unconditional: Float[Array, "... v"], scale: float | Float[Array, ""]
) -> Float[Array, "... v"]:
    """Pushes logits away from the unconditional ones (classifier-free guidance, Ho and Salimans 2022).

    Args:
      conditional: logits with the condition.
      unconditional: logits without it.
      scale: 0 ignores the condition, 1 changes nothing, more exaggerates it.

    Returns:
      `unconditional + scale * (conditional - unconditional)`.
    """
    return unconditional + scale * (conditional - unconditional)

"""Small layers shared by the networks, with the conventions of the released weights."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

uniform_fan_in = nn.initializers.variance_scaling(1.0 / 3.0, "fan_in", "uniform")
"""U(-1/sqrt(fan_in), 1/sqrt(fan_in)), the start the reference networks had for convolutions."""


class Linear(nn.Module):
    """Affine map whose matrix is stored `[out, in]`.

    One token at a time, XLA's CPU backend reads an `[out, in]` matrix about a quarter faster than Flax's
    `[in, out]` kernel, and a training step costs the same. The parameter is called `weight`, so that a
    path says which layout it holds, and so that weight decay can select exactly these matrices.

    Attributes:
      width: size of the output.
      use_bias: whether to add a vector `bias`.
      dtype: type of the computation; parameters stay float32.
    """

    width: int
    use_bias: bool = True
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "... i"], *, columns: bool = False) -> Float[Array, "... o"]:
        """Returns `x @ weight.T + bias`; of columns [i, b], `weight @ x + bias` [o, b]."""
        size = x.shape[0] if columns else x.shape[-1]
        weight = self.param("weight", nn.initializers.normal(0.02), (self.width, size)).astype(self.dtype)
        product = "ib,oi->ob" if columns else "...i,oi->...o"
        y = jnp.einsum(product, x.astype(self.dtype), weight)
        if self.use_bias:
            bias = self.param("bias", nn.initializers.zeros, (self.width,)).astype(self.dtype)
            y = y + (bias[:, None] if columns else bias)
        return y


class LayerNorm(nn.Module):
    """Layer normalisation with epsilon 1e-5, in float32, variance in two passes."""

    @nn.compact
    def __call__(self, x: Float[Array, "..."], *, columns: bool = False) -> Float[Array, "..."]:
        """Normalises over the last axis; of columns [d, b], over the first."""
        axis = 0 if columns else -1
        shape = (x.shape[axis],)
        scale = self.param("scale", nn.initializers.ones, shape)
        bias = self.param("bias", nn.initializers.zeros, shape)
        if columns:
            scale, bias = scale[:, None], bias[:, None]
        x = x.astype(jnp.float32)
        centred = x - x.mean(axis, keepdims=True)
        return centred * jax.lax.rsqrt(jnp.square(centred).mean(axis, keepdims=True) + 1e-5) * scale + bias


def group_norm(channels: int, name: str) -> nn.GroupNorm:
    """Returns a group normalisation with 32 groups, or fewer where `channels` is not a multiple of 32.

    Variance is computed in two passes: the one-pass form loses digits that an exact code index needs.

    Args:
      channels: of the input.
      name: of the module, as in checkpoints.
    """
    return nn.GroupNorm(math.gcd(32, channels), epsilon=1e-6, use_fast_variance=False, name=name)


class BatchNorm(nn.Module):
    """Batch normalisation over all axes but the last, with the reference's running statistics.

    `batch_stats` holds `mean` and `var`; both move by `momentum` towards the batch's values, the variance
    towards its unbiased estimate (n - 1), as in the released weights. Flax's own layer keeps the biased one.

    Attributes:
      momentum: share of the new batch in the running statistics.
      epsilon: added to the variance.
      scale_init: initialiser of the per-channel factor.
    """

    momentum: float = 0.1
    epsilon: float = 1e-5
    scale_init: Callable[..., jax.Array] = nn.initializers.ones

    @nn.compact
    def __call__(self, x: Float[Array, "b ... c"], *, use_running_average: bool) -> Float[Array, "b ... c"]:
        """Normalises `x`; without the running average, updates it where `batch_stats` is mutable."""
        channels = x.shape[-1]
        scale = self.param("scale", self.scale_init, (channels,))
        bias = self.param("bias", nn.initializers.zeros, (channels,))
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, (channels,))
        running_var = self.variable("batch_stats", "var", jnp.ones, (channels,))
        if use_running_average:
            mean, var = running_mean.value, running_var.value
        else:
            axes = tuple(range(x.ndim - 1))
            mean, var = jnp.mean(x, axes), jnp.var(x, axes)
            if self.is_mutable_collection("batch_stats") and not self.is_initializing():
                n = x.size // channels
                unbiased = var * n / max(n - 1, 1)
                running_mean.value += self.momentum * (mean - running_mean.value)
                running_var.value += self.momentum * (unbiased - running_var.value)
        return (x - mean) * (scale * jax.lax.rsqrt(var + self.epsilon)) + bias

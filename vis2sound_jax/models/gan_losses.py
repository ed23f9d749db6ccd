"""Losses of the two networks that train against discriminators: the log-mel codec and the vocoder."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from vis2sound_jax.models.discriminators import Judged

ADVERSARIAL_SHARE = 0.8
"""Of the adversarial gradient at the last layer, relative to the reconstruction's."""


def hinge_loss(real: Float[Array, "..."], fake: Float[Array, "..."]) -> Float[Array, ""]:
    """The discriminator's hinge loss, half the sum of both means (Lim and Ye 2017, section 3; Esser et al. 2021).

    Args:
      real: logits of recordings.
      fake: logits of what was made.

    Returns:
      The loss, >= 0; 1 where all logits are 0.
    """
    return 0.5 * (jnp.mean(jax.nn.relu(1.0 - real)) + jnp.mean(jax.nn.relu(1.0 + fake)))


def vanilla_loss(real: Float[Array, "..."], fake: Float[Array, "..."]) -> Float[Array, ""]:
    """The discriminator's cross-entropy, half the sum of both means (Goodfellow et al. 2014, eq. 1), in nats.

    Args:
      real: logits of recordings.
      fake: logits of what was made.

    Returns:
      The loss, >= 0; log 2 where all logits are 0.
    """
    return 0.5 * (jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake)))


def reconstruction_loss(
    made: Float[Array, "b f t"], mel: Float[Array, "b f t"], distance: Float[Array, "b"] | float = 0.0
) -> Float[Array, ""]:
    """Mean absolute error plus the mean perceptual distance, weight 1 each.

    Args:
      made: reconstructions in about [-1, 1].
      mel: what they should be.
      distance: perceptual distance of each pair; 0 where there is none.
    """
    return jnp.mean(jnp.abs(made - mel)) + jnp.mean(distance)


def adaptive_weight(reconstruction: Any, adversarial: Any, limits: tuple[float, float]) -> Float[Array, ""]:
    """The weight that balances two losses at the last layer (Esser et al. 2021, eq. 7).

    Args:
      reconstruction: gradient of the reconstruction loss with respect to the last layer's weight.
      adversarial: gradient of the adversarial loss with respect to the same.
      limits: least and greatest ratio of the two norms.

    Returns:
      0.8 times the clipped ratio.
    """
    ratio = optax.global_norm(reconstruction) / (optax.global_norm(adversarial) + 1e-4)
    return ADVERSARIAL_SHARE * jnp.clip(ratio, *limits)


class CodecLoss(NamedTuple):
    """The codec's loss without the terms of its codes.

    Attributes:
      total: [] `reconstruction + weight * adversarial`, the last term times `factor`.
      gradient: [b, f, t] of `total` with respect to what was made; the weight counts as a constant.
      reconstruction: [] absolute error and perceptual distance.
      distance: [] mean perceptual distance.
      adversarial: [] minus the mean logit of what was made.
      weight: [] see `adaptive_weight`.
    """

    total: jax.Array
    gradient: jax.Array
    reconstruction: jax.Array
    distance: jax.Array
    adversarial: jax.Array
    weight: jax.Array


def codec_loss(
    made: Float[Array, "b f t"],
    mel: Float[Array, "b f t"],
    *,
    distance: Callable[[Float[Array, "b f t"], Float[Array, "b f t"]], Float[Array, "b"]] | None,
    judge: Callable[[Float[Array, "b f t"]], Float[Array, "b f2 t2"]],
    pull_to_last_layer: Callable[[Float[Array, "b f t"]], Any],
    limits: tuple[float, float],
    factor: Float[Array, ""] | float,
) -> CodecLoss:
    """Measures reconstructions and gives their gradient (Esser et al. 2021, section 3.1).

    Args:
      made: reconstructions in about [-1, 1].
      mel: what they should be.
      distance: perceptual distance [b] of two log-mels, or None.
      judge: logits of a log-mel, positive for real.
      pull_to_last_layer: from a gradient with respect to `made` to one with respect to the last layer's weight.
      limits: see `adaptive_weight`.
      factor: 0 while the discriminator does not count, else 1.
    """

    def reconstruct(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        apart = distance(mel, x) if distance else jnp.zeros(len(mel))
        return reconstruction_loss(x, mel, apart), jnp.mean(apart)

    (error, apart), error_gradient = jax.value_and_grad(reconstruct, has_aux=True)(made)
    adversarial, adversarial_gradient = jax.value_and_grad(lambda x: -jnp.mean(judge(x)))(made)
    weight = adaptive_weight(pull_to_last_layer(error_gradient), pull_to_last_layer(adversarial_gradient), limits)
    return CodecLoss(
        total=error + weight * factor * adversarial,
        gradient=error_gradient + weight * factor * adversarial_gradient,
        reconstruction=error,
        distance=apart,
        adversarial=adversarial,
        weight=weight,
    )


def judged_hinge_loss(real: Sequence[Judged], fake: Sequence[Judged]) -> Float[Array, ""]:
    """Hinge losses of the discriminators of all rates, summed (Kumar et al. 2019, eq. 1 and 2); 2 a rate at first.

    Args:
      real: of recordings, one a rate.
      fake: of what was made, the same rates in the same order.
    """
    return sum((2.0 * hinge_loss(r.logits, f.logits) for r, f in zip(real, fake, strict=True)), jnp.zeros(()))


def judged_adversarial_loss(fake: Sequence[Judged]) -> Float[Array, ""]:
    """Minus the mean logits of all rates, summed (Kumar et al. 2019, eq. 2)."""
    return sum((-jnp.mean(f.logits) for f in fake), jnp.zeros(()))


def feature_matching_loss(real: Sequence[Judged], fake: Sequence[Judged]) -> Float[Array, ""]:
    """Mean absolute differences of features, summed over layers and rates (Kumar et al. 2019, eq. 3).

    Args:
      real: of recordings, one a rate; its features are held fixed.
      fake: of what was made of the same recordings, the same rates in the same order.
    """
    pairs = [(a, b) for r, f in zip(real, fake, strict=True) for a, b in zip(r.features, f.features, strict=True)]
    return sum((jnp.mean(jnp.abs(jax.lax.stop_gradient(a) - b)) for a, b in pairs), jnp.zeros(()))

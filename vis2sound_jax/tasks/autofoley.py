"""AutoFoley learns the class of a film's sound and how its spectrum differs from the mean of the class."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from vis2sound_jax.tasks.averaged import AveragedTask, altered, as_unit
from vis2sound_jax.training.task import Metrics


def smooth_l1(error: Float[Array, "..."]) -> Float[Array, "..."]:
    """Half the square of errors below 1, their size less a half above (Girshick 2015).

    Args:
      error: predicted less true.
    """
    size = jnp.abs(error)
    return jnp.where(size < 1, 0.5 * error**2, size - 0.5)


@dataclasses.dataclass(frozen=True)
class FoleyTask(AveragedTask):
    """SmoothL1 of the spectrum plus cross-entropy of the class.

    Batches hold `frames` uint8 [b, t, h, w], `stills` uint8 [b, m, h, w, 3], `residual` [b, k, f], the amplitudes less
    the mean of the true class, `label` int [b], and where clips are altered `view` and `view_seed`. The network is an
    `AutoFoley`. Training takes the true class for the mean, so that the two errors do not mix.

    Attributes:
      class_weight: of the cross-entropy.
      loud_weight: further weight of a column whose residual is large: impacts are short, and nothing is right for
        most of the film. 0 is the paper's loss.
    """

    class_weight: float = 1.0
    loud_weight: float = 0.0

    def init_params(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> Any:
        """Draws the network's parameters.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        return self.net.init(key, as_unit(batch["frames"][:1]), as_unit(batch["stills"][:1]))["params"]

    def metrics(self, params: Any, batch: Mapping[str, Any], key: PRNGKeyArray | None, step: Int[Array, ""]) -> Metrics:
        """Measures a batch.

        Args:
          params: of the network.
          batch: as the class says.
          key: random key; None in evaluation.
          step: updates made so far; not used.
        """
        del step
        frames, stills = altered(batch, "frames", negative=False), altered(batch, "stills", negative=False, noise=1)
        streams = dict(zip(("dropout", "subsets"), jax.random.split(key), strict=True)) if key is not None else None
        found = self.net.apply(
            {"params": params}, as_unit(frames), as_unit(stills), train=key is not None, rngs=streams
        )
        error = smooth_l1(found.residual - batch["residual"])
        weight = 1 + self.loud_weight * jnp.abs(batch["residual"]).mean(axis=-1, keepdims=True)
        crossed = optax.softmax_cross_entropy_with_integer_labels(found.logits, batch["label"])
        right = (found.logits.argmax(axis=-1) == batch["label"]).astype(jnp.float32)
        count = len(crossed)
        loss = (weight * error).mean(axis=(1, 2)) + self.class_weight * crossed
        return Metrics.from_sums(
            loss=(loss.sum(), count),
            smooth_l1=(error.mean(axis=(1, 2)).sum(), count),
            cross_entropy=(crossed.sum(), count),
            accuracy=(right.sum(), count),
        )

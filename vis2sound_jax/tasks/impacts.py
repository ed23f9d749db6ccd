"""The recurrent network of Visually Indicated Sounds learns to predict square-rooted cochleagrams."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from vis2sound_jax.models.losses import IMPACT_NORM, aligned_prediction, impact_weights, robust_loss
from vis2sound_jax.tasks.averaged import AveragedTask
from vis2sound_jax.training.task import Metrics


@dataclasses.dataclass(frozen=True)
class ImpactTask(AveragedTask):
    """Robust error of predicted sound, after squared error to begin with (Owens et al. 2016, 5.1 and A1.1).

    Batches hold `motion` [b, t, d], `still` [b, e], `target` [b, n, k], `norm` [b, n] (of the whole
    square-rooted cochleagram) and `mask` [b, n]. The network is an `ImpactLSTM`.

    Attributes:
      robust: share of the robust error in the end, in [0, 1]; the rest is squared error.
      warmup: share of the steps in which that share is reached. From the start the robust loss stays at the mean
        sound: it seeks modes.
      robust_weight: of the robust loss; its gradient is steep near the truth.
      aligned: compare each step with the prediction up to 8 steps away, where that fits best, and weigh loud
        steps more: the detection model's loss.
      loud: norm of the square-rooted cochleagram from which a step is loud.
    """

    robust: float = 1.0
    warmup: float = 0.6
    robust_weight: float = 0.1
    aligned: bool = False
    loud: float = IMPACT_NORM

    def init_params(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> Any:
        """Draws the network's parameters.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        return self.net.init(key, batch["motion"][:1], batch["still"][:1])["params"]

    def metrics(self, params: Any, batch: Mapping[str, Any], key: PRNGKeyArray | None, step: Int[Array, ""]) -> Metrics:
        """Measures a batch.

        Args:
          params: of the network.
          batch: as the class says.
          key: random key of the dropout; None in evaluation, which has none.
          step: updates made so far, which say how far the warm-up is.
        """
        train = key is not None
        predicted = self.net.apply(
            {"params": params},
            batch["motion"],
            batch["still"],
            train=train,
            rngs={"dropout": key} if train else None,
        )
        weight = batch["mask"]
        if self.aligned:
            predicted, _ = aligned_prediction(batch["target"], predicted, batch["norm"], tau=self.loud)
            weight = weight * impact_weights(batch["norm"], tau=self.loud)
        squared = jnp.sum((predicted - batch["target"]) ** 2, axis=-1)
        robust = robust_loss(squared)
        risen = jnp.clip(step / max(self.warmup * self.steps, 1.0), 0.0, 1.0) if self.warmup else 1.0
        share = self.robust * risen
        loss = (1 - share) * squared + share * self.robust_weight * robust
        count = batch["mask"].sum()
        return Metrics.from_sums(
            loss=((loss * weight).sum(), count),
            squared=((squared * weight).sum(), count),
            robust=((robust * weight).sum(), count),
        )

"""The network of the onset transfer baseline learns in which frames of a silent film a sound begins."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from vis2sound_jax.models.r2plus1d import IMAGENET_MEAN, IMAGENET_STD
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.tasks.averaged import as_unit, coloured
from vis2sound_jax.training.optim import apply_gradients, warmup_cosine
from vis2sound_jax.training.tables import FSDP, Table
from vis2sound_jax.training.task import Metrics, TrainState


@dataclasses.dataclass(frozen=True)
class VideoOnsetTask:
    """Cross-entropy of onsets, in nats a frame, in which onsets weigh as much as the other frames together.

    Batches hold `frames` uint8 [b, t, h, w, 3], which are altered where there is `view` float32 [b, 13] (see
    `models.views`), and `onset` float32 [b, t], 1 where a sound begins and 0 elsewhere. `variables["batch_stats"]` are
    the running statistics, by which evaluation normalises.

    The decay is added to the gradient and reaches every parameter, as in the reference; it is not AdamW's.

    Attributes:
      net: the network.
      steps: updates of the schedule, which falls as half a cosine to 0.
      learning_rate: its peak, at the first update.
      weight_decay: factor of the parameters in the gradient.
      mean: of the colours, in [0, 1]; `r2plus1d.KINETICS_MEAN` where the network starts from Kinetics weights.
      std: of the colours; `r2plus1d.KINETICS_STD` likewise.
      size: rows and columns of altered frames.
    """

    net: VideoOnsetNet
    steps: int
    learning_rate: float = 1e-4
    weight_decay: float = 5e-4
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    size: int = 112
    sharding_rules: Table = FSDP

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """Adam on the gradient of loss and decay."""
        schedule = warmup_cosine(self.learning_rate, warmup_steps=0, total_steps=self.steps)
        return optax.chain(optax.add_decayed_weights(self.weight_decay), optax.adam(schedule))

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        frames = self._frames({name: array[:1] for name, array in batch.items()})
        found = self.net.init(key, frames, use_running_average=True)
        params = found["params"]
        return TrainState(jnp.int32(0), params, self.optimizer.init(params), {"batch_stats": found["batch_stats"]})

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update.

        Args:
          state: the state so far.
          batch: as the class says.
          frozen: not used.
          key: not used.
        """
        frames = self._frames(batch)

        def loss(params: Any) -> tuple[jax.Array, tuple[Metrics, Any]]:
            seen, updated = self.net.apply(
                {"params": params, **state.variables}, frames, use_running_average=False, mutable=["batch_stats"]
            )
            metrics = onset_metrics(seen.onset, batch["onset"])
            return metrics.sums["loss"] / metrics.counts["loss"], (metrics, updated["batch_stats"])

        gradients, (metrics, statistics) = jax.grad(loss, has_aux=True)(state.params)
        state = apply_gradients(state, gradients, self.optimizer)
        return state.replace(variables={"batch_stats": statistics}), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures one batch by the running statistics.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: not used.
        """
        variables = {"params": state.params, **state.variables}
        seen = self.net.apply(variables, self._frames(batch), use_running_average=True)
        return onset_metrics(seen.onset, batch["onset"])

    def _frames(self, batch: Mapping[str, Any]) -> jax.Array:
        frames = coloured(batch, "", self.size)
        return (as_unit(frames) - jnp.array(self.mean)) / jnp.array(self.std)


def onset_metrics(logits: Float[Array, "b t"], onset: Float[Array, "b t"]) -> Metrics:
    """Measures a batch.

    Args:
      logits: that a sound begins.
      onset: 1 where one does and 0 elsewhere.

    Returns:
      `loss`: cross-entropy a frame, onsets weighed by the batch's ratio of other frames to onsets, or by 1 where it
      has none of either; `recall`: share of onsets with a probability above a half; `precision`: share of frames with
      such a probability that are onsets.
    """
    positives = onset.sum()
    negatives = onset.size - positives
    weight = jnp.where((positives > 0) & (negatives > 0), negatives / jnp.maximum(positives, 1.0), 1.0)
    nats = optax.sigmoid_binary_cross_entropy(logits, onset) * jnp.where(onset > 0, weight, 1.0)
    said = (logits > 0).astype(jnp.float32)
    hits = (said * onset).sum()
    return Metrics.from_sums(loss=(nats.sum(), onset.size), recall=(hits, positives), precision=(hits, said.sum()))

"""What several experiments share: AdamW with warm-up and cosine, and averaged weights, which are the ones to use."""

import abc
import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt8

from vis2sound_jax.models.views import colour_views, grey_views
from vis2sound_jax.training.optim import adamw, apply_gradients, gradients_in_parts, warmup_cosine
from vis2sound_jax.training.tables import FSDP, Table
from vis2sound_jax.training.task import Metrics, TrainState

WARMUP_STEPS = 40


@dataclasses.dataclass(frozen=True)
class AveragedTask(abc.ABC):
    """A task whose loss is one function of parameters and batch.

    The averaged weights are `variables["ema"]`.

    Attributes:
      net: the network.
      steps: updates of the schedule.
      learning_rate: its peak.
      weight_decay: of the matrices.
      ema: decay of the averaged weights per step.
      clip_norm: gradients of a larger global norm are scaled down to it.
      sharding_rules: see `training.tables`.
      accumulate: parts of a batch whose gradients are computed one after the other, to save memory.
    """

    net: Any
    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    ema: float = 0.99
    clip_norm: float = 1.0
    sharding_rules: Table = FSDP
    accumulate: int = 1

    @abc.abstractmethod
    def init_params(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> Any:
        """Draws the network's parameters.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """

    @abc.abstractmethod
    def metrics(self, params: Any, batch: Mapping[str, Any], key: PRNGKeyArray | None, step: Int[Array, ""]) -> Metrics:
        """Measures a batch; `loss` is what training lowers, per thing counted.

        Args:
          params: of the network.
          batch: as the class says.
          key: random key of what is random in training; None in evaluation.
          step: updates made so far.
        """

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """AdamW with a warm-up and a cosine to 2 %."""
        warmup = min(WARMUP_STEPS, self.steps // 4)
        schedule = warmup_cosine(self.learning_rate, warmup_steps=warmup, total_steps=self.steps, final_fraction=0.02)
        return adamw(
            schedule, b2=0.98, weight_decay=self.weight_decay, decay=(r"(kernel|w[xch])$",), clip_norm=self.clip_norm
        )

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        params = self.init_params(key, batch)
        averaged = jax.tree.map(jnp.copy, params)
        return TrainState(jnp.int32(0), params, self.optimizer.init(params), {"ema": averaged})

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update and moves the averaged weights.

        Args:
          state: the state so far.
          batch: as the class says.
          frozen: not used.
          key: random key of this step.
        """

        def loss(params: Any, part: Mapping[str, Any], key: jax.Array) -> tuple[jax.Array, Metrics]:
            metrics = self.metrics(params, part, key, state.step)
            return metrics.sums["loss"] / jnp.maximum(metrics.counts["loss"], 1.0), metrics

        gradients, metrics = gradients_in_parts(loss, state.params, batch, key, self.accumulate)
        state = apply_gradients(state, gradients, self.optimizer)
        # Early on the average would still hold the random start, so its reach grows with the steps.
        decay = jnp.minimum(self.ema, (1.0 + state.step) / (10.0 + state.step))
        averaged = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.variables["ema"], state.params)
        return state.replace(variables={"ema": averaged}), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures the averaged weights on one batch.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: not used.
        """
        return self.metrics(state.variables["ema"], batch, None, state.step)


def altered(
    batch: Mapping[str, Any], name: str, *, negative: bool = True, noise: int = 0
) -> UInt8[Array, "b t h w *c"]:
    """Alters clips of a batch as its `view` and `view_seed` say; without these they stay as they are.

    Args:
      batch: arrays by name.
      name: of the clips.
      negative: whether clips may be turned into their negatives.
      noise: see `grey_views`.
    """
    if "view" not in batch:
        return batch[name]
    return grey_views(batch[name], batch["view"], batch["view_seed"], negative=negative, noise=noise)


def coloured(batch: Mapping[str, Any], clip: str, size: int) -> UInt8[Array, "b t i j 3"]:
    """Alters clips in colour as their `view` says; without one they stay as they are.

    Args:
      batch: arrays by name.
      clip: name of the clips, before the names of their arrays.
      size: rows and columns of altered frames.
    """
    frames, view = batch[f"{clip}frames"], f"{clip}view"
    return colour_views(frames, batch[view], size) if view in batch else frames


def as_unit(pixels: UInt8[Array, "..."]) -> Float[Array, "..."]:
    """Maps uint8 pixels to [0, 1]."""
    return pixels.astype(jnp.float32) / 255.0

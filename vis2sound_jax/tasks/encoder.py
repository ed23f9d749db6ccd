"""The video encoder learns from the sound itself: when it begins, and what its coarse spectrum is."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec

from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.training.optim import adamw, apply_gradients, warmup_cosine
from vis2sound_jax.training.task import Metrics, TrainState

WARMUP_STEPS = 40


@dataclasses.dataclass(frozen=True)
class EncoderTask:
    """Binary cross-entropy of the onset curve plus squared error of the sound's bands, per frame.

    Batches hold `frames` uint8 [b, t, h, w] (grey), `onset` float32 [b, t] in [0, 1], `bands` float32
    [b, t, f] and `mask` float32 [b, t], which is 0 where nothing is known of the sound. The averaged
    weights `variables["ema"]` are the ones to use.

    Attributes:
      net: the encoder.
      steps: updates of the schedule.
      learning_rate: its peak.
      weight_decay: of the matrices.
      ema: decay of the averaged weights per step.
      onset_weight: extra weight of frames with an onset, which are rare.
      bands_weight: weight of the spectrum's error.
    """

    net: ImpactNet
    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    ema: float = 0.99
    onset_weight: float = 2.0
    bands_weight: float = 0.3
    sharding_rules: Sequence[tuple[str, PartitionSpec]] = ((".*", PartitionSpec()),)

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """AdamW with a warm-up and a cosine to 2 %."""
        warmup = min(WARMUP_STEPS, self.steps // 4)
        schedule = warmup_cosine(self.learning_rate, warmup_steps=warmup, total_steps=self.steps, final_fraction=0.02)
        return adamw(schedule, b2=0.98, weight_decay=self.weight_decay, clip_norm=1.0)

    def init(self, key: jax.Array, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0."""
        params = self.net.init(key, as_grey(batch["frames"][:1]))["params"]
        averaged = jax.tree.map(jnp.copy, params)
        return TrainState(jnp.int32(0), params, self.optimizer.init(params), {"ema": averaged})

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: jax.Array
    ) -> tuple[TrainState, Metrics]:
        """Makes one update and moves the averaged weights."""

        def loss(params: Any) -> tuple[jax.Array, Metrics]:
            metrics = self._metrics(params, batch, key)
            return metrics.sums["loss"] / jnp.maximum(metrics.counts["loss"], 1.0), metrics

        gradients, metrics = jax.grad(loss, has_aux=True)(state.params)
        state = apply_gradients(state, gradients, self.optimizer)
        # Early on the average would still hold the random start, so its reach grows with the steps.
        decay = jnp.minimum(self.ema, (1.0 + state.step) / (10.0 + state.step))
        averaged = jax.tree.map(lambda old, new: decay * old + (1 - decay) * new, state.variables["ema"], state.params)
        return state.replace(variables={"ema": averaged}), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures the averaged weights on one batch."""
        return self._metrics(state.variables["ema"], batch, None)

    def _metrics(self, params: Any, batch: Mapping[str, Any], key: jax.Array | None) -> Metrics:
        train = key is not None
        seen = self.net.apply(
            {"params": params},
            as_grey(batch["frames"]),
            train=train,
            rngs={"dropout": key} if train else None,
        )
        onset, mask = batch["onset"], batch["mask"]
        timing = optax.sigmoid_binary_cross_entropy(seen.onset, onset) * (1.0 + self.onset_weight * onset)
        spectrum = jnp.mean((seen.bands - batch["bands"]) ** 2, axis=-1)
        total = timing + self.bands_weight * self.net.bands * spectrum
        count = mask.sum()
        return Metrics.from_sums(
            loss=((total * mask).sum(), count),
            onset=((timing * mask).sum(), count),
            bands=((spectrum * mask).sum(), count),
        )


def as_grey(frames: jax.Array) -> jax.Array:
    """Maps uint8 grey values to [0, 1]."""
    return frames.astype(jnp.float32) / 255.0

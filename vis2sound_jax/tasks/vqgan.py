"""The paper's codebook: a VQGAN of log-mels trains against a discriminator of their patches."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float, PRNGKeyArray

from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.gan_losses import codec_loss, hinge_loss
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.training.optim import apply_each, init_each
from vis2sound_jax.training.tables import FSDP, Table
from vis2sound_jax.training.task import Metrics, TrainState

HALF_RANGE_DB = 50.0
"""Decibels of a step of 1 in a log-mel of [-1, 1], which spans 100 dB."""

SHARDING: Table = ((r"generator/codebook$", PartitionSpec("model")), *FSDP)
"""The codebook by its codes, as every position looks for the nearest."""


@dataclasses.dataclass(frozen=True)
class VqganTask:
    """Error, codes and discriminator (Esser et al. 2021, section 3.1; Du et al. 2023, section 3.2).

    Batches hold `mel` float32 [b, f, t] in [0, 1]. Parameters and optimizer states have the keys `generator` and
    `discriminator`; `variables["batch_stats"]` are the discriminator's running statistics.

    A perceptual distance counts only if `frozen` holds its weights, `{"perceptual": variables of Lpaps}`; without them
    there is none.

    Both updates of a step use one forward pass of the generator and the weights from before the step. The reference
    runs a second pass after the generator's update, for a reconstruction that differs by one step of Adam.

    The released codebooks were trained with `adaptive_limits=(1, 1)`, which fixes the weight of the discriminator at
    0.8, `discriminator_start=30001`, `codebook.LEGACY_WEIGHTS` as the fields of `VQGAN`, batches of 32, and
    `perceptual_dropout` in a perceptual distance with random weights.

    Attributes:
      net: the codec.
      discriminator_start: batches before the discriminator counts and learns.
      discriminator: judges patches.
      perceptual: the network of the perceptual distance.
      learning_rate: of both, constant; the default is the reference's for batches of 32.
      adaptive_limits: least and greatest ratio of gradients in `gan_losses.adaptive_weight`.
      perceptual_dropout: whether training drops half of what the perceptual distance compares.
    """

    net: VQGAN
    discriminator_start: int
    discriminator: PatchDiscriminator = PatchDiscriminator()
    perceptual: Lpaps = Lpaps()
    learning_rate: float = 1.44e-4
    adaptive_limits: tuple[float, float] = (0.0, 1e4)
    perceptual_dropout: bool = False
    sharding_rules: Table = SHARDING

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """Adam, the same for generator and discriminator."""
        return optax.adam(self.learning_rate, b1=0.5, b2=0.9)

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        mel = scaled(jnp.asarray(batch["mel"][:1]))
        generator = self.net.init(jax.random.fold_in(key, 0), mel)["params"]
        judge = self.discriminator.init(jax.random.fold_in(key, 1), mel, use_running_average=True)
        params = {"generator": generator, "discriminator": judge["params"]}
        return TrainState(
            jnp.int32(0), params, init_each(params, self.optimizer), {"batch_stats": judge["batch_stats"]}
        )

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update of the generator and one of the discriminator.

        Args:
          state: the state so far.
          batch: as the class says.
          frozen: `{"perceptual": variables of Lpaps}`, or None for no perceptual distance.
          key: random key of the dropout in the perceptual distance.
        """
        mel = scaled(batch["mel"])
        factor = (state.step >= self.discriminator_start).astype(jnp.float32)

        def generate(params: Any) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
            made, found = self.net.apply({"params": params}, mel)
            return (made, sum(found.losses.values())), found.perplexity

        (made, codes), pull, perplexity = jax.vjp(generate, state.params["generator"], has_aux=True)
        loss = codec_loss(
            made,
            mel,
            distance=self._distance(frozen, key if self.perceptual_dropout else None),
            judge=lambda x: self._judge(state.params["discriminator"], state.variables["batch_stats"], x)[0],
            # XLA drops the part of this pass that the last layer does not need.
            pull_to_last_layer=lambda x: pull((x, jnp.zeros(())))[0]["decoder"]["conv_out"]["kernel"],
            limits=self.adaptive_limits,
            factor=factor,
        )
        (generator,) = pull((loss.gradient, jnp.ones(())))
        discriminator, (hinge, statistics) = self._discriminate(state, mel, made, factor)
        gradients = {"generator": generator, "discriminator": discriminator}
        state = apply_each(state, gradients, self.optimizer).replace(variables={"batch_stats": statistics})
        return state, Metrics.from_means(
            mel.shape[0],
            loss=loss.total + codes,
            error_db=HALF_RANGE_DB * jnp.mean(jnp.abs(made - mel)),
            perceptual=loss.distance,
            codes=codes,
            perplexity=perplexity,
            adversarial=loss.adversarial,
            weight=loss.weight * factor,
            discriminator=hinge,
        )

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures reconstructions: mean absolute error in dB, `loss` without the discriminator, use of the codes.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: `{"perceptual": variables of Lpaps}`, or None for no perceptual distance.
        """
        mel = scaled(batch["mel"])
        made, found = self.net.apply({"params": state.params["generator"]}, mel)
        error, codes = jnp.mean(jnp.abs(made - mel)), sum(found.losses.values())
        distance = self._distance(frozen, None)
        apart = jnp.mean(distance(mel, made)) if distance else jnp.zeros(())
        return Metrics.from_means(
            mel.shape[0],
            loss=error + apart + codes,
            error_db=HALF_RANGE_DB * error,
            perceptual=apart,
            codes=codes,
            perplexity=found.perplexity,
        )

    def _distance(self, frozen: Any, dropout_key: jax.Array | None) -> Callable[..., jax.Array] | None:
        if not frozen or "perceptual" not in frozen:
            return None
        return functools.partial(self.perceptual.apply, frozen["perceptual"], dropout_key=dropout_key)

    def _judge(self, params: Any, statistics: Any, mel: jax.Array) -> tuple[jax.Array, Any]:
        """Logits by the batch's own statistics, and the running ones moved towards them."""
        variables = {"params": params, "batch_stats": statistics}
        logits, updated = self.discriminator.apply(variables, mel, use_running_average=False, mutable=["batch_stats"])
        return logits, updated["batch_stats"]

    def _discriminate(
        self, state: TrainState, mel: jax.Array, made: jax.Array, factor: jax.Array
    ) -> tuple[Any, tuple[jax.Array, Any]]:
        """The discriminator's gradient, its loss and its running statistics after real and made."""

        def loss(params: Any) -> tuple[jax.Array, tuple[jax.Array, Any]]:
            real, statistics = self._judge(params, state.variables["batch_stats"], mel)
            fake, statistics = self._judge(params, statistics, jax.lax.stop_gradient(made))
            hinge = hinge_loss(real, fake)
            return factor * hinge, (hinge, statistics)

        return jax.grad(loss, has_aux=True)(state.params["discriminator"])


def scaled(mel: Float[Array, "b f t"]) -> Float[Array, "b f t"]:
    """Maps log-mels of [0, 1] to [-1, 1], where the VQGAN works."""
    return 2.0 * mel - 1.0

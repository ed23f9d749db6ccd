"""The vocoder trains against discriminators of waveforms at three rates."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from vis2sound_jax.models.discriminators import Judged, WaveDiscriminator
from vis2sound_jax.models.gan_losses import feature_matching_loss, judged_adversarial_loss, judged_hinge_loss
from vis2sound_jax.models.vocoder import MelGAN
from vis2sound_jax.training.optim import apply_each, init_each
from vis2sound_jax.training.tables import FSDP, Table
from vis2sound_jax.training.task import Metrics, TrainState

SPECTRUM_SAMPLES = 1024
"""Window of the spectra that evaluation compares; a step is a quarter of it."""

FLOOR = 1e-4
"""Smallest magnitude of a spectrum that counts, -80 dB."""


@dataclasses.dataclass(frozen=True)
class VocoderTask:
    """Hinge losses and feature matching (Kumar et al. 2019, section 2.3).

    Batches hold `mel` float32 [b, f, t] in [0, 1] and `wav` float32 [b, net.hop * t] in [-1, 1], the same pieces of
    sound; the paper's are 8192 samples, which are 32 frames. Parameters and optimizer states have the keys `generator`
    and `discriminator`. Both updates of a step use one forward pass of the generator and the weights from before it.

    Attributes:
      net: the vocoder.
      discriminator: judges waveforms.
      learning_rate: of both, constant.
      feature_weight: of the feature matching.
    """

    net: MelGAN = MelGAN()
    discriminator: WaveDiscriminator = WaveDiscriminator()
    learning_rate: float = 1e-4
    feature_weight: float = 10.0
    sharding_rules: Table = FSDP

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """Adam, the same for generator and discriminators."""
        return optax.adam(self.learning_rate, b1=0.5, b2=0.9)

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        generator = self.net.init(jax.random.fold_in(key, 0), jnp.asarray(batch["mel"][:1]))
        judge = self.discriminator.init(jax.random.fold_in(key, 1), jnp.asarray(batch["wav"][:1]))
        params = {"generator": generator["params"], "discriminator": judge["params"]}
        return TrainState(jnp.int32(0), params, init_each(params, self.optimizer))

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update of the generator and one of the discriminators.

        Args:
          state: the state so far.
          batch: as the class says.
          frozen: not used.
          key: not used.
        """
        wav, params = batch["wav"], state.params
        made, pull = jax.vjp(lambda generator: self._make(generator, batch["mel"]), params["generator"])
        real = self._judge(params["discriminator"], wav)

        def fool(x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
            fake = self._judge(params["discriminator"], x)
            adversarial, features = judged_adversarial_loss(fake), feature_matching_loss(real, fake)
            return adversarial + self.feature_weight * features, (adversarial, features)

        def tell(discriminator: Any) -> jax.Array:
            return judged_hinge_loss(self._judge(discriminator, wav), self._judge(discriminator, made))

        (total, (adversarial, features)), gradient = jax.value_and_grad(fool, has_aux=True)(made)
        hinge, discriminator = jax.value_and_grad(tell)(params["discriminator"])
        (generator,) = pull(gradient)
        gradients = {"generator": generator, "discriminator": discriminator}
        metrics = Metrics.from_means(
            len(wav), loss=total, features=features, adversarial=adversarial, discriminator=hinge
        )
        return apply_each(state, gradients, self.optimizer), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures `spectral_error_db` of what the generator makes.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: not used.
        """
        made = self._make(state.params["generator"], batch["mel"])
        error = spectral_error_db(made, batch["wav"])
        return Metrics.from_means(len(made), loss=error, error_db=error)

    def _make(self, params: Any, mel: jax.Array) -> jax.Array:
        return self.net.apply({"params": params}, mel)

    def _judge(self, params: Any, wav: jax.Array) -> list[Judged]:
        return self.discriminator.apply({"params": params}, wav)


def spectral_error_db(made: Float[Array, "b n"], wav: Float[Array, "b n"]) -> Float[Array, ""]:
    """Mean absolute difference of levels in dB over time and frequency, which does not see phases.

    Args:
      made: waveforms in [-1, 1] of at least 1024 samples; what is over a multiple of 256 is left out.
      wav: what they should be.

    Returns:
      The error; levels below -80 dB count as -80 dB.
    """
    return jnp.mean(jnp.abs(_levels_db(made) - _levels_db(wav)))


def _levels_db(wav: Float[Array, "b n"]) -> Float[Array, "b t f"]:
    step = SPECTRUM_SAMPLES // 4
    blocks = wav[:, : wav.shape[1] // step * step].reshape(len(wav), -1, step)
    pieces = jnp.concatenate([blocks[:, i : blocks.shape[1] - 3 + i] for i in range(4)], axis=-1)
    spectra = jnp.abs(jnp.fft.rfft(pieces * jnp.hanning(SPECTRUM_SAMPLES)))
    return 20.0 * jnp.log10(jnp.maximum(spectra, FLOOR))

"""The codebook of the laptop: an autoencoder warms up, k-means starts its books, then both train on."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.codebook import kmeans
from vis2sound_jax.training.optim import adamw, apply_gradients, warmup_cosine
from vis2sound_jax.training.tables import FSDP, Table
from vis2sound_jax.training.task import Metrics, TrainState

KMEANS_ITERATIONS = 20
WARMUP_STEPS = 40
_SOFT_SHARE = 8


@dataclasses.dataclass(frozen=True)
class CodebookTask:
    """Absolute error of the log-mel and of its step from frame to frame, plus the quantiser's terms.

    Batches hold `mel` float32 [b, f, t] in [0, 1]. The warm-up is a run without quantisation; `start_books`
    then makes the parameters from which the quantised run starts.

    Attributes:
      net: the coder.
      steps: updates of the schedule.
      quantised: False in the warm-up, when the latents pass as they are.
      learning_rate: its peak.
      flux_weight: weight of the error of the frame-to-frame step, which keeps onsets sharp.
    """

    net: BandCoder
    steps: int
    quantised: bool = True
    learning_rate: float = 1e-3
    flux_weight: float = 1.0
    sharding_rules: Table = FSDP

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """AdamW with a warm-up and a cosine to 2 %; the books do not decay."""
        warmup = min(WARMUP_STEPS, self.steps // 4)
        schedule = warmup_cosine(self.learning_rate, warmup_steps=warmup, total_steps=self.steps, final_fraction=0.02)
        return adamw(schedule, b2=0.98, weight_decay=0.01, clip_norm=1.0)

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        params = self.net.init(key, jnp.asarray(batch["mel"][:1]))["params"]
        return TrainState(jnp.int32(0), params, self.optimizer.init(params), {})

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

        def loss(params: Any) -> tuple[jax.Array, Metrics]:
            return self._loss(params, batch["mel"], quantised=self.quantised)

        gradients, metrics = jax.grad(loss, has_aux=True)(state.params)
        return apply_gradients(state, gradients, self.optimizer), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures one batch through the codes.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: not used.
        """
        return self._loss(state.params, batch["mel"], quantised=True)[1]

    def _loss(self, params: Any, mel: jax.Array, *, quantised: bool) -> tuple[jax.Array, Metrics]:
        coded = self.net.apply({"params": params}, mel, quantised=quantised)
        error = jnp.mean(jnp.abs(coded.mel - mel))
        flux = jnp.mean(jnp.abs(jnp.diff(coded.mel, axis=-1) - jnp.diff(mel, axis=-1)))
        total = error + self.flux_weight * flux + coded.loss
        metrics = Metrics.from_means(
            mel.shape[0], loss=total, error=error, flux=flux, codes=coded.loss, perplexity=coded.perplexity
        )
        return total, metrics


def start_books(net: BandCoder, params: Any, mel: Float[Array, "b f t"], key: PRNGKeyArray) -> Any:
    """Fits every book to the latents of real sound by k-means.

    Most patches of a recording are near silence and alike; all of the louder half but only an eighth of the
    softer half take part, so that the codes go to what is heard.

    Args:
      net: the coder.
      params: its parameters after the warm-up.
      mel: log-mels in [0, 1], with b times columns well above twice the number of codes.
      key: random key.

    Returns:
      The parameters with new books.
    """
    latents = net.apply({"params": params}, mel, method="latents")  # [b, r, k, d]
    b, rows, columns, _ = latents.shape
    patches = mel.reshape(b, rows, net.n_mels // rows, columns, net.frames)
    loudness = patches.mean(axis=(2, 4)).transpose(1, 0, 2).reshape(rows, -1)
    vectors = latents.transpose(1, 0, 2, 3).reshape(rows, -1, net.latent)
    order = jnp.argsort(-loudness, axis=1)
    half = order.shape[1] // 2
    chosen = jnp.concatenate([order[:, :half], order[:, half::_SOFT_SHARE]], axis=1)
    vectors = jnp.take_along_axis(vectors, chosen[..., None], axis=1)
    keys = jax.random.split(key, rows)
    fit = functools.partial(kmeans, n_codes=net.codes, iterations=KMEANS_ITERATIONS)
    return {**params, "books": jax.lax.map(lambda pair: fit(*pair), (keys, vectors))}

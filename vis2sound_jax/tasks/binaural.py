"""Two networks learn together to tell left from right: one looks at a picture, one hears the sum of the channels."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, UInt8

from vis2sound_jax.models.audio_unet import AudioUNet, complex_product
from vis2sound_jax.models.r2plus1d import IMAGENET_MEAN, IMAGENET_STD
from vis2sound_jax.models.resnet import ResNet
from vis2sound_jax.training.optim import warmup_cosine
from vis2sound_jax.training.tables import FSDP, Table
from vis2sound_jax.training.task import Metrics, TrainState

Analyse = Callable[[Float[Array, "b n"]], Float[Array, "b f t 2"]]
"""Sounds to their spectra as pairs of real and imaginary part."""

_LUMA = (0.299, 0.587, 0.114)
_JITTER = (0.7, 1.3)  # of brightness and of colour, as in the reference


@dataclasses.dataclass(frozen=True)
class BinauralTask:
    """Mean squared error of the spectrum of left minus right (Gao & Grauman 2019, section 3.2).

    Batches hold `ears` float32 [b, 2, n], left and right at the level that the network hears, and `pictures` uint8
    [b, h, w, 3]. Parameters and `variables["batch_stats"]` have the keys `visual` and `audio`. Weight decay is added
    to the gradient and reaches every parameter, as in the reference; it is not AdamW's.

    Attributes:
      eye: looks at pictures.
      net: hears the sum.
      analyse: makes spectra.
      steps: updates of the schedule, which falls as half a cosine.
      learning_rate: its peak, of the audio network.
      eye_rate: the visual network's, as a share of it.
      weight_decay: factor of the parameters in the gradient.
      augment: whether training examples are mirrored together with their channels, and their pictures are made
        brighter, darker, more and less colourful.
      crop: rows and columns that are cut from pictures, anywhere in training and from the middle otherwise; None
        leaves them whole.
      blind: whether pictures are black: the network that hears alone.
    """

    eye: ResNet
    net: AudioUNet
    analyse: Analyse
    steps: int
    learning_rate: float = 1e-3
    eye_rate: float = 0.1
    weight_decay: float = 5e-4
    augment: bool = True
    crop: tuple[int, int] | None = None
    blind: bool = False
    sharding_rules: Table = FSDP

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """Adam on the gradient of loss and decay; the visual network's steps are `eye_rate` as long."""
        warmup = min(50, self.steps // 4)
        schedule = warmup_cosine(self.learning_rate, warmup_steps=warmup, total_steps=self.steps, final_fraction=0.02)

        def slowed(updates: Any, params: Any) -> Any:
            return {**updates, "visual": jax.tree.map(lambda x: self.eye_rate * x, updates["visual"])}

        return optax.chain(optax.add_decayed_weights(self.weight_decay), optax.adam(schedule), optax.stateless(slowed))

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        pictures = self._seen(jnp.asarray(batch["pictures"][:1]), None)
        spectra = self.analyse(jnp.asarray(batch["ears"][:1]).sum(axis=1))
        stored = {"use_running_average": True}
        visual, seen = self.eye.init_with_output(jax.random.fold_in(key, 0), pictures, **stored)[::-1]
        audio = self.net.init(jax.random.fold_in(key, 1), spectra, seen, **stored)
        found = {"visual": visual, "audio": audio}
        params = {name: part["params"] for name, part in found.items()}
        statistics = {name: part["batch_stats"] for name, part in found.items()}
        return TrainState(jnp.int32(0), params, self.optimizer.init(params), {"batch_stats": statistics})

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update.

        Args:
          state: the state so far.
          batch: as the class says.
          frozen: not used.
          key: random key of this step.
        """
        if self.augment:
            mirror_key, key = jax.random.split(key)
            batch = mirrored(batch, jax.random.bernoulli(mirror_key, 0.5, batch["pictures"].shape[:1]))
        pictures = self._seen(batch["pictures"], key)

        def loss(params: Any) -> tuple[jax.Array, tuple[Metrics, Any]]:
            metrics, updated = self._measure(params, state.variables["batch_stats"], pictures, batch["ears"], True)
            return metrics.sums["loss"] / metrics.counts["loss"], (metrics, updated)

        gradients, (metrics, statistics) = jax.grad(loss, has_aux=True)(state.params)
        updates, opt_state = self.optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        variables = {"batch_stats": statistics}
        return state.replace(params=params, opt_state=opt_state, variables=variables), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures one batch by the running statistics.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: not used.
        """
        pictures = self._seen(batch["pictures"], None)
        return self._measure(state.params, state.variables["batch_stats"], pictures, batch["ears"], False)[0]

    def _measure(self, params: Any, statistics: Any, pictures: Array, ears: Array, train: bool) -> tuple[Metrics, Any]:
        """Metrics of a batch, and the running statistics after it."""
        weights = {name: {"params": params[name], "batch_stats": statistics[name]} for name in params}
        mode: dict[str, Any] = {"use_running_average": not train, "mutable": ["batch_stats"]}
        seen, visual = self.eye.apply(weights["visual"], pictures, **mode)
        mix, wanted = self.analyse(ears[:, 0] + ears[:, 1]), self.analyse(ears[:, 0] - ears[:, 1])
        mask, audio = self.net.apply(weights["audio"], mix, seen, **mode)
        wanted = wanted[:, : mask.shape[1]]
        error = jnp.square(complex_product(mask, mix) - wanted)
        metrics = Metrics.from_sums(
            loss=(error.sum(), error.size), residual=(error.sum(), jnp.square(wanted).sum() + 1e-9)
        )
        return metrics, {"visual": visual["batch_stats"], "audio": audio["batch_stats"]}

    def _seen(self, pictures: UInt8[Array, "b h w 3"], key: PRNGKeyArray | None) -> Float[Array, "b i j 3"]:
        """What the visual network gets: cut, altered where there is a key, normalised."""
        b, h, w, _ = pictures.shape
        i, j = self.crop or (h, w)
        jitter_key, crop_key = (None, None) if key is None else jax.random.split(key)
        corners = jnp.broadcast_to(jnp.array([(h - i) // 2, (w - j) // 2]), (b, 2))
        if crop_key is not None and self.augment:
            corners = jax.random.randint(crop_key, (b, 2), 0, jnp.array([h - i + 1, w - j + 1]))
        cut = jax.vmap(lambda picture, at: jax.lax.dynamic_slice(picture, (*at, 0), (i, j, 3)))(pictures, corners)
        colours = cut.astype(jnp.float32) / 255.0
        if jitter_key is not None and self.augment:
            colours = jittered(colours, jax.random.uniform(jitter_key, (2, b), minval=_JITTER[0], maxval=_JITTER[1]))
        if self.blind:
            colours = jnp.zeros_like(colours)
        return (colours - jnp.array(IMAGENET_MEAN)) / jnp.array(IMAGENET_STD)


def mirrored(batch: Mapping[str, Any], where: Array) -> dict[str, Any]:
    """Mirrors examples: pictures from left to right, and the channels with them.

    Args:
      batch: `pictures` [b, h, w, 3] and `ears` [b, 2, n].
      where: which of them, bool [b].
    """
    pictures, ears = batch["pictures"], batch["ears"]
    flags = where[:, None, None]
    return {
        "pictures": jnp.where(flags[..., None], pictures[:, :, ::-1], pictures),
        "ears": jnp.where(flags, ears[:, ::-1], ears),
    }


def jittered(colours: Float[Array, "b h w 3"], factors: Float[Array, "2 b"]) -> Float[Array, "b h w 3"]:
    """Changes brightness, then how colourful pictures are, as Pillow's enhancers do.

    Args:
      colours: in [0, 1].
      factors: of brightness and of colour; 1 changes nothing.

    Returns:
      Colours in [0, 1].
    """
    bright, colourful = factors[:, :, None, None, None]
    colours = jnp.clip(colours * bright, 0, 1)
    grey = jnp.sum(colours * jnp.array(_LUMA), axis=-1, keepdims=True)
    return jnp.clip(grey + colourful * (colours - grey), 0, 1)

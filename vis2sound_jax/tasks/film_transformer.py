"""The transformer together with a video network of its own, which looks at the frames themselves."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from vis2sound_jax.models.r2plus1d import R2Plus1D, normalised
from vis2sound_jax.tasks.averaged import coloured
from vis2sound_jax.tasks.transformer import SHARDING, TransformerTask
from vis2sound_jax.training.tables import Table
from vis2sound_jax.training.task import Metrics, TrainState

Listen = Callable[[Any, Float[Array, "b m"]], Int[Array, "b n"]]
"""(frozen weights, waveforms [2b, m], targets first) → tokens [2b, n]."""


@dataclasses.dataclass(frozen=True)
class FilmTransformerTask:
    """Cross-entropy of the target's codes given frames (Du et al. 2023, section 3.3).

    Batches hold `condition_frames` and `target_frames` uint8 [b, p, h, w, 3], which are altered where there are
    `condition_view` and `target_view` float32 [b, 13] (see `models.views`), and `condition` and `target` int32
    [b, n] tokens or, where `listen` makes these, `condition_wav` and `target_wav` float32 [b, m].
    Parameters are `transformer` and `video`; variables hold the statistics of `video`.

    Attributes:
      inner: the loss and the optimizer.
      video: the network.
      trained: whether it is trained too; otherwise it stays as it is, with its stored statistics.
      compat: as the published code does: it is never trained, and yet always normalises by the statistics of the
        batch, of conditions and targets apart; colours are scaled by ImageNet's statistics.
      listen: makes tokens out of sound within the step.
      size: rows and columns of altered frames.
    """

    inner: TransformerTask
    video: R2Plus1D
    trained: bool
    compat: bool = False
    listen: Listen | None = None
    size: int = 112
    sharding_rules: Table = SHARDING

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """That of the transformer; the video network's matrices do not decay."""
        return self.inner.optimizer

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        frames = jnp.asarray(batch["target_frames"][:1])
        start = self.video.init(key, normalised(frames), use_running_average=True)
        features = jnp.zeros((1, 2 * frames.shape[1], self.video.widths[-1]))
        tokens = jnp.zeros((1, 2), jnp.int32)
        params = {"transformer": self.inner.net.init(key, tokens, prefix=features)["params"], "video": start["params"]}
        moved, _ = self._split(params)
        return TrainState(jnp.int32(0), params, self.optimizer.init(moved), {"video": start["batch_stats"]})

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update.

        Args:
          state: the state so far.
          batch: as the class says.
          frozen: what `listen` takes; not used without it.
          key: random key of which conditions are hidden.
        """
        moved, kept = self._split(state.params)
        heard = self._heard(batch, frozen)

        def loss(moved: Any) -> tuple[jax.Array, tuple[Metrics, Any]]:
            params = {**moved, **kept}
            seen, statistics = self._seen(params["video"], state.variables["video"], batch, train=True)
            metrics = self.inner.metrics(params["transformer"], self.inner.hide_some({**heard, **seen}, key))
            return metrics.sums["loss"] / metrics.counts["loss"], (metrics, statistics)

        gradients, (metrics, statistics) = jax.grad(loss, has_aux=True)(moved)
        updates, opt_state = self.optimizer.update(gradients, state.opt_state, moved)
        params = {**optax.apply_updates(moved, updates), **kept}
        return state.replace(params=params, opt_state=opt_state, variables={"video": statistics}), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures one batch with its condition, with another example's and with none if that was trained.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: what `listen` takes; not used without it.
        """
        seen, _ = self._seen(state.params["video"], state.variables["video"], batch, train=False)
        return self.inner.compare(state.params["transformer"], {**self._heard(batch, frozen), **seen})

    def _split(self, params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parameters that move, and those that stay."""
        still = () if self.trained and not self.compat else ("video",)
        moved = {name: value for name, value in params.items() if name not in still}
        return moved, {name: params[name] for name in still}

    def _heard(self, batch: Mapping[str, Any], frozen: Any) -> dict[str, jax.Array]:
        if self.listen is None:
            return {name: batch[name] for name in ("condition", "target")}
        wavs = jnp.concatenate([batch["target_wav"], batch["condition_wav"]])
        target, condition = jnp.split(self.listen(frozen, wavs), 2)
        return {"condition": condition, "target": target}

    def _seen(
        self, params: Any, statistics: Any, batch: Mapping[str, Any], *, train: bool
    ) -> tuple[dict[str, jax.Array], Any]:
        """Features of both clips and the statistics afterwards, to which a condition that is hidden adds nothing."""
        names = ("condition", "target") if self.inner.conditioned else ("target",)
        clips = [normalised(coloured(batch, f"{name}_", self.size), imagenet=self.compat) for name in names]
        by_batch = self.compat or (train and self.trained)
        look = functools.partial(self.video.apply, use_running_average=not by_batch, mutable=["batch_stats"])
        if self.compat:
            found = [look({"params": params, "batch_stats": statistics}, clip)[0] for clip in clips]
        else:
            both, after = look({"params": params, "batch_stats": statistics}, jnp.concatenate(clips))
            statistics = after["batch_stats"] if by_batch else statistics
            found = jnp.split(both, len(names))
        return {"condition_video": found[0], "target_video": found[-1]}, statistics

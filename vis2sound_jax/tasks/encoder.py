"""The video encoder learns from the sound itself: when it begins, and what its coarse spectrum is."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PRNGKeyArray

from vis2sound_jax.tasks.averaged import AveragedTask, altered, as_unit
from vis2sound_jax.training.task import Metrics


@dataclasses.dataclass(frozen=True)
class EncoderTask(AveragedTask):
    """Binary cross-entropy of the onset curve plus squared error of the sound's bands, per frame.

    Batches hold `frames` uint8 [b, t, h, w] (grey), `onset` float32 [b, t] in [0, 1], `bands` float32
    [b, t, f], `mask` float32 [b, t], which is 0 where nothing is known of the onsets, and `heard` float32 [b], 0 for
    films without sound, of which there are no bands. Frames are altered where there are `view` float32 [b, 10] and
    `view_seed` uint32 [b]; see `models.views`. The network is an `ImpactNet`.

    Attributes:
      onset_weight: extra weight of frames with an onset, which are rare.
      bands_weight: weight of the spectrum's error.
    """

    onset_weight: float = 2.0
    bands_weight: float = 0.3

    def init_params(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> Any:
        """Draws the encoder's parameters.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        return self.net.init(key, as_unit(batch["frames"][:1]))["params"]

    def metrics(self, params: Any, batch: Mapping[str, Any], key: PRNGKeyArray | None, step: Int[Array, ""]) -> Metrics:
        """Measures a batch.

        Args:
          params: of the network.
          batch: as the class says.
          key: random key of the dropout; None in evaluation, which has none.
          step: not used.
        """
        train = key is not None
        seen = self.net.apply(
            {"params": params},
            as_unit(altered(batch, "frames")),
            train=train,
            rngs={"dropout": key} if train else None,
        )
        onset, mask = batch["onset"], batch["mask"]
        timing = optax.sigmoid_binary_cross_entropy(seen.onset, onset) * (1.0 + self.onset_weight * onset)
        spectrum = jnp.mean((seen.bands - batch["bands"]) ** 2, axis=-1)
        count, heard = mask.sum(), mask * batch["heard"][:, None]
        heard_count = jnp.maximum(heard.sum(), 1.0)
        weight = self.bands_weight * self.net.bands * count / heard_count
        return Metrics.from_sums(
            loss=((timing * mask).sum() + weight * (spectrum * heard).sum(), count),
            onset=((timing * mask).sum(), count),
            bands=((spectrum * heard).sum(), heard_count),
        )

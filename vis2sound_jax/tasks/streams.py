"""The streams of motion and colour learn from the sound itself, before the recurrent network is trained."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PRNGKeyArray

from vis2sound_jax.tasks.averaged import AveragedTask, altered, as_unit
from vis2sound_jax.training.task import Metrics


@dataclasses.dataclass(frozen=True)
class StreamsTask(AveragedTask):
    """Binary cross-entropy of the onset curve plus squared error of the cochleagram plus kind of sound of impacts.

    Batches hold `frames` uint8 [b, t, h, w] (grey), `stills` uint8 [b, k, h, w, 3], `onset` float32 [b, t] in
    [0, 1], `sound` float32 [b, t, s] of about unit variance, `timbre` int32 [b, t], -1 where nothing is struck, and
    `mask` float32 [b, t]. Frames and stills are altered where there are `view` float32 [b, 10] and `view_seed` uint32
    [b]; see `models.views`. The network is a `SoundGuess`.

    Attributes:
      onset_weight: extra weight of frames with an onset, which are rare.
      sound_weight: weight of the sound's error.
      timbre_weight: weight of the kind of sound's cross-entropy where something is struck. Without it the streams
        learn when it sounds long before they learn what is struck.
    """

    onset_weight: float = 2.0
    sound_weight: float = 0.5
    timbre_weight: float = 1.0

    def init_params(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> Any:
        """Draws the parameters of both streams and of the guess.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        return self.net.init(key, as_unit(batch["frames"][:1]), as_unit(batch["stills"][:1]))["params"]

    def metrics(self, params: Any, batch: Mapping[str, Any], key: PRNGKeyArray | None, step: Int[Array, ""]) -> Metrics:
        """Measures a batch.

        Args:
          params: of the network.
          batch: as the class says.
          key: random key of the dropout; None in evaluation, which has none.
          step: not used.
        """
        train = key is not None
        guess = self.net.apply(
            {"params": params},
            as_unit(altered(batch, "frames")),
            as_unit(altered(batch, "stills", negative=False, noise=1)),
            train=train,
            rngs={"dropout": key} if train else None,
        )
        onset, mask = batch["onset"], batch["mask"]
        timing = optax.sigmoid_binary_cross_entropy(guess.onset, onset) * (1.0 + self.onset_weight * onset)
        error = jnp.mean((guess.sound - batch["sound"]) ** 2, axis=-1)
        struck = (batch["timbre"] >= 0).astype(jnp.float32)
        kind = optax.softmax_cross_entropy_with_integer_labels(guess.timbre, jnp.maximum(batch["timbre"], 0)) * struck
        total = timing + self.sound_weight * error + self.timbre_weight * kind
        count = mask.sum()
        return Metrics.from_sums(
            loss=((total * mask).sum(), count),
            onset=((timing * mask).sum(), count),
            sound=((error * mask).sum(), count),
            timbre=(kind.sum(), struck.sum()),
        )

"""The scorer of synchronisation learns by how much the sound of a real clip was shifted."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from vis2sound_jax.tasks.averaged import AveragedTask
from vis2sound_jax.training.task import Metrics


@dataclasses.dataclass(frozen=True)
class SyncTask(AveragedTask):
    """Cross-entropy of the shift.

    Batches hold `features` [b, t, d], `onset` [b, t], `sound` [b, t, m, f] and `mask` [b, t] as `SyncNet` takes
    them, and `late` int32 [b], the class of the shift.

    Attributes:
      spread: standard deviation, in classes, of the target around the shift: neighbours are nearly as right.
    """

    spread: float = 0.7

    def init_params(self, key: jax.Array, batch: Mapping[str, Any]) -> Any:
        """Draws the scorer's parameters."""
        return self.net.init(key, *_inputs(jax.tree.map(lambda leaf: leaf[:1], dict(batch))))["params"]

    def metrics(self, params: Any, batch: Mapping[str, Any], key: jax.Array | None, step: jax.Array) -> Metrics:
        """Measures a batch; `within` counts offsets found to two classes."""
        train = key is not None
        rngs = {"dropout": key} if train else None
        logits = self.net.apply({"params": params}, *_inputs(batch), train=train, rngs=rngs)
        distance = jnp.arange(logits.shape[1]) - batch["late"][:, None]
        target = jax.nn.softmax(-0.5 * (distance / self.spread) ** 2)
        loss = optax.softmax_cross_entropy(logits, target)
        found = jnp.abs(jnp.argmax(logits, axis=-1) - batch["late"]) <= 2
        n = len(logits)
        return Metrics.from_sums(loss=(loss.sum(), n), within=(found.sum(), n))


def _inputs(batch: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(batch[name] for name in ("features", "onset", "sound", "mask"))

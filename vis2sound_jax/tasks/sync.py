"""The scorer of synchronisation learns by how much the sound of a real clip was shifted."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PRNGKeyArray

from vis2sound_jax.tasks.averaged import AveragedTask
from vis2sound_jax.training.task import Metrics


@dataclasses.dataclass(frozen=True)
class SyncTask(AveragedTask):
    """Cross-entropy of the shift, or of "unrelated", a class whose logit is the log of the number of offsets.

    So half of all sounds are thought unrelated before anything is seen, and logits are evidence against that. Batches
    hold `features` [b, t, d], `onset` [b, t], `sound` [b, t, m, f] and `mask` [b, t] as `SyncNet` takes them, and
    `late` int32 [b], the class of the shift, or their number k for a sound that is unrelated.

    Attributes:
      spread: standard deviation, in classes, of the target around the shift: neighbours are nearly as right.
    """

    spread: float = 0.7

    def init_params(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> Any:
        """Draws the scorer's parameters.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        return self.net.init(key, *_inputs(jax.tree.map(lambda leaf: leaf[:1], dict(batch))))["params"]

    def metrics(self, params: Any, batch: Mapping[str, Any], key: PRNGKeyArray | None, step: Int[Array, ""]) -> Metrics:
        """Measures a batch; `within` is the share of offsets that are found to two classes.

        Args:
          params: of the network.
          batch: as the class says.
          key: random key of the dropout; None in evaluation, which has none.
          step: not used.
        """
        train = key is not None
        rngs = {"dropout": key} if train else None
        logits = self.net.apply({"params": params}, *_inputs(batch), train=train, rngs=rngs)
        n, k = logits.shape
        late, unrelated = batch["late"], batch["late"] == k
        target = jax.nn.softmax(-0.5 * ((jnp.arange(k) - late[:, None]) / self.spread) ** 2) * ~unrelated[:, None]
        every = jnp.concatenate([logits, jnp.full((n, 1), math.log(k))], axis=1)
        loss = optax.softmax_cross_entropy(every, jnp.concatenate([target, unrelated[:, None]], axis=1))
        found = (jnp.abs(jnp.argmax(logits, axis=-1) - late) <= 2) & ~unrelated
        return Metrics.from_sums(loss=(loss.sum(), n), within=(found.sum(), (~unrelated).sum()))


def _inputs(batch: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(batch[name] for name in ("features", "onset", "sound", "mask"))

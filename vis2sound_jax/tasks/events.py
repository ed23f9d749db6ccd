"""The event reader learns from annotated recordings when events are, which of them are scratches, and how loud."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PRNGKeyArray

from vis2sound_jax.tasks.averaged import AveragedTask
from vis2sound_jax.training.task import Metrics


@dataclasses.dataclass(frozen=True)
class EventsTask(AveragedTask):
    """Binary cross-entropy of onset and kind and squared error of the force, per frame.

    Batches hold `features` [b, t, d], `onset` [b, t] and `motion` [b, t, m] as `EventReader` takes them; `target`
    [b, t] in [0, 1], a bump at every event; `scratch` [b, t] 0 or 1 and `force` [b, t] in units of `FORCE_DB`; and
    masks [b, t]: `known` where events are annotated, `named` where the kind of one is, `struck` near one.

    Attributes:
      kind_weight: weight of the kind's error.
      force_weight: weight of the force's error.
    """

    kind_weight: float = 0.1
    force_weight: float = 0.05

    def init_params(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> Any:
        """Draws the reader's parameters.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        return self.net.init(key, *_inputs(jax.tree.map(lambda leaf: leaf[:1], dict(batch))))["params"]

    def metrics(self, params: Any, batch: Mapping[str, Any], key: PRNGKeyArray | None, step: Int[Array, ""]) -> Metrics:
        """Measures a batch; `right_kind` is the share of frames near labelled events whose kind is found.

        Args:
          params: of the network.
          batch: as the class says.
          key: random key of the dropout; None in evaluation, which has none.
          step: not used.
        """
        train = key is not None
        rngs = {"dropout": key} if train else None
        read = self.net.apply({"params": params}, *_inputs(batch), train=train, rngs=rngs)
        known, named, struck = batch["known"], batch["named"], batch["struck"]
        onset = (optax.sigmoid_binary_cross_entropy(read.onset, batch["target"]) * known).sum()
        kind = (optax.sigmoid_binary_cross_entropy(read.scratch, batch["scratch"]) * named).sum()
        force = ((read.force - batch["force"]) ** 2 * struck).sum()
        counts = [jnp.maximum(mask.sum(), 1.0) for mask in (known, named, struck)]
        # Few frames have events, so that each part is a mean over its own frames.
        loss = onset / counts[0] + self.kind_weight * kind / counts[1] + self.force_weight * force / counts[2]
        right = (((read.scratch > 0) == (batch["scratch"] > 0.5)) * named).sum()
        return Metrics.from_sums(
            loss=(loss * counts[0], counts[0]),
            onset=(onset, counts[0]),
            kind=(kind, counts[1]),
            force=(force, counts[2]),
            right_kind=(right, counts[1]),
        )


def _inputs(batch: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(batch[name] for name in ("features", "onset", "motion"))

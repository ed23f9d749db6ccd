"""What the training loop and an experiment agree on: the state, the metrics and the task itself."""

from collections.abc import Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import PRNGKeyArray

from vis2sound_jax.training.tables import Table

PyTree = Any


class TrainState(struct.PyTreeNode):
    """All that a resume needs and nothing else.

    Attributes:
      step: [] int32, the number of updates made so far; the loop counts it.
      params: trained arrays, a dict (a GAN has two keys: generator, discriminator).
      opt_state: the optimizer's arrays, with the same keys where there are several optimizers.
      variables: what changes without a gradient (batch statistics, codebook usage); `{}` if nothing does.
    """

    step: jax.Array
    params: PyTree
    opt_state: PyTree
    variables: PyTree = struct.field(default_factory=dict)


class Metrics(struct.PyTreeNode):
    """Named sums and counts, so that batches, steps and hosts merge exactly.

    Attributes:
      sums: name → [] sum of a quantity over what was counted.
      counts: name → [] number of things summed (examples, tokens, pixels), same keys.
    """

    sums: dict[str, jax.Array]
    counts: dict[str, jax.Array]

    @classmethod
    def from_sums(cls, **pairs: tuple[Any, Any]) -> "Metrics":
        """Builds metrics from `name=(sum, count)` pairs of scalars."""
        return cls(
            sums={name: jnp.asarray(total, jnp.float32) for name, (total, _) in pairs.items()},
            counts={name: jnp.asarray(count, jnp.float32) for name, (_, count) in pairs.items()},
        )

    @classmethod
    def from_means(cls, count: Any, **means: Any) -> "Metrics":
        """Builds metrics from `name=mean` scalars that are all means over `count` things."""
        return cls.from_sums(**{name: (mean * count, count) for name, mean in means.items()})

    def merge(self, other: "Metrics") -> "Metrics":
        """Adds the sums and the counts of `other`, which has the same names."""
        return jax.tree.map(lambda a, b: a + b, self, other)

    def means(self) -> dict[str, float]:
        """Returns sum / count for every name as Python numbers; `nan` where nothing was counted."""
        sums, counts = jax.device_get((self.sums, self.counts))
        return {
            name: float(total) / float(counts[name]) if counts[name] else float("nan") for name, total in sums.items()
        }


class Task(Protocol):
    """One experiment: what its parameters are and what a step does.

    The methods are pure and are jitted by the caller. `frozen` holds the weights of earlier
    stages; it is an argument because a closed-over array would be baked into the program.
    """

    @property
    def sharding_rules(self) -> Table:
        """Path regex → which axis of the mesh divides what, first match wins; see `training.tables`."""
        ...

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes should matter.

        Returns:
          The state before the first update.
        """
        ...

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: PyTree, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update.

        Args:
          state: the state so far; its buffers are donated.
          batch: arrays with a leading batch axis.
          frozen: weights of earlier stages, or None.
          key: random key of this step alone.

        Returns:
          The new state (the loop counts `step`) and the metrics of the batch.
        """
        ...

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: PyTree) -> Metrics:
        """Measures one batch without changing the state.

        Args:
          state: the state to measure.
          batch: arrays with a leading batch axis.
          frozen: weights of earlier stages, or None.
        """
        ...


class Stream(Protocol):
    """An endless iterator of batches whose position can be saved, such as a grain iterator."""

    def __next__(self) -> Mapping[str, Any]:
        """Returns the next batch: name → array with a leading batch axis."""
        ...

    def get_state(self) -> Any:
        """Returns the position after the batches drawn so far: bytes or a JSON value."""
        ...

    def set_state(self, state: Any) -> None:
        """Goes to a position that `get_state` returned."""
        ...

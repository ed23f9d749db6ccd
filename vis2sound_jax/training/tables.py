"""Sharding tables: which axis of the mesh divides which parameter, by the parameter's path.

A mesh has three axes. `data` divides the batch alone; `fsdp` divides the batch and, where they are kept, the
parameters and the optimizer's moments; `model` divides the work of a layer (tensor parallelism).
"""

import dataclasses
from collections.abc import Sequence

from jax.sharding import PartitionSpec

AXES = ("data", "fsdp", "model")
"""The axes of every mesh, in this order."""

BATCH = PartitionSpec(("data", "fsdp"))
"""How a batch lies on a mesh: its examples are divided, each is whole."""

ACTIVATIONS = (("batch", ("data", "fsdp")), ("heads", "model"), ("mlp", "model"), ("vocabulary", "model"))
"""What networks call the axes of their activations, and the mesh's axes that divide them."""


@dataclasses.dataclass(frozen=True)
class Fsdp:
    """Divides the longest axis that the mesh's `fsdp` divides evenly.

    Attributes:
      least: arrays of fewer elements are copied to every device: gathering them would cost more than they weigh.
    """

    least: int = 2**14


Rule = PartitionSpec | Fsdp
Table = Sequence[tuple[str, Rule]]
"""(regex, rule) pairs; the regex is searched in paths such as `params/encoder/kernel`, the first found decides."""

FSDP: Table = (("", Fsdp()),)
"""No tensor parallelism: everything by `Fsdp`."""

"""How long a step may take at best: calculation, memory and communication against a chip's published figures.

The rules are coarse and stand in `RULES`, which every plan prints.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vis2sound_jax.planning.chips import Chip, Topology
from vis2sound_jax.planning.collectives import Collective, group_axes
from vis2sound_jax.planning.work import Work

ATTAINED = 0.5
"""Share of the peak that matrix products are assumed to reach."""

HIDDEN = 2.0 / 3.0
"""Share of calculation beside which communication can go on: the backward pass is about two thirds of a step."""

CRITICAL = "model"
"""Axis of the mesh whose communication the next product waits for."""

RULES = (
    f"compute: products and convolutions at {ATTAINED:.0%} of the chip's published peak; float32 ones as jax does by "
    "default, with bfloat16 inputs on a TPU and TF32 inputs on a GPU",
    "memory: each product reads its inputs and writes its output once, and the optimizer the state; all else is fused; "
    "at the published bandwidth",
    "communication: rings at the published bandwidth, latency left out; a ring over several hosts of GPUs as fast as "
    "its slowest part",
    f"step: the longer of compute and memory, and the communication that does not fit beside {HIDDEN:.0%} of it; "
    f"that over the axis {CRITICAL} fits beside nothing",
)


class Prediction(NamedTuple):
    """How long a step may take.

    Attributes:
      compute_s: calculation alone.
      memory_s: memory alone.
      communication_s: communication alone.
      exposed_s: communication that calculation does not hide.
      step_s: all together.
    """

    compute_s: float
    memory_s: float
    communication_s: float
    exposed_s: float
    step_s: float

    @property
    def bound(self) -> str:
        """What takes longest: "compute", "memory" or "communication"."""
        parts = {"compute": self.compute_s, "memory": self.memory_s, "communication": self.communication_s}
        return max(parts, key=lambda name: parts[name])


def predict(work: Work, found: Sequence[Collective], topology: Topology, axes: Mapping[str, int]) -> Prediction:
    """Predicts a step.

    Args:
      work: of one chip.
      found: what the chips send one another.
      topology: the chips.
      axes: the mesh on them, axis → size, in order.

    Returns:
      The times in seconds.
    """
    chip = topology.chip
    compute = (work.half_flops / chip.bf16_flops + work.full_flops / chip.f32_flops) / ATTAINED
    memory = work.bytes / chip.hbm_bytes_s
    waited, other = 0.0, 0.0
    for one in found:
        seconds = one.sent_bytes / ring_bytes_s(chip, one.group)
        if CRITICAL in group_axes(one.group, axes):
            waited += seconds
        else:
            other += seconds
    longer = max(compute, memory)
    exposed = waited + max(0.0, other - HIDDEN * longer)
    return Prediction(compute, memory, waited + other, exposed, longer + exposed)


def ring_bytes_s(chip: Chip, group: Sequence[int]) -> float:
    """Says how fast a ring of chips is.

    Args:
      chip: their kind.
      group: their places; a host's chips are neighbours.

    Returns:
      Bytes a second that each of them sends.
    """
    hosts = {place // chip.host_chips for place in group}
    if len(hosts) == 1 or not chip.network_bytes_s:
        return chip.ring_bytes_s
    # Several rings run side by side, each leaving the host by another chip's adapter.
    return min(chip.ring_bytes_s, chip.network_bytes_s * len(group) / len(hosts))

"""Published figures of accelerators, and topologies such as `v5e-16` made of them.

The figures are the makers'. What their pages do not say outright is derived here and told.
"""

import difflib
import re
from typing import NamedTuple

from vis2sound_jax.errors import UserError

GIB = 2**30


class Chip(NamedTuple):
    """What one accelerator can do.

    Attributes:
      title: its name.
      bf16_flops: dense bfloat16 products, floating-point operations a second at most.
      f32_flops: the same for float32 arrays as jax multiplies them unless told otherwise: with bfloat16 inputs on a
        TPU, with TF32 inputs on a GPU (`jax.lax.Precision.DEFAULT`).
      hbm_bytes: of its memory.
      hbm_bytes_s: to and from it.
      ring_bytes_s: what it sends a second as a member of a ring that runs both ways. A ring uses two of a TPU's ports,
        and a GPU's whole NVLink.
      host_chips: chips of a host.
      source: where the figures were read.
      network_bytes_s: what it sends a second to another host; 0 where the ring's own links reach there.
      cores: what the number in a topology's name counts, per chip.
      most_chips: of one slice, or 0 if there is no such limit.
    """

    title: str
    bf16_flops: float
    f32_flops: float
    hbm_bytes: float
    hbm_bytes_s: float
    ring_bytes_s: float
    host_chips: int
    source: str
    network_bytes_s: float = 0.0
    cores: int = 1
    most_chips: int = 0


class Topology(NamedTuple):
    """Chips of one kind that train together.

    Attributes:
      name: as the user wrote it.
      chip: the kind.
      chips: how many.
    """

    name: str
    chip: Chip
    chips: int

    @property
    def hosts(self) -> int:
        """Hosts that hold them."""
        return -(-self.chips // self.chip.host_chips)


# Of the interconnect Google gives a chip's bidirectional total: half of it is sent, over all ports; a ring has two of
# the four ports of a flat torus and of the six of a cube. For v4 it gives the pod's all-reduce bandwidth instead, which
# on v5e and v6e is that half times the number of chips. Topologies of v4 and v5p count TensorCores, two a chip.
# NVIDIA's figures with sparsity are halved; of NVLink's bidirectional 900 (600) GB/s, half is sent. Between hosts every
# GPU of a DGX has an adapter of its own, of 400 (200) Gbit/s. NVIDIA's data sheets were read as others quote them.
# L4 and T4 have no NVLink, and one direction of PCIe is taken; T4 has units for neither bfloat16 nor TF32.
CHIPS = {
    "v4": Chip(
        title="TPU v4",
        bf16_flops=275e12,
        f32_flops=275e12,
        hbm_bytes=32 * GIB,
        hbm_bytes_s=1200e9,
        ring_bytes_s=1.1e15 / 4096 * 2 / 6,
        host_chips=4,
        cores=2,
        most_chips=4096,
        source="Cloud TPU documentation, TPU v4, https://docs.cloud.google.com/tpu/docs/v4",
    ),
    "v5e": Chip(
        title="TPU v5e",
        bf16_flops=197e12,
        f32_flops=197e12,
        hbm_bytes=16e9,
        hbm_bytes_s=819e9,
        ring_bytes_s=400e9 / 2 * 2 / 4,
        host_chips=8,
        most_chips=256,
        source="Cloud TPU documentation, TPU v5e, https://docs.cloud.google.com/tpu/docs/v5e",
    ),
    "v5p": Chip(
        title="TPU v5p",
        bf16_flops=459e12,
        f32_flops=459e12,
        hbm_bytes=95 * GIB,
        hbm_bytes_s=2765e9,
        ring_bytes_s=1200e9 / 2 * 2 / 6,
        host_chips=4,
        cores=2,
        most_chips=6144,
        source="Cloud TPU documentation, TPU v5p, https://docs.cloud.google.com/tpu/docs/v5p",
    ),
    "v6e": Chip(
        title="TPU v6e",
        bf16_flops=918e12,
        f32_flops=918e12,
        hbm_bytes=32e9,
        hbm_bytes_s=1638e9,
        ring_bytes_s=800e9 / 2 * 2 / 4,
        host_chips=8,
        most_chips=256,
        source="Cloud TPU documentation, TPU v6e, https://docs.cloud.google.com/tpu/docs/v6e",
    ),
    "a100": Chip(
        title="NVIDIA A100 SXM 80 GB",
        bf16_flops=312e12,
        f32_flops=156e12,
        hbm_bytes=80e9,
        hbm_bytes_s=2039e9,
        ring_bytes_s=600e9 / 2,
        host_chips=8,
        network_bytes_s=200e9 / 8,
        source="NVIDIA A100 data sheet (1758950-r4), quoted at https://glennklockwood.com/garden/processors/A100",
    ),
    "h100": Chip(
        title="NVIDIA H100 SXM",
        bf16_flops=1979e12 / 2,
        f32_flops=989e12 / 2,
        hbm_bytes=80e9,
        hbm_bytes_s=3350e9,
        ring_bytes_s=900e9 / 2,
        host_chips=8,
        network_bytes_s=400e9 / 8,
        source="NVIDIA H100 data sheet, quoted at https://archive-lib.hpctech.co.jp/gpuproduct/nvidia-h100.html",
    ),
    "h200": Chip(
        title="NVIDIA H200 SXM",
        bf16_flops=1979e12 / 2,
        f32_flops=989e12 / 2,
        hbm_bytes=141e9,
        hbm_bytes_s=4800e9,
        ring_bytes_s=900e9 / 2,
        host_chips=8,
        network_bytes_s=400e9 / 8,
        source="NVIDIA H200 data sheet, quoted in How To Scale Your Model, https://jax-ml.github.io/scaling-book/gpus",
    ),
    "l4": Chip(
        title="NVIDIA L4",
        bf16_flops=242e12 / 2,
        f32_flops=120e12 / 2,
        hbm_bytes=24e9,
        hbm_bytes_s=300e9,
        ring_bytes_s=32e9,
        host_chips=8,
        source="NVIDIA L4 data sheet, quoted at https://github.com/winston-zhang-orz/gpu-specs",
    ),
    "t4": Chip(
        title="NVIDIA T4",
        bf16_flops=8.1e12,
        f32_flops=8.1e12,
        hbm_bytes=16e9,
        hbm_bytes_s=320e9,
        ring_bytes_s=16e9,
        host_chips=4,
        source="NVIDIA T4 data sheet, quoted at https://pcpartcomparison.com/gpu/tesla-t4-vs-l4",
    ),
}


def topology(name: str) -> Topology:
    """Reads a topology's name.

    Args:
      name: a chip of `CHIPS` and a number, such as `v5e-16` or `h100-8`. As in the cloud's own names, the number counts
        chips, and TensorCores for v4 and v5p.

    Returns:
      The topology.

    Raises:
      UserError: if there is no such chip, or no slice of that many.
    """
    found = re.fullmatch(r"([a-z0-9]+)-(\d+)", name.strip().lower())
    kind = found[1] if found else name.strip().lower().partition("-")[0]
    if found is None or kind not in CHIPS:
        close = difflib.get_close_matches(kind, CHIPS, n=1, cutoff=0.0)[0]
        raise UserError(
            f"--topology={name}: there is no such topology; write a chip ({', '.join(CHIPS)}) and a number, "
            f"such as {close}-8"
        )
    chip, number = CHIPS[kind], int(found[2])
    chips, rest = divmod(number, chip.cores)
    most = chip.most_chips or max(chips, 1)
    if rest or chips & (chips - 1) or not 1 <= chips <= most:
        unit = "cores" if chip.cores > 1 else "chips"
        near = min(2 ** max(0, chips.bit_length() - 1), 2 ** (most.bit_length() - 1))
        raise UserError(
            f"--topology={name}: there is no plan for {number} {unit} of {chip.title}; "
            f"write a power of 2 up to a slice's size, such as {kind}-{near * chip.cores}"
        )
    return Topology(name.strip().lower(), chip, chips)

"""What the device can do: published figures by its name, and what a product and a copy reach."""

import functools
import re
from typing import Any

import jax
import jax.numpy as jnp

from vis2sound_jax.accelerator.checks import Case
from vis2sound_jax.accelerator.timing import Effort, seconds_of
from vis2sound_jax.planning.chips import CHIPS, Chip

# As jax calls the devices; other kinds of a family have other figures and are measured.
_KINDS = {
    r"NVIDIA H100 80GB HBM3": "h100",
    r"NVIDIA H200": "h200",
    r"NVIDIA A100-SXM4-80GB": "a100",
    r"NVIDIA L4": "l4",
    r"(Tesla|NVIDIA) T4": "t4",
    r"TPU v4": "v4",
    r"TPU v5 ?(lite|e)": "v5e",
    r"TPU v5p?": "v5p",
    r"TPU v6 ?(lite|e)": "v6e",
}
_HALF_A100 = CHIPS["a100"]._replace(
    title="NVIDIA A100 SXM 40 GB",
    hbm_bytes=40e9,
    hbm_bytes_s=1555e9,
    source="NVIDIA A100 data sheet (1758950-r4), 40 GB",
)


def published(kind: str) -> Chip | None:
    """Finds the published figures of a device.

    Args:
      kind: `device_kind` as jax says it.

    Returns:
      The figures, or None if they are not known here.
    """
    if kind == "NVIDIA A100-SXM4-40GB":
        return _HALF_A100
    return next((CHIPS[name] for pattern, name in _KINDS.items() if re.fullmatch(pattern, kind)), None)


class Limits:
    """What the device is held against: published figures, or measured ones where those are not known."""

    def __init__(self, device: jax.Device, effort: Effort):
        """Looks up what is known.

        Args:
          device: the device.
          effort: how much is measured.
        """
        self.device, self.effort = device, effort
        self.known = published(device.device_kind)
        self._measured: dict[str, float] = {}

    @property
    def cases(self) -> list[Case]:
        """What is measured: the products of both types, and a copy."""
        products = [
            Case(f"product of {dtype} matrices", functools.partial(self._product, dtype))
            for dtype in ("bfloat16", "float32")
        ]
        return [*products, Case("copy of an array", self._copy)]

    @property
    def copy_bytes_s(self) -> float | None:
        """Bytes a second, read and written, that a copy reached; None before that was measured."""
        return self._measured.get("copy")

    @property
    def chip(self) -> Chip:
        """The figures that count.

        Raises:
          RuntimeError: if they are not known and were not measured.
        """
        if self.known is not None:
            return self.known
        if len(self._measured) < 3:
            raise RuntimeError(f"no figures of {self.device.device_kind} are known, and measuring them failed")
        return Chip(
            title=self.device.device_kind,
            bf16_flops=self._measured["bfloat16"],
            f32_flops=self._measured["float32"],
            hbm_bytes=float((self.device.memory_stats() or {}).get("bytes_limit", 0)),
            hbm_bytes_s=self._measured["copy"],
            ring_bytes_s=0.0,
            host_chips=1,
            source="measured by this check: a product of matrices and a copy",
        )

    def _product(self, dtype: str) -> dict[str, Any]:
        side = 256 if self.effort.small else 8192
        matrix = jax.device_put(jnp.full((side, side), 1 / side, dtype), self.device)
        product = jax.jit(lambda a, b: a @ b)
        seconds = seconds_of(lambda: product(matrix, matrix), self.effort)
        self._measured[dtype] = reached = 2.0 * side**3 / seconds
        peak = self.known and (self.known.bf16_flops if dtype == "bfloat16" else self.known.f32_flops)
        return _beside(reached, peak, "TFLOP/s", 1e12)

    def _copy(self) -> dict[str, Any]:
        """Every call takes the array that the one before made, in whose place it writes."""
        size = 2**20 if self.effort.small else 2**28
        add = jax.jit(lambda x: x + 1, donate_argnums=0)
        held = [jax.device_put(jnp.zeros(size, jnp.float32), self.device)]

        def call() -> jax.Array:
            held[0] = add(held[0])
            return held[0]

        self._measured["copy"] = reached = 2.0 * 4 * size / seconds_of(call, self.effort)
        return _beside(reached, self.known and self.known.hbm_bytes_s, "GB/s", 1e9)


def _beside(reached: float, peak: float | None, unit: str, scale: float) -> dict[str, Any]:
    row: dict[str, Any] = {"reached": reached / scale, "unit": unit}
    return row | ({"published": peak / scale, "share": reached / peak} if peak else {})

"""Laws of limits: known devices by their names, all others as they are measured."""

import jax
import pytest

from vis2sound_jax.accelerator.checks import Check, Clock, run_checks
from vis2sound_jax.accelerator.device import Limits, published
from vis2sound_jax.accelerator.timing import SMALL
from vis2sound_jax.planning.chips import CHIPS


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("NVIDIA H100 80GB HBM3", "h100"), ("NVIDIA H200", "h200"), ("NVIDIA A100-SXM4-80GB", "a100")),
        *(("NVIDIA L4", "l4"), ("Tesla T4", "t4"), ("TPU v4", "v4"), ("TPU v5 lite", "v5e"), ("TPU v5e", "v5e")),
        *(("TPU v5", "v5p"), ("TPU v5p", "v5p"), ("TPU v6 lite", "v6e"), ("TPU v6e", "v6e")),
    ],
)
def test_devices_are_known_by_the_names_that_jax_gives_them(kind: str, name: str) -> None:
    assert published(kind) == CHIPS[name]


def test_relatives_with_other_figures_are_not_taken_for_them() -> None:
    # Slower memory, and in the second case fewer units.
    for kind in ("NVIDIA A100-PCIE-40GB", "NVIDIA H100 PCIe", "NVIDIA L40S", "NVIDIA GeForce RTX 4090", "cpu"):
        assert published(kind) is None
    smaller = published("NVIDIA A100-SXM4-40GB")
    assert smaller is not None and smaller.hbm_bytes_s == 1555e9 and smaller.bf16_flops == CHIPS["a100"].bf16_flops


def test_an_unknown_device_is_held_against_what_was_measured() -> None:
    limits = Limits(jax.devices("cpu")[0], SMALL)
    with pytest.raises(RuntimeError, match="no figures of cpu are known, and measuring them failed"):
        _ = limits.chip
    rows: list[dict[str, float]] = []
    assert run_checks([Check("limits", 60, limits.cases)], Clock(60), lambda _, row: rows.append(row))
    half, full, copy = (row["reached"] for row in rows)
    assert min(half, full, copy) > 0 and "share" not in rows[0]
    assert (limits.chip.bf16_flops, limits.chip.f32_flops) == pytest.approx((half * 1e12, full * 1e12))
    assert limits.chip.hbm_bytes_s == limits.copy_bytes_s == pytest.approx(copy * 1e9)


def test_a_known_device_is_held_against_published_figures() -> None:
    limits = Limits(jax.devices("cpu")[0], SMALL)
    limits.known = CHIPS["l4"]
    row = limits.cases[-1].run()
    assert row["published"] == 300 and row["share"] == pytest.approx(row["reached"] / 300)
    assert limits.chip is CHIPS["l4"]

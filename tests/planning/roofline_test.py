"""Predictions by hand, and the topologies they are made for."""

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.planning.chips import CHIPS, topology
from vis2sound_jax.planning.collectives import Collective
from vis2sound_jax.planning.roofline import HIDDEN, predict, ring_bytes_s
from vis2sound_jax.planning.work import Work

V5E, H100 = CHIPS["v5e"], CHIPS["h100"]


def reduced(size: int, group: tuple[int, ...]) -> Collective:
    return Collective("all-reduce", size, group, 1, "r", "")


def test_names_are_read_as_the_cloud_writes_them() -> None:
    assert (topology("v5e-16").chips, topology("V5E-16").hosts) == (16, 2)
    # v4 and v5p count TensorCores.
    assert (topology("v5p-8").chips, topology("v5p-8").hosts) == (4, 1)
    assert topology("h100-64").hosts == 8


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("v5-8", r"--topology=v5-8: there is no such topology; write a chip \(v4, .*\) and a number, such as v5[ep]-8"),
        ("h10-8", r"such as h100-8"),
        ("v5e", r"such as v5e-8"),
        ("v5e-7", r"no plan for 7 chips of TPU v5e; write a power of 2 .*, such as v5e-4"),
        ("v5e-512", r"no plan for 512 chips .*, such as v5e-256"),
        ("v5p-1", r"no plan for 1 cores of TPU v5p; .*, such as v5p-2"),
        ("h100-0", r"such as h100-1"),
    ],
)
def test_a_wrong_name_is_told_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        topology(name)


def test_one_chip_by_hand() -> None:
    found = predict(Work(full_flops=197e12, bytes=81.9e9), [], topology("v5e-1"), {"data": 1, "fsdp": 1, "model": 1})
    assert (found.compute_s, found.memory_s, found.communication_s) == pytest.approx((2.0, 0.1, 0.0))
    assert (found.step_s, found.bound) == (found.compute_s, "compute")


def test_communication_hides_beside_the_backward_pass_alone() -> None:
    axes, chips = {"data": 4, "fsdp": 1, "model": 2}, topology("v5e-8")
    calculated = Work(half_flops=197e12 / 2, bytes=1.0)  # one second
    # A ring of four sends 3/4 twice; a v5e sends 100 GB/s.
    over_data = predict(calculated, [reduced(round(1.2e11), (0, 2, 4, 6))], chips, axes)
    assert over_data.communication_s == pytest.approx(1.8)
    assert over_data.exposed_s == pytest.approx(1.8 - HIDDEN)
    assert (over_data.step_s, over_data.bound) == (pytest.approx(2.8 - HIDDEN), "communication")
    over_model = predict(calculated, [reduced(round(1e10), (0, 1))], chips, axes)
    assert (over_model.exposed_s, over_model.step_s) == (pytest.approx(0.1), pytest.approx(1.1))


def test_rings_over_hosts_are_as_fast_as_their_slowest_part() -> None:
    assert ring_bytes_s(H100, range(8)) == 450e9
    # Eight adapters of 50 GB/s a host, or the one of the only chip that takes part.
    assert ring_bytes_s(H100, range(16)) == 400e9
    assert ring_bytes_s(H100, (0, 8)) == 50e9
    assert ring_bytes_s(V5E, range(256)) == V5E.ring_bytes_s == 100e9

"""Laws of parity: what is the same is found the same, what is not is found out, and tolerances are told."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vis2sound_jax.accelerator import networks, parity
from vis2sound_jax.accelerator.networks import drawn_inputs, entries, network_cases
from vis2sound_jax.accelerator.parity import FORWARD_TOLERANCE, apart, compared, step_cases, verdict

CPU = jax.devices("cpu")[0]
# The others are tried by the check itself, which takes a minute to compile them.
QUICK = ("PatchCoder", "BandCoder", "EventReader", "Transformer, step by step", "Transformer, aligned, with copies")


def test_how_far_apart_trees_are() -> None:
    one = {"a": np.ones(4, np.float32), "codes": np.arange(3)}
    other = {"a": np.full(4, 1.1, np.float32), "codes": np.arange(3) + 1}
    assert apart(one, one) == 0 and apart(other, one) == pytest.approx(0.1, rel=1e-5)
    assert apart({"a": np.full(4, np.nan, np.float32)}, {"a": one["a"]}) == float("inf")
    assert apart({"a": one["a"]}, {"a": np.full(4, np.inf, np.float32)}) == float("inf")


def test_a_row_tells_the_tolerance_and_differs_beyond_it() -> None:
    assert verdict(0.1, metrics=0.05, moments=0.1) == {
        "status": "done", "metrics": 0.05, "moments": 0.1, "tolerance": 0.1
    }  # fmt: skip
    assert verdict(0.1, metrics=0.05, moments=0.11)["status"] == "differs"
    assert verdict(0.1, outputs=float("inf"))["status"] == "differs"


def test_both_sides_compute_with_full_products() -> None:
    seen = []

    def product(a: jax.Array, b: jax.Array) -> jax.Array:
        seen.append(jax.config.jax_default_matmul_precision)
        return a @ b

    ours, theirs = compared(product, np.eye(3, dtype=np.float32), np.ones((3, 3), np.float32), CPU)
    np.testing.assert_array_equal(ours, theirs)
    assert seen and set(seen) == {"highest"} and jax.config.jax_default_matmul_precision is None


@pytest.mark.parametrize("name", QUICK)
def test_networks_are_computed_on_both(name: str) -> None:
    (case,) = [case for case in network_cases(CPU, small=True) if case.name == name]
    row = case.run()
    assert row == {"status": "done", "outputs": pytest.approx(0, abs=1e-6), "tolerance": FORWARD_TOLERANCE}


def test_a_network_that_the_device_gets_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounded(*arguments: object) -> tuple[object, object]:
        _, theirs = compared(*arguments)  # type: ignore[arg-type]
        return jax.tree.map(lambda leaf: np.asarray(jnp.asarray(leaf, jnp.bfloat16), leaf.dtype), theirs), theirs

    monkeypatch.setattr(networks, "compared", rounded)
    (case,) = [case for case in network_cases(CPU, small=True) if case.name == "EventReader"]
    row = case.run()
    assert row["status"] == "differs" and FORWARD_TOLERANCE < row["outputs"] < 0.01


def test_networks_of_full_size_take_what_is_drawn_for_them() -> None:
    for entry in entries(small=False):
        found = jax.eval_shape(
            functools.partial(entry.net.init_with_output, method=entry.call), jax.random.key(0), **drawn_inputs(entry)
        )
        assert jax.tree.leaves(found[0]), entry.net


def test_all_networks_have_a_name_of_their_own() -> None:
    names = [case.name for case in network_cases(CPU, small=True)]
    assert names == [case.name for case in network_cases(CPU, small=False)]
    assert len(names) == len(set(names)) == 20 and "ImpactNet" in names


@pytest.mark.parametrize("off", [0.0, 1.0])
def test_steps_are_compared_with_their_gradients(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(*arguments: Any) -> Any:
        ours, theirs = compared(*arguments)
        return {**ours, "moments": jax.tree.map(lambda leaf: leaf * (1 + off), ours["moments"])}, theirs

    monkeypatch.setattr(parity, "compared", moved)
    (case,) = [case for case in step_cases(CPU) if case.name == "step of condfoley:laptop events"]
    row = case.run()
    assert row["status"] == ("differs" if off else "done") and row["moments"] == pytest.approx(off, abs=1e-5)
    assert (row["tolerance"], row["moments_tolerance"]) == (parity.STEP_TOLERANCE, parity.MOMENTS_TOLERANCE)
    assert max(row["metrics"], row["statistics"]) < 1e-6

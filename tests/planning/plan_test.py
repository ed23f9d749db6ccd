"""Laws of planning: what is printed, how it scales, and what is named where a step does not fit."""

import json
from pathlib import Path
from typing import Any

import jax
import pytest
from ml_collections import ConfigDict

from configs import vis
from configs.condfoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.planning import plan
from vis2sound_jax.planning.chips import CHIPS, topology
from vis2sound_jax.planning.step import held_bytes, plan_step, products, time_alone
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.stage import settings_for


def settings(**request: Any) -> ConfigDict:
    """The small paper preset without a video network."""
    config = get_config("paper_smoke")
    config.transformer.update(video="cached", layers=1)
    return settings_for(config, "plan", **request)


def test_one_topology_is_told_in_full(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    summary = plan.run(settings(topology="h100-8"), tmp_path)
    told = capsys.readouterr().out
    assert "h100-8: a batch of 2 cannot be divided over 8 chips; planned with 8" in told
    for line in (
        *("8 × NVIDIA H100 SXM on 1 host", "data 8; a batch of 8", "TFLOP a chip, 0% of it in bfloat16"),
        *(
            "of 80 GB a chip: state ",
            "all-reduce of ",
            "kB over data",
            "samples/s; bound by ",
            "NVIDIA H100 data sheet",
        ),
        *(
            "compute: products and convolutions at 50% of the chip's published peak",
            "virtual CPU devices, at most 8 along data",
        ),
    ):
        assert line in told
    assert summary["stage"] == "transformer" and summary["h100-8"].endswith(" ms a step")


def test_scaled_batches_keep_the_work_of_a_chip(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    output = tmp_path / "plan.json"
    plan.run(settings(topology="v5e-1,v5e-2,v5e-8", scale_batch=True, output=str(output)), tmp_path)
    told = capsys.readouterr().out
    assert [line.split(" | ")[:3] for line in told.splitlines() if line.startswith("| v5e")] == [
        ["| v5e-1", "one chip", "2"],
        ["| v5e-2", "data 2", "4"],
        ["| v5e-8", "data 8", "16"],
    ]
    first, second, last = json.loads(output.read_text())["plans"]
    assert first["collectives"] == {} and first["bound"] != "communication"
    assert first["flops"] == second["flops"] == last["flops"] and first["state_bytes"] == last["state_bytes"]
    # Every gradient is summed once, whatever the number of chips; only that of the last position is always 0.
    for one in (second, last):
        assert one["collectives"]["all-reduce"]["bytes"] == pytest.approx(4 * one["parameters"], rel=0.002)
    # A ring of n sends 2 (n - 1) / n of it.
    assert last["communication_s"] / second["communication_s"] == pytest.approx(2 * 7 / 8)


def test_what_does_not_fit_names_a_mesh_that_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config, axes = settings(topology="v5e-8"), {"data": 8, "fsdp": 1, "model": 1}
    config.transformer.update(width=128, batch=8)
    whole = plan_step(training_named(config, "transformer"), topology("v5e-8"), axes, 8)
    divided = plan_step(training_named(config, "transformer"), topology("v5e-8"), {**axes, "data": 4, "fsdp": 2}, 8)
    assert divided.needed_bytes < whole.needed_bytes
    between = (whole.needed_bytes + divided.needed_bytes) / 2
    monkeypatch.setitem(CHIPS, "v5e", CHIPS["v5e"]._replace(hbm_bytes=between))
    with pytest.raises(UserError, match=r"needs 0\.0 GB a chip, .* --config\.mesh\.fsdp=2 would fit, with 0\.0 GB"):
        plan.run(config, tmp_path)
    assert "memory" in capsys.readouterr().out
    monkeypatch.setitem(CHIPS, "v5e", CHIPS["v5e"]._replace(hbm_bytes=1e3))
    with pytest.raises(UserError, match="no mesh of it was found that fits; take a larger topology or"):
        plan.run(config, tmp_path)


def test_fsdp_divides_the_state() -> None:
    config = settings()
    config.transformer.width = 256
    training = training_named(config, "transformer")
    whole, divided = (held_bytes(training, {"data": 8 // k, "fsdp": k, "model": 1}, 8) for k in (1, 8))
    assert whole / 8 <= divided < whole / 6


@pytest.mark.parametrize("stage", ["streams", "prediction", "prediction_no_rnn", "detection_no_spacetime"])
def test_visually_indicated_sounds_is_planned_too(
    stage: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = vis.get_config("smoke")
    config.data.update(height=24, width=32)
    config.streams.update(spacetime_widths=(4, 8), colour_widths=(4, 4, 4), width=8, blocks=0, batch=8)
    for section in (config.prediction, config.detection):
        section.update(width=8, layers=1, head_width=8, frames=15, batch=8)
    summary = plan.run(settings_for(config, "plan", topology="v5e-8", stage=stage), tmp_path)
    assert summary["stage"] == stage and summary["v5e-8"].endswith(" ms a step")
    told = capsys.readouterr().out
    assert "data 8; a batch of 8" in told and "all-reduce of " in told


def test_weights_that_stay_as_they_are_take_room_on_every_chip() -> None:
    """Of the published training, which computes codes within the step; nothing is compiled."""
    config, axes = settings(), {"data": 8, "fsdp": 1, "model": 1}
    config.compat, config.transformer.video = True, "frozen"
    training = training_named(config, "transformer")
    frozen = sum(4 * leaf.size for leaf in jax.tree.leaves(training.frozen_shapes))
    without = held_bytes(training._replace(frozen_shapes=None), axes, 8)
    assert frozen > 0 and held_bytes(training, axes, 8) == without + frozen


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "--job=plan needs --topology=NAME, such as v5e-16"),
        (
            {"topology": "v5e-8", "stage": "encodr"},
            "--stage=encodr: there is no training step of that name; .* encoder",
        ),
        ({"topology": "v5e-8", "output": "plan.txt"}, "plan.txt: has the ending .txt"),
    ],
)
def test_mistakes_are_told(request_: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        plan.run(settings(**request_), tmp_path)


def test_a_mesh_must_suit_the_chips(tmp_path: Path) -> None:
    config = settings(topology="v5e-16")
    config.mesh.fsdp = 16
    with pytest.raises(UserError, match="--job=plan needs 16 virtual devices, and jax has 8"):
        plan.run(config, tmp_path)
    config.mesh.update(data=2, fsdp=1)
    with pytest.raises(UserError, match=r"leaves chips out; --config\.mesh\.data=-1 takes all"):
        plan.run(config, tmp_path)


def test_a_single_chip_is_planned_without_compiling_as_it_is_with() -> None:
    training, chip = training_named(settings(topology="l4-1"), "transformer"), topology("l4-1")
    whole = plan_step(training, chip, {"data": 1, "fsdp": 1, "model": 1}, 2)
    assert time_alone(training, chip.chip, 2) == whole.prediction
    assert products(training, 2).flops == whole.work.flops and products(training, 2).bytes < whole.work.bytes


def test_attention_of_a_gpu_is_planned_by_the_same_products(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = settings(topology="h100-1")
    config.transformer.dtype = "bfloat16"
    own = plan.run(config, tmp_path)
    config.training.attention = "cudnn"
    assert plan.run(config, tmp_path) == own
    assert config.training.attention == "cudnn"

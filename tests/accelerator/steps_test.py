"""Laws of timed steps: they are those that train, with their plan beside them, and types and attentions agree."""

import jax
import pytest

from vis2sound_jax.accelerator import steps
from vis2sound_jax.accelerator.device import Limits
from vis2sound_jax.accelerator.drawn import preset
from vis2sound_jax.accelerator.steps import Step, laptop_cases, measured, paper_cases, peak_seconds
from vis2sound_jax.accelerator.timing import SMALL
from vis2sound_jax.planning.chips import CHIPS, topology
from vis2sound_jax.planning.step import plan_step
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.planning.work import Work

STEP = Step("smoke", "transformer")


@pytest.fixture
def limits() -> Limits:
    found = Limits(jax.devices("cpu")[0], SMALL)
    found.known = CHIPS["l4"]
    return found


def test_a_step_is_timed_beside_its_plan_and_another_attention_agrees(limits: Limits) -> None:
    losses: dict[str, float] = {}
    own, library = (measured(STEP._replace(attention=name), limits, losses) for name in ("own", "xla"))
    plan = plan_step(
        training_named(preset("condfoley", "smoke"), "transformer"),
        topology("l4-1"),
        {"data": 1, "fsdp": 1, "model": 1},
        own["batch"],
    )
    for row in (own, library):
        assert row["status"] == "done" and row["predicted_ms"] == pytest.approx(1e3 * plan.prediction.step_s)
        assert row["samples_s"] == pytest.approx(1e3 * row["batch"] / row["step_ms"])
        assert row["times_predicted"] == pytest.approx(row["step_ms"] / row["predicted_ms"])
        assert row["mfu"] == pytest.approx(row["tflop"] / 60 / (row["step_ms"] / 1e3))
    assert own["loss_off"] == 0 and library["loss_off"] < 1e-5


def test_a_first_loss_that_is_another_differs(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_run", lambda *_: ({"loss": 2.0}, 0.01))
    assert measured(STEP._replace(attention="xla"), limits, {}).get("status") is None
    row = measured(STEP._replace(attention="xla"), limits, {"own": 2.01})
    assert row["status"] == "differs" and row["loss_off"] == pytest.approx(0.005, rel=0.01)
    assert measured(STEP._replace(dtype="bfloat16"), limits, {"own": 2.01})["status"] == "done"


def test_work_of_both_types_is_held_against_its_own_peak() -> None:
    chip = CHIPS["h100"]
    work = Work(half_flops=chip.bf16_flops, full_flops=2 * chip.f32_flops)
    assert peak_seconds(work, chip) == pytest.approx(3)


def test_every_type_is_timed_with_every_attention_and_cudnn_may_be_missing(limits: Limits) -> None:
    cases = {case.name: case for case in paper_cases(limits)}
    assert len(cases) == 6 and list(cases)[:2] == ["float32, attention own", "bfloat16, attention own"]
    assert [name for name, case in cases.items() if case.optional] == [
        *("bfloat16, attention cudnn", "float32, attention cudnn"),
    ]
    with pytest.raises(Exception, match="'cudnn', which knows no float32"):
        cases["float32, attention cudnn"].run()
    assert [case.name for case in laptop_cases(limits)] == ["laptop's encoder", "laptop's transformer"]

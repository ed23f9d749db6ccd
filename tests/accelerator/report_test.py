"""Laws of the report: whole after every row, numbers in JSON, tables for people."""

import json
from pathlib import Path

import jax

from vis2sound_jax.accelerator.device import Limits
from vis2sound_jax.accelerator.report import Report, markdown
from vis2sound_jax.accelerator.timing import SMALL
from vis2sound_jax.planning.chips import CHIPS


def test_every_row_is_on_disk_when_it_is_noted(tmp_path: Path) -> None:
    limits = Limits(jax.devices("cpu")[0], SMALL)
    report = Report(tmp_path / "accelerator.json", limits)
    for name in ("MelGAN", "VQGAN"):
        report.note("networks", {"name": name, "status": "done", "outputs": 1e-6, "tolerance": 1e-4})
        found = json.loads((tmp_path / "accelerator.json").read_text())
        assert found["checks"]["networks"][-1]["name"] == name and name in report.tables.read_text()
    assert found["device"] == "cpu" and found["small"] and found["figures"].startswith("not published here")
    limits.known = CHIPS["h100"]
    report.note("decoder", {"name": "1 take, float32", "status": "done", "codes_s": 2000.0})
    found = json.loads((tmp_path / "accelerator.json").read_text())
    assert found["figures"] == "NVIDIA H100 SXM" and found["hbm_gb_s"] == 3350 and found["source"].startswith("NVIDIA")
    assert {path.name for path in tmp_path.iterdir()} == {"accelerator.json", "accelerator.md"}


def test_tables_have_the_columns_that_were_measured_and_reasons_where_not() -> None:
    rows = [
        {"name": "float32, attention own", "status": "done", "batch": 8, "step_ms": 51.26, "mfu": 0.3149},
        {"name": "bfloat16, attention cudnn", "status": "not here", "reason": "RuntimeError: a | b"},
    ]
    text = markdown({"device": "NVIDIA L4", "peak_memory_gb": 9.87654}, {"paper step": rows})
    assert text.splitlines() == [
        "device NVIDIA L4; peak_memory_gb 9.88",
        "",
        "**The paper's training step**",
        "",
        "|  | batch | ms a step | MFU | state |",
        "| --- | --- | --- | --- | --- |",
        "| float32, attention own | 8 | 51.3 | 31.5% | done |",
        "| bfloat16, attention cudnn | – | – | – | **not here**: RuntimeError: a / b |",
    ]

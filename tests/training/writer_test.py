"""metrics.jsonl: appended, and cut back to the step a resumed run starts from."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.training.writer import MetricsWriter


def test_resume_drops_later_and_broken_lines(tmp_path: Path) -> None:
    with MetricsWriter(tmp_path / "run", step=0) as writer:
        for step in (1, 2, 3):
            writer.write(step, {"loss": 1 / step})
    path = tmp_path / "run" / "metrics.jsonl"
    path.write_text(path.read_text() + '{"step": 4, "lo')
    with MetricsWriter(tmp_path / "run", step=2) as writer:
        writer.write(3, {"loss": 0.5})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}, {"step": 3, "loss": 0.5}]
    assert [entry.name for entry in path.parent.iterdir()] == ["metrics.jsonl"]


def test_missing_tensorboard_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(UserError, match=r"tensorboardX is not installed; run `pip install -e .\[tensorboard\]`"):
        MetricsWriter(tmp_path, step=0, tensorboard=True)


@pytest.mark.skipif(importlib.util.find_spec("tensorboardX") is None, reason="tensorboardX is not installed")
def test_tensorboard_events(tmp_path: Path) -> None:
    with MetricsWriter(tmp_path, step=0, tensorboard=True) as writer:
        writer.write(1, {"loss": 1.0})
    assert list((tmp_path / "tensorboard").glob("events*"))

"""Whether a run of Visually Indicated Sounds is trained is asked of its checkpoints, wherever they lie."""

import shutil
from pathlib import Path

import pytest

from configs.vis import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.systems.vis import chain
from vis2sound_jax.training.checkpoint import keep_elsewhere


class Reached(Exception):
    """The weights were about to be read."""


def test_checkpoints_elsewhere_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workdir, there = tmp_path / "run", tmp_path / "bucket/detection/checkpoints"
    workdir.mkdir()
    (workdir / "config.json").write_text(get_config("detection").to_json())
    keep_elsewhere(checkpoints_dir(workdir, "detection"), str(there))

    def load(*_: object) -> None:
        raise Reached

    monkeypatch.setattr(chain.Predictor, "load", load)
    with pytest.raises(UserError, match="there is no trained detection model"):
        chain.load(workdir)
    (there / "5").mkdir(parents=True)
    assert not checkpoints_dir(workdir, "detection").exists()
    with pytest.raises(Reached):
        chain.load(workdir)
    shutil.rmtree(there)
    with pytest.raises(UserError, match="there is no trained detection model"):
        chain.load(workdir)

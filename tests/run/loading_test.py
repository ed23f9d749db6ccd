"""Laws of loading: whatever system a folder names is loaded, and an old folder is told as such."""

import json
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.loading import load_system
from vis2sound_jax.run.workdir import config_path
from vis2sound_jax.systems.condfoley.chain import Foley
from vis2sound_jax.video.film import Film


def test_a_run_is_loaded_by_the_system_it_names(tiny_run: Path) -> None:
    loaded = load_system(tiny_run)
    assert isinstance(loaded, Foley)


@pytest.mark.parametrize(
    "missing", ["encoder.dilations", "events", "decoding.griffin_lim_iterations", "data.fps", "mel"]
)
def test_a_setting_that_an_earlier_version_did_not_have_is_told(tiny_run: Path, tmp_path: Path, missing: str) -> None:
    for part in tiny_run.iterdir():
        (tmp_path / part.name).symlink_to(part)
    settings = json.loads((tiny_run / "config.json").read_text())
    section, _, key = missing.partition(".")
    del (settings[section] if key else settings)[key or section]
    config_path(tmp_path).unlink()
    config_path(tmp_path).write_text(json.dumps(settings))
    with pytest.raises(
        UserError, match=f"config.json: was written by an earlier version, without config.{missing}; tra"
    ):
        load_system(tmp_path).watch(Film.of_frames(np.zeros((30, 40, 64, 3), np.uint8), 25.0))


@pytest.mark.parametrize("system", [3, None, "", "none", "no such", "os"])
def test_a_system_that_is_not_there_is_told(tmp_path: Path, system: object) -> None:
    config_path(tmp_path).write_text(json.dumps({"name": "x", "system": system}))
    with pytest.raises(UserError):
        load_system(tmp_path)


def test_a_run_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    config_path(tmp_path).write_text(json.dumps({"name": "old"}))
    with pytest.raises(UserError, match="earlier version"):
        load_system(tmp_path)

"""Laws of loading: whatever system a folder names is loaded, and an old folder is told as such."""

import json
from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.loading import load_system
from vis2sound_jax.run.workdir import config_path
from vis2sound_jax.systems.condfoley.chain import Foley


def test_a_run_is_loaded_by_the_system_it_names(tiny_run: Path) -> None:
    loaded = load_system(tiny_run)
    assert isinstance(loaded, Foley)


def test_a_run_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    config_path(tmp_path).write_text(json.dumps({"name": "old"}))
    with pytest.raises(UserError, match="earlier version"):
        load_system(tmp_path)

"""Laws of the origin: a run knows its recordings, and homes that nobody knows are told."""

import json
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.origin import is_own, named_folder


def _config(recordings: str) -> ConfigDict:
    return ConfigDict({"data": {"recordings": recordings}})


def test_recordings_are_a_runs_own_by_name_and_by_place(tmp_path: Path) -> None:
    assert is_own(_config("films"), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"data": {"recordings": str(tmp_path)}}))
    assert is_own(_config(str(tmp_path)), tmp_path) and not is_own(_config("films"), tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/origin.json").write_text(json.dumps({"recordings": "/elsewhere"}))
    assert not is_own(_config(str(tmp_path)), tmp_path)


@pytest.mark.parametrize("text", ["{}", '{"data": 3}', '{"data": {}}'])
def test_settings_of_another_form_name_no_recordings(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert is_own(_config("films"), tmp_path) == (text == "{}")


def test_a_home_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    assert named_folder("a$b") == Path("a$b")
    monkeypatch.setattr(Path, "expanduser", unknown)
    with pytest.raises(UserError, match="~/films: there is no home folder; set HOME, or name the whole path"):
        named_folder("~/films")

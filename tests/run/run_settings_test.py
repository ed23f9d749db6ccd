"""Laws of the settings in a run's folder: a missing one is told in one line, and a damaged file too."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.run_settings import MissingSetting, RunSettings, read_object, settings_from

KNOWN = {"name": "old", "encoder": {"width": 3, "deep": {"x": 1}}, "stages": ["a", "b"]}
DAMAGED = ("[]", "3", "null", '"x"', "{", "[" * 100_000, '{"a.b": 1}', '{"a": NaN', "\udce9")


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(KNOWN))
    found = settings_from(path)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("read", "missing"),
    [
        (lambda config: config.encoder.dilations, "encoder.dilations"),
        (lambda config: config["encoder"]["dilations"], "encoder.dilations"),
        (lambda config: config["encoder.dilations"], "encoder.dilations"),
        (lambda config: config.events.stops, "events"),
        (lambda config: config.copy_and_resolve_references().encoder.deep.y, "encoder.deep.y"),
    ],
)
def test_a_missing_setting_is_told_with_its_name_and_what_to_do(
    settings: RunSettings, read: Callable[[Any], Any], missing: str
) -> None:
    told = f"config.json: was written by an earlier version, without config.{missing}; train again in another --workdir"
    with pytest.raises(UserError, match=told.replace(".", r"\.")) as raised:
        read(settings)
    assert str(raised.value).count("\n") == 0 and raised.value.path is not None


def test_asking_whether_a_setting_is_there_works_as_always(settings: RunSettings) -> None:
    assert "events" not in settings and settings.get("events", 5) == 5 and not hasattr(settings, "events")
    assert getattr(settings.encoder, "dilations", None) is None
    with pytest.raises(KeyError):
        settings["events"]
    assert issubclass(MissingSetting, UserError)


def test_settings_are_those_of_the_file_and_can_be_copied_and_changed(settings: RunSettings) -> None:
    assert json.loads(settings.to_json()) == KNOWN and settings == ConfigDict(KNOWN) == settings
    changed = settings.copy_and_resolve_references()
    changed.update_from_flattened_dict({"encoder.width": 4})
    assert (changed.encoder.width, settings.encoder.width) == (4, 3) and changed != settings
    assert pickle.loads(pickle.dumps(settings)) == settings


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_what_is_no_object_is_damaged(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match="config.json: is damaged; run the training command again in another --workdir"):
        settings_from(path)
    if not text.startswith('{"a.b'):
        with pytest.raises(ValueError):
            read_object(path)


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert settings_from(tmp_path / "none.json") is None and read_object(tmp_path / "file" / "none.json") is None
    with pytest.raises(UserError, match="is damaged"):
        settings_from(tmp_path)

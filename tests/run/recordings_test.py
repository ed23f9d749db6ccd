"""Laws of the recordings that a config names: their folder, their records, and their form."""

import ast
from pathlib import Path

import pytest

import vis2sound_jax
from configs.condfoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.run import recordings
from vis2sound_jax.run.recordings import data_name, media_form, open_split, recordings_dir, validation_records
from vis2sound_jax.run.workdir import prepared_dir, procedural_dir, settings_of
from vis2sound_jax.video.form import MediaForm

PACKAGE = Path(vis2sound_jax.__file__).parent


@pytest.mark.parametrize("preset", ["smoke", "laptop"])
def test_the_form_is_what_the_config_says(preset: str) -> None:
    data = get_config(preset).data
    form = media_form(get_config(preset))
    assert form == MediaForm(rate_hz=data.rate_hz, fps=data.fps, height=data.height, width=data.width)


def test_every_setting_of_the_form_is_read() -> None:
    config = get_config("smoke")
    config.data.update(rate_hz=8000, fps=12.5, height=40, width=60)
    assert media_form(config) == MediaForm(8000, 12.5, 40, 60)


def test_only_one_place_makes_a_form_from_a_config() -> None:
    makers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "MediaForm" and node.keywords:
                makers.add(str(path.relative_to(PACKAGE)))
    assert makers == {"run/recordings.py"}


def test_records_are_those_of_the_split_at_the_rates_of_the_config(tiny_run: Path) -> None:
    config = settings_of(tiny_run)
    assert recordings_dir(config, tiny_run) == procedural_dir(tiny_run) and data_name(config) == "procedural recordings"
    records = open_split(config, prepared_dir(tiny_run), "test")
    assert len(records) == 2 and {record["fps"] for record in records} == {config.data.fps}


def test_a_folder_that_is_missing_names_its_layout(tiny_run: Path, tmp_path: Path) -> None:
    config = settings_of(tiny_run)
    config.data.recordings = str(tmp_path / "films")
    with pytest.raises(
        UserError, match="films: there is no such folder of recordings; name one with --config.data.recordings=DIR"
    ):
        recordings_dir(config, tiny_run)
    assert data_name(config) == str(tmp_path / "films")


def test_thresholds_are_chosen_on_annotated_validation_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = {"validation": [{"id": f"v{k}", "annotated": k % 3 > 0} for k in range(150)]}
    monkeypatch.setattr(recordings, "open_split", lambda config, prepared, split: splits[split])
    monkeypatch.setattr(recordings, "prepared_settings", lambda prepared: {"splits": list(splits)})
    found = validation_records(None, Path("prepared"))
    assert len(found) == 32 == len({record["id"] for record in found}) and all(one["annotated"] for one in found)
    assert found[0]["id"] == "v1" and found[-1]["id"] == "v149"
    splits["validation"] = splits["validation"][:5]
    assert [record["id"] for record in validation_records(None, Path("prepared"))] == ["v1", "v2", "v4"]
    del splits["validation"]
    assert validation_records(None, Path("prepared")) == []

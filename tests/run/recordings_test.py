"""Records of a split: opened as they were prepared, and refused where the config names other rates."""

from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.recordings import data_name, open_split, recordings_dir
from vis2sound_jax.run.workdir import prepared_dir, procedural_dir, settings_of


def test_records_are_those_of_the_split_at_the_rates_of_the_config(tiny_run: Path) -> None:
    config = settings_of(tiny_run)
    assert recordings_dir(config, tiny_run) == procedural_dir(tiny_run) and data_name(config) == "procedural recordings"
    records = open_split(config, prepared_dir(tiny_run), "test")
    assert len(records) == 2 and {record["fps"] for record in records} == {config.data.fps}


def test_a_folder_that_is_missing_names_its_layout(tiny_run: Path, tmp_path: Path) -> None:
    config = settings_of(tiny_run)
    config.data.recordings = str(tmp_path / "films")
    with pytest.raises(
        UserError, match="films: there is no such folder of recordings; set config.data.recordings to a "
    ):
        recordings_dir(config, tiny_run)
    assert data_name(config) == str(tmp_path / "films")

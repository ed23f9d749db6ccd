"""The places in the folder of a run, and its settings, which a damaged or missing run does not have."""

import json
from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run import workdir


def test_every_place_lies_in_the_folder_and_is_its_own() -> None:
    run = Path("run")
    places = [
        *(workdir.procedural_dir(run), workdir.prepared_dir(run), workdir.config_path(run)),
        *(workdir.checkpoints_dir(run, folder) for folder in ("encoder", "codebook", "codebook/warmup")),
        *(workdir.mark_path(run, "encoder"), workdir.other_data_dir(run, Path("mini"))),
    ]
    assert len(set(places)) == len(places) and all(place.is_relative_to(run) for place in places)


def test_folders_of_one_name_are_told_apart_and_one_folder_is_known_by_any_path(tmp_path: Path) -> None:
    for name in ("alice", "bob"):
        (tmp_path / name / "recordings").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "bob")
    alice, bob, linked = (
        workdir.other_data_dir(tmp_path, tmp_path / name / "recordings") for name in ("alice", "bob", "link")
    )
    assert alice != bob == linked and alice.name.startswith("recordings-")


def test_settings_come_back_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"name": "demo", "mel": {"hop": 256}}))
    assert workdir.settings_of(tmp_path).mel.hop == 256


def test_a_run_that_is_not_there_or_damaged(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(UserError, match=f"{place}: there is no finished run; train one first"):
            workdir.settings_of(place)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="config.json: is damaged; run the training command again in another --workdir"):
        workdir.settings_of(tmp_path)

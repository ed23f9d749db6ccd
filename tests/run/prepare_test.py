"""Laws of preparation: the config names the recordings, and records of other rates are refused."""

import json
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from ml_collections import ConfigDict

from configs import condfoley, vis
from configs.condfoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.sources import prepared_settings
from vis2sound_jax.run.prepare import other_data, prepare_folder, run
from vis2sound_jax.run.recordings import data_name, open_split, recordings_dir
from vis2sound_jax.run.stage import listed
from vis2sound_jax.run.workdir import prepared_dir


@pytest.fixture
def config() -> ConfigDict:
    return get_config("smoke")


@pytest.fixture
def tiny_config(tiny_run: Path) -> ConfigDict:
    return ConfigDict(json.loads((tiny_run / "config.json").read_text()))


def test_made_up_recordings_lie_in_the_workdir_and_are_called_so(config: ConfigDict, tmp_path: Path) -> None:
    assert recordings_dir(config, tmp_path) == tmp_path / "data/recordings"
    assert data_name(config) == "procedural recordings"


def test_a_folder_of_recordings_is_taken_as_it_is(config: ConfigDict, tmp_path: Path) -> None:
    config.data.recordings = str(tmp_path)
    assert recordings_dir(config, tmp_path / "run") == tmp_path
    assert data_name(config) == str(tmp_path)


def test_variables_are_understood_and_must_be_set(
    config: ConfigDict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mini").mkdir()
    monkeypatch.setenv("FILMS", str(tmp_path))
    for name in ("$FILMS/mini", "${FILMS}/mini"):
        config.data.recordings = name
        assert recordings_dir(config, tmp_path / "run") == tmp_path / "mini"
    monkeypatch.delenv("FILMS")
    for name in ("$FILMS/mini", "${FILMS}/mini"):
        config.data.recordings = name
        with pytest.raises(UserError) as refused:
            recordings_dir(config, tmp_path)
        problem = "FILMS is not set in the environment; set it, or name the folder itself"
        assert str(refused.value) == f"config.data.recordings={name}: {problem}"


def test_a_folder_may_have_a_dollar_in_its_name(config: ConfigDict, tmp_path: Path) -> None:
    (tmp_path / "take$one").mkdir()
    config.data.recordings = str(tmp_path / "take$one")
    assert recordings_dir(config, tmp_path / "run") == tmp_path / "take$one"


@pytest.mark.parametrize("system", [condfoley, vis], ids=["condfoley", "vis"])
def test_the_preset_for_real_recordings_takes_a_folder_beside_the_user(
    system: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = system.get_config("greatest_hits_mini")
    monkeypatch.chdir(tmp_path)
    told = "greatest_hits_mini: there is no such folder of recordings; name one with --config.data.recordings=DIR"
    with pytest.raises(UserError, match=f"^{told}.* layout of greatest_hits; (.*README.md) shows it") as refused:
        recordings_dir(config, tmp_path / "run")
    readme = re.search(r"\S+README.md", str(refused.value))
    assert readme and "greatest_hits_mini" not in readme[0] and "train.txt" in Path(readme[0]).read_text()
    (tmp_path / "greatest_hits_mini").mkdir()
    assert recordings_dir(config, tmp_path / "run").resolve() == tmp_path / "greatest_hits_mini"


def test_home_is_understood_and_missing_folders_are_named(
    config: ConfigDict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config.data.recordings = "~"
    assert recordings_dir(config, tmp_path / "run") == tmp_path
    config.data.recordings = "~/films"
    with pytest.raises(UserError, match=f"{tmp_path}/films: there is no such folder of recordings"):
        recordings_dir(config, tmp_path)


@pytest.mark.parametrize(("train", "test"), [(3, 1), (4, 0)])
def test_a_world_too_small_is_refused_before_it_is_written(
    config: ConfigDict, tmp_path: Path, train: int, test: int
) -> None:
    config.world.train, config.world.test = train, test
    with pytest.raises(UserError, match=f"world.train is {train} and config.world.test {test}; a world needs at lea"):
        run(config, tmp_path)
    assert not list(tmp_path.iterdir())


def test_splits_hold_the_world(tiny_run: Path, tiny_config: ConfigDict) -> None:
    found = {split: list(open_split(tiny_config, prepared_dir(tiny_run), split)) for split in ("train", "test")}
    mark = json.loads((tiny_run / "stages/prepare.json").read_text())
    assert (mark["summary"]["skipped"], mark["summary"]["unannotated"]) == (0, 0)
    assert {split: len(records) for split, records in found.items()}.items() <= mark["summary"]["recordings"].items()
    ids = {split: {record["id"] for record in records} for split, records in found.items()}
    assert all(name.startswith("procedural-train-") for name in ids["train"])
    assert ids["test"] == {"procedural-test-00000", "procedural-test-00001"}


def test_who_prepares_is_asked_for_and_no_setting_of_a_stage(
    tiny_run: Path, tiny_config: ConfigDict, tmp_path: Path
) -> None:
    assert not any("prepare" in stage.reads for stage in listed(tiny_config).values())
    tiny_config.prepare.workers = -2
    with pytest.raises(UserError, match="config.prepare.workers is -2"):
        prepare_folder(tiny_config, recordings_dir(tiny_config, tiny_run), tmp_path / "out")


@pytest.mark.parametrize(("name", "value"), [("rate_hz", 16000), ("fps", 15.0), ("height", 64), ("width", 32)])
def test_records_prepared_otherwise_are_refused(
    tiny_run: Path, tiny_config: ConfigDict, name: str, value: float
) -> None:
    before = tiny_config.data[name]
    tiny_config.data[name] = value
    with pytest.raises(UserError, match=f"config.data.{name} is {value}, but .* was prepared at {before}; re-run"):
        open_split(tiny_config, prepared_dir(tiny_run), "train")


def test_nothing_prepared_is_named(tiny_config: ConfigDict, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no prepared recordings; run --job=prepare first"):
        open_split(tiny_config, prepared_dir(tmp_path), "train")


def _finished(folder: Path, config: ConfigDict) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(config.to_json())
    return folder


@pytest.fixture
def small(config: ConfigDict) -> ConfigDict:
    config.data.update(rate_hz=8000, fps=10.0, height=16, width=24)
    return config


def _films(prepared: Path, config: ConfigDict) -> list[str]:
    splits = (open_split(config, prepared, split) for split in prepared_settings(prepared)["splits"])
    return sorted(record["id"] for records in splits for record in records)


def test_recordings_elsewhere_are_known_by_their_place_and_their_files(
    small: ConfigDict, recordings: Path, ids: list[str], tmp_path: Path
) -> None:
    workdir, places = _finished(tmp_path / "run", small), [tmp_path / name / "recordings" for name in ("alice", "bob")]
    for place in places:
        shutil.copytree(recordings, place)
    (places[1] / "train.txt").write_text("\n".join(ids[:4]))
    found = []
    for place in places:
        small.data.recordings = str(place)
        found.append(other_data(small, workdir))
    assert found[0] is not None and found[1] is not None and found[0] != found[1]
    assert _films(found[0], small) == ids and _films(found[1], small) == sorted([*ids[:4], ids[5]])
    written = (found[1] / "report.json").stat().st_mtime_ns
    assert other_data(small, workdir) == found[1] and (found[1] / "report.json").stat().st_mtime_ns == written
    # One film fewer, and one annotated anew.
    (places[1] / "train.txt").write_text("\n".join(ids[:3]))
    (places[1] / f"{ids[5]}_times.txt").write_text("1.25 metal hit None\n")
    assert other_data(small, workdir) == found[1]
    assert _films(found[1], small) == sorted([*ids[:3], ids[5]])
    assert open_split(small, found[1], "test")[0]["event_time_s"].tolist() == [1.25]


def test_a_relative_name_is_the_runs_own_only_where_it_was_trained(
    small: ConfigDict, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.data.recordings = "recordings"
    workdir = _finished(tmp_path / "run", small)
    for place in ("here", "there"):
        shutil.copytree(recordings, tmp_path / place / "recordings")
    monkeypatch.chdir(tmp_path / "here")
    run(small, workdir)
    assert other_data(small, workdir) is None
    monkeypatch.chdir(tmp_path / "there")
    assert other_data(small, workdir) is not None
    # Where its recordings are not, a run is evaluated on what was prepared.
    monkeypatch.chdir(tmp_path)
    assert other_data(small, workdir) is None

"""Marks: they hold what a stage lists and nothing else, and tell finished from begun and from begun otherwise."""

import json
from pathlib import Path
from typing import Any

import pytest
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.marks import read_json, read_mark, settings_of_stage
from vis2sound_jax.run.stage import Stage

READS = ("data.rate_hz", "codebook", "mel.hop", "melody")


def config(**changes: Any) -> ConfigDict:
    made = ConfigDict({"data": {"rate_hz": 22050, "fps": 25.0}, "codebook": {"codes": 64, "levels": (1, 2)}})
    made.update_from_flattened_dict(changes)
    return made.lock()


def stage(**changes: Any) -> Stage:
    return Stage("learn", "tests.run.nowhere", "learns", reads=READS)._replace(**changes)


def write(workdir: Path, *, finished: bool, reads: Stage | None = None) -> None:
    (workdir / "stages").mkdir(exist_ok=True)
    mark = {"finished": finished, "settings": settings_of_stage(config(), reads or stage())}
    (workdir / "stages" / "learn.json").write_text(json.dumps(mark))


def test_settings_are_those_that_the_stage_lists_and_no_others() -> None:
    """Of a section that the config does not have there is nothing to hold."""
    found = settings_of_stage(config(), stage())
    assert found == {"data.rate_hz": 22050, "codebook.codes": 64, "codebook.levels": [1, 2]}


def test_only_a_finished_stage_has_a_mark(tmp_path: Path) -> None:
    assert read_mark(config(), tmp_path, stage()) is None
    write(tmp_path, finished=False)
    assert read_mark(config(), tmp_path, stage()) is None
    write(tmp_path, finished=True)
    assert read_mark(config(**{"data.fps": 15.0}), tmp_path, stage()) is not None


@pytest.mark.parametrize("finished", [False, True])
def test_other_settings_are_refused_or_forgotten(tmp_path: Path, *, finished: bool) -> None:
    write(tmp_path, finished=finished)
    other = config(**{"codebook.codes": 128})
    with pytest.raises(
        UserError, match="stage learn was begun with config.codebook.codes=64, but it is 128 now; choose"
    ):
        read_mark(other, tmp_path, stage())
    assert read_mark(other, tmp_path, stage(remade=True)) is None


def test_a_stage_that_lists_more_than_it_did_is_not_taken_for_the_same(tmp_path: Path) -> None:
    write(tmp_path, finished=True, reads=stage(reads=("codebook",)))
    with pytest.raises(UserError, match="was begun with config.data.rate_hz=None, but it is 22050 now"):
        read_mark(config(), tmp_path, stage())


def test_a_file_that_no_run_left_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mark.json").write_text("{")
    assert read_json(tmp_path / "none.json") is None
    with pytest.raises(UserError, match="mark.json: this is not a file that a run left here; delete it or choose"):
        read_json(tmp_path / "mark.json")

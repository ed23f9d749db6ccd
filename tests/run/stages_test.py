"""Stages: run once, in order, with the settings they were begun with, by one run at a time."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ml_collections import ConfigDict

from vis2sound_jax import file_lock
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.stage import Stage, listed
from vis2sound_jax.run.stages import check_before, hold, own_workdir, run_again, run_job, run_stages

ROOT = Path(__file__).parents[2]


def _config(**changes: Any) -> ConfigDict:
    config = ConfigDict(
        {
            "name": "demo",
            "stages": ("prepare", "codebook"),
            "system": "tests.run.demo_system",
            "data": {"rate_hz": 22050, "sizes": (1, 2), "recordings": "procedural"},
            "codebook": {"codes": 64},
            "evaluate": {"pairs": 24},
        }
    )
    config.update_from_flattened_dict(changes)
    return config.lock()


class Recorder:
    """Jobs that note that they ran and may fail."""

    def __init__(self, failing: str = "") -> None:
        self.ran: list[str] = []
        self.failing = failing

    def __call__(self, stage: Stage, config: ConfigDict, workdir: Path) -> dict[str, Any]:
        assert stage.name == config.stage
        self.ran.append(config.stage)
        if config.stage == self.failing:
            raise UserError("no more")
        return {"codes": config.codebook.codes}

    def run(self, workdir: Path, config: ConfigDict | None = None, **arguments: Any) -> Any:
        config = config or _config()
        return run_stages(config, workdir, listed(config), self, **arguments)


def test_stages_run_once_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder()
    first = recorder.run(tmp_path / "run")
    assert recorder.ran == ["prepare", "codebook"]
    assert recorder.run(tmp_path / "run") == first == {"prepare": {"codes": 64}, "codebook": {"codes": 64}}
    assert recorder.ran == ["prepare", "codebook"]
    assert capsys.readouterr().out.splitlines()[-1] == "codebook: finished (codes 64)"
    mark = json.loads((tmp_path / "run/stages/codebook.json").read_text())
    assert mark["settings"] == {
        "data.rate_hz": 22050,
        "data.recordings": "procedural",
        "data.sizes": [1, 2],
        "codebook.codes": 64,
    }
    assert json.loads((tmp_path / "run/config.json").read_text())["codebook"] == {"codes": 64}


def test_a_failed_stage_is_run_again_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no more"):
        Recorder(failing="codebook").run(tmp_path)
    recorder = Recorder()
    recorder.run(tmp_path)
    assert recorder.ran == ["codebook"]


def test_one_stage_alone(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.run(tmp_path, only="codebook")
    recorder.run(tmp_path)
    assert recorder.ran == ["codebook", "prepare"]


@pytest.mark.parametrize("failing", ["", "codebook"])
def test_other_settings_are_refused_before_anything_runs(tmp_path: Path, failing: str) -> None:
    try:
        Recorder(failing).run(tmp_path)
    except UserError:
        assert failing
    recorder = Recorder()
    message = r"stage codebook was begun with config.codebook.codes=64, but it is 128 now; choose another --work"
    with pytest.raises(UserError, match=message):
        recorder.run(tmp_path, _config(**{"codebook.codes": 128}))
    assert recorder.ran == []


def test_settings_of_other_stages_do_not_matter(tmp_path: Path) -> None:
    Recorder().run(tmp_path, only="prepare")
    recorder = Recorder()
    recorder.run(tmp_path, _config(**{"codebook.codes": 128}))
    assert recorder.ran == ["codebook"]


def test_a_stage_alone_never_changes_the_settings_of_another_ones_weights(tmp_path: Path) -> None:
    Recorder().run(tmp_path)
    before = (tmp_path / "config.json").read_bytes()
    recorder = Recorder()
    message = "stage codebook was begun with config.codebook.codes=64, but it is 128 now"
    with pytest.raises(UserError, match=message):
        recorder.run(tmp_path, _config(**{"codebook.codes": 128}), only="prepare")
    assert recorder.ran == [] and (tmp_path / "config.json").read_bytes() == before
    # Nor does a command that finds all finished, whatever it says of settings that nothing depends on.
    recorder.run(tmp_path, _config(stages=("prepare",)))
    assert recorder.ran == [] and (tmp_path / "config.json").read_bytes() == before


def test_an_evaluation_is_done_again_with_other_settings(tmp_path: Path) -> None:
    """Nothing is built on it; a training would be refused."""
    recorder = Recorder()
    for codes in (64, 128, 128):
        recorder.run(tmp_path, _config(stages=("prepare", "evaluate"), **{"codebook.codes": codes}))
    assert recorder.ran == ["prepare", "evaluate", "evaluate"]
    assert json.loads((tmp_path / "stages/evaluate.json").read_text())["settings"]["codebook.codes"] == 128


def test_settings_of_all_that_is_not_finished_are_looked_at_before_anything_runs(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    def look(stage: Stage, config: ConfigDict) -> None:
        seen.append((stage.name, config.stage))
        if config.codebook.codes == 65:
            raise UserError("65 codes do not divide")

    recorder = Recorder()
    with pytest.raises(UserError, match="65 codes do not divide"):
        recorder.run(tmp_path / "refused", _config(**{"codebook.codes": 65}), check=look)
    assert recorder.ran == [] and not (tmp_path / "refused/stages").exists()
    seen.clear()
    recorder.run(tmp_path / "run", only="prepare", check=look)
    recorder.run(tmp_path / "run", check=look)
    assert seen == [("prepare", "prepare"), ("codebook", "codebook")]


def test_unknown_stages_are_told(tmp_path: Path) -> None:
    config = _config(stages=("prepare", "encore"))
    with pytest.raises(UserError, match="--job=encore: there is no such job; did you mean 'codebook'"):
        Recorder().run(tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UserError, match="files of something else in it; choose another --workdir"):
        Recorder().run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
    with pytest.raises(UserError, match="photo.jpg: cannot be used as a folder"):
        Recorder().run(tmp_path / "photo.jpg")
    Recorder().run(tmp_path / "run")
    with pytest.raises(UserError, match="it holds a run of demo, not of other; choose another"):
        Recorder().run(tmp_path / "run", _config(name="other"))


@pytest.mark.parametrize("text", ["[]", "null", "3", '{"finished": true}', '{"settings": 1}', "{"])
def test_marks_and_settings_that_are_no_objects_of_ours_are_told(tmp_path: Path, text: str) -> None:
    Recorder().run(tmp_path)
    for name in ("stages/codebook.json", "config.json"):
        path = tmp_path / name
        before = path.read_text()
        path.write_text(text)
        with pytest.raises(UserError):
            Recorder().run(tmp_path)
        path.write_text(before)


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock, "take", refuse)
    with pytest.raises(UserError, match="its file system has no locks; choose a --workdir on a disk"):
        Recorder().run(tmp_path)


def test_broken_marks_are_told(tmp_path: Path) -> None:
    Recorder().run(tmp_path)
    (tmp_path / "stages/codebook.json").write_text("{")
    with pytest.raises(UserError, match="codebook.json: this is not a file that a run left here; delete it"):
        Recorder().run(tmp_path)


HOLD = """
import pathlib, sys, time
from ml_collections import ConfigDict
from vis2sound_jax.run.stages import own_workdir
with own_workdir(ConfigDict({"name": "demo"}), pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_runs_do_not_share_a_workdir_and_a_dead_one_lets_go(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    holder = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=rf"another run \(process {holder.pid}\) is using it; wait for it"):
        Recorder().run(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with own_workdir(_config(), tmp_path):
        pass


def test_a_job_that_is_no_stage_leaves_no_mark(tmp_path: Path) -> None:
    recorder = Recorder()
    assert run_job(_config(), tmp_path, listed(_config())["onsets"], recorder) == {"codes": 64}
    assert recorder.ran == ["onsets"]
    assert list(tmp_path.iterdir()) == []


def test_a_job_by_name_is_refused_where_a_stage_that_it_builds_on_was_begun_otherwise(tmp_path: Path) -> None:
    def job(_: Stage, config: ConfigDict, workdir: Path) -> dict[str, Any]:
        check_before(config, workdir)
        return {}

    codebook = listed(_config())["codebook"]
    Recorder().run(tmp_path)
    run_job(_config(**{"codebook.codes": 128}), tmp_path, codebook, job)
    with pytest.raises(UserError, match="stage prepare was begun with config.data.rate_hz=22050, but it is 16000 now"):
        run_job(_config(**{"data.rate_hz": 16000}), tmp_path, codebook, job)
    run_job(_config(**{"data.rate_hz": 16000}), tmp_path / "nothing begun", codebook, job)


def test_what_is_asked_for_by_name_is_done_again_and_its_mark_stays_true(tmp_path: Path) -> None:
    """Otherwise a later run would print the old numbers beside the new files."""
    stages, recorder = ("prepare", "evaluate"), Recorder()
    evaluate = listed(_config())["evaluate"]
    recorder.run(tmp_path, _config(stages=stages))
    assert run_again(_config(), tmp_path, evaluate, recorder) == {"codes": 64}
    run_again(_config(**{"evaluate.pairs": 4}), tmp_path, evaluate, recorder)
    assert recorder.ran == ["prepare", "evaluate", "evaluate", "evaluate"]
    mark = tmp_path / "stages/evaluate.json"
    assert json.loads(mark.read_text())["settings"]["evaluate.pairs"] == 4
    recorder.run(tmp_path, _config(stages=stages))
    assert recorder.ran[-2:] == ["evaluate", "evaluate"] and len(recorder.ran) == 5
    with pytest.raises(UserError, match="no more"):
        run_again(_config(), tmp_path, evaluate, Recorder(failing="evaluate"))
    assert not json.loads(mark.read_text())["finished"]
    before = mark.read_bytes()
    with pytest.raises(UserError, match="stage prepare was begun with config.data.rate_hz=22050, but it is 16000 now"):
        run_again(_config(**{"data.rate_hz": 16000}), tmp_path, evaluate, recorder)
    assert mark.read_bytes() == before
    with pytest.raises(UserError, match="there is no finished run"):
        run_again(_config(), tmp_path / "none", evaluate, recorder)
    assert not (tmp_path / "none").exists()


def test_recordings_that_a_run_was_not_trained_on_leave_no_mark(tmp_path: Path) -> None:
    recorder, evaluate = Recorder(), listed(_config())["evaluate"]
    recorder.run(tmp_path, _config(**{"data.recordings": "procedural"}))
    files = sorted(path for path in tmp_path.rglob("*"))
    run_again(_config(**{"data.recordings": "elsewhere"}), tmp_path, evaluate, recorder)
    assert recorder.ran[-1] == "evaluate" and sorted(path for path in tmp_path.rglob("*")) == files


def test_what_writes_into_a_workdir_waits_for_nobody_else_there(tmp_path: Path) -> None:
    Recorder().run(tmp_path)
    stages, recorder = listed(_config()), Recorder()
    with hold(tmp_path):
        for job in (stages["evaluate"], stages["onsets"]._replace(in_workdir=True)):
            with pytest.raises(UserError, match=r"another run \(process \d+\) is using it; wait for it"):
                run_again(_config(), tmp_path, job, recorder) if job.remade else run_job(
                    _config(), tmp_path, job, recorder
                )
        assert run_job(_config(), tmp_path, stages["onsets"], recorder) == {"codes": 64}
    assert recorder.ran == ["onsets"]


@pytest.mark.parametrize("name", ["lost+found", ".DS_Store", "System Volume Information", "@eaDir"])
def test_a_new_volume_may_be_a_workdir(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert Recorder().run(tmp_path, only="prepare") == {"prepare": {"codes": 64}}


def test_a_workdir_that_cannot_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UserError, match=r"cannot be used as a folder \(Permission denied\); choose another --workdir"):
        Recorder().run(tmp_path / "run")


@pytest.mark.parametrize("system", ["condfoley", "vis"])
def test_films_are_made_again_with_other_settings_and_no_training_is(system: str) -> None:
    """A finished run draws its films anew; nothing is built on them, nor on tables."""
    stages = listed(ConfigDict({"system": system}))
    assert {name for name, stage in stages.items() if stage.remade} == {"evaluate", "generate"}

"""Laws of the ways to prepare: the same files, and an interrupted call goes on with what is finished."""

import dataclasses
import hashlib
import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import vis2sound_jax
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare import dataset as prepare_module
from vis2sound_jax.prepare import shards, workers
from vis2sound_jax.prepare.builders import BuilderSpec
from vis2sound_jax.prepare.dataset import prepare
from vis2sound_jax.prepare.shards import cut_shards
from vis2sound_jax.prepare.sources import open_records
from vis2sound_jax.prepare.workers import Work, worker_count

ROOT = Path(vis2sound_jax.__file__).parents[1]
WAYS = {
    "pool": {"workers": 2},
    "beam": {"beam": "--runner=DirectRunner"},
    "beam_workers": {"beam": "--runner=DirectRunner --direct_running_mode=multi_processing --direct_num_workers=2"},
}


def files(folder):
    """Digests of all files; the report without the time it took."""
    report = json.loads((folder / "report.json").read_text()) | {"wall_s": 0}
    paths = (path for path in sorted(folder.rglob("*")) if path.name != "report.json")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths} | {"report.json": report}


@pytest.fixture
def bad_films(recordings, ids, tmp_path, monkeypatch):
    """The six recordings, of which a broken one fills a shard and a missing one half of the last."""
    monkeypatch.setattr(shards, "RECORDINGS_PER_SHARD", 2)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = shutil.copytree(recordings, tmp_path / "films")
    lists = {"train": [*ids[:3], "broken", "lost"], "test": [ids[5]]}
    for split, names in lists.items():
        (folder / f"{split}.txt").write_text("\n".join(names))
    shutil.copy(folder / f"{ids[0]}_times.txt", folder / "broken_times.txt")
    (folder / "broken_denoised.mp4").write_bytes(b"no film")
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_every_way_writes_the_same_files(bad_films, form, tmp_path, way):
    common, seen = {"form": form, "max_bad_share": 0.5}, []
    prepare("greatest_hits", bad_films, tmp_path / "plain", **common, progress=lambda *_: None)
    report = prepare(
        *("greatest_hits", bad_films, tmp_path / way),
        **common,
        **WAYS[way],
        progress=lambda done, total: seen.append((done, total)),
    )
    assert files(tmp_path / way) == files(tmp_path / "plain")
    assert {one["id"] for one in report.skipped} == {"broken", "lost"}
    assert seen == sorted(set(seen)) and seen[-1] == (6, 6)
    stored = [
        record["id"] for split in ("train", "validation", "test") for record in open_records(tmp_path / way, split)
    ]
    assert len(stored) == len(set(stored)) == 4


def test_a_killed_call_goes_on_with_its_finished_shards(prepared, recordings, form, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "RECORDINGS_PER_SHARD", 1)
    output, unfinished = tmp_path / "out", tmp_path / ".out.partial"
    code = (
        "import os, signal; from pathlib import Path; from vis2sound_jax.prepare import shards\n"
        "from vis2sound_jax.prepare.dataset import prepare; from vis2sound_jax.video.form import MediaForm\n"
        "shards.RECORDINGS_PER_SHARD = 1\n"
        f"facts = Path({str(unfinished)!r}) / 'facts'\n"
        "def kill(done, total):\n    if any(facts.iterdir()): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"prepare('greatest_hits', {str(recordings)!r}, {str(output)!r}, workers=2, progress=kill, form={form!r})"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL and not output.exists()
    finished = {path.stem: path.stat().st_mtime_ns for path in (unfinished / "facts").iterdir()}
    stamps = {path.name: path.stat().st_mtime_ns for path in (unfinished / "records").iterdir()}
    assert finished
    prepare("greatest_hits", recordings, output, form=form, progress=lambda *_: None)
    made = {name: (output / f"greatest_hits-{name.replace('-', '.array_record-')}") for name in finished}
    assert all(path.stat().st_mtime_ns == stamps[path.name] for path in made.values())
    ids = [[record["id"] for record in open_records(folder, "train")] for folder in (output, prepared)]
    assert ids[0] == ids[1] and not unfinished.exists()


def test_a_killed_worker_is_reported_and_its_work_taken_up(prepared, recordings, form, tmp_path, monkeypatch):
    def kill(work):
        for child in multiprocessing.active_children():
            child.kill()
        return 0

    arguments = ("greatest_hits", recordings, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(Work, "counted", kill)
        with pytest.raises(UserError, match="was killed.*run the same command again.*config.prepare.workers below 2"):
            prepare(*arguments, form=form, workers=2)
    assert [path.name for path in tmp_path.iterdir()] == [".out.partial"]
    prepare(*arguments, form=form, workers=2)
    assert files(tmp_path / "out") == files(prepared)


def test_an_error_ends_the_workers_and_other_settings_begin_again(prepared, recordings, form, tmp_path, monkeypatch):
    def interrupt(work):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Work, "counted", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare("greatest_hits", recordings, tmp_path / "out", form=dataclasses.replace(form, fps=5), workers=2)
    assert not multiprocessing.active_children()
    prepare("greatest_hits", recordings, tmp_path / "out", form=form)
    assert files(tmp_path / "out") == files(prepared)


def test_a_worker_needs_no_jax():
    code = (
        "import sys; from vis2sound_jax.prepare import builders, workers\n"
        "builders.load_builder_module('greatest_hits'); sys.exit(bool({'jax', 'apache_beam'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_workers_are_as_many_as_asked_for_shards_and_recordings(monkeypatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 8)

    def work(recordings):
        return Work(BuilderSpec("greatest_hits", {}), Path(), cut_shards({"train": ["film"] * recordings}))

    assert [worker_count(asked, work(1000)) for asked in (-1, 0, 1, 3, 100)] == [8, 0, 1, 3, 63]
    assert [worker_count(-1, work(recordings)) for recordings in (12, 64, 128)] == [0, 2, 4]
    with pytest.raises(UserError, match="config.prepare.workers is -2; set a number"):
        worker_count(-2, work(1))


def test_beam_is_asked_for_where_it_is_missing(recordings, form, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"Apache Beam is not installed; run pip install -e .\[beam\]"):
        prepare("greatest_hits", recordings, tmp_path / "out", form=form, beam="--runner=DirectRunner")


def test_options_that_beam_refuses_are_named(recordings, form, tmp_path):
    with pytest.raises(UserError, match="config.prepare.beam is '--runner=NoRunner', which Beam refuses"):
        prepare("greatest_hits", recordings, tmp_path / "out", form=form, beam="--runner=NoRunner")

import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tensorflow_datasets.core import shuffle

import vis2sound_jax
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare import shards
from vis2sound_jax.prepare.builders import load_builder_module
from vis2sound_jax.prepare.dataset import prepare
from vis2sound_jax.prepare.sources import open_records


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.array_record*")}


def test_every_recording_is_stored_once_and_the_report_counts_them(prepared, form, ids):
    report = json.loads((prepared / "report.json").read_text())
    assert report["recordings"] == {"train": 4, "validation": 1, "test": 1}
    assert report["sound_sources"] == {"wav": 1, "video": 5}
    assert (report["events"], report["skipped"], report["unlisted"]) == (18, [], [])
    assert report["settings"] == {"split": "official", **dataclasses.asdict(form)}
    stored = [r["id"] for split in ("train", "validation", "test") for r in open_records(prepared, split)]
    assert sorted(stored) == ids


def test_bad_recordings_are_listed_and_the_rest_is_stored(recordings, form, ids, write_flashing_film, tmp_path):
    folder = tmp_path / "films"
    shutil.copytree(recordings, folder)
    (folder / f"{ids[1]}_denoised.mp4").write_bytes(b"")
    (folder / f"{ids[2]}_times.txt").write_text("0.5 wood hit None\n1.5 wood\n")
    (folder / f"{ids[3]}_denoised.mp4").unlink()
    write_flashing_film(folder / f"{ids[4]}_denoised.mp4", silent=True)
    (folder / f"{ids[5]}_denoised.mp4").write_bytes(b"not a film" * 100)
    (folder / "test.txt").write_text(f"{ids[5]}\nx")
    shutil.copy(folder / f"{ids[0]}_denoised.mp4", folder / "y_denoised.mp4")
    report = prepare("greatest_hits", folder, tmp_path / "out", form=form, max_bad_share=1, progress=print)
    reasons = {entry["id"]: entry["reason"] for entry in report.skipped}
    assert set(reasons) == {*ids[1:], "x"}
    assert "line 2 is '1.5 wood'" in reasons[ids[2]]
    assert "is missing" in reasons[ids[3]] and "is missing" in reasons["x"]
    assert "has no sound" in reasons[ids[4]]
    assert (report.unlisted, sum(report.recordings.values())) == (["y"], 1)


def test_too_many_bad_recordings_stop_the_build_until_they_are_repaired(prepared, recordings, form, ids, tmp_path):
    folder, film = tmp_path / "films", f"{ids[2]}_denoised.mp4"
    shutil.copytree(recordings, folder)
    (folder / film).write_bytes(b"")
    with pytest.raises(UserError, match=f"1 of 6 .*max_bad_share=0.05.*{ids[2]}_denoised.mp4"):
        prepare("greatest_hits", folder, tmp_path / "out", form=form)
    assert not (tmp_path / "out").exists()
    shutil.copy(recordings / film, folder)
    prepare("greatest_hits", folder, tmp_path / "out", form=form)
    assert digests(tmp_path / "out") == digests(prepared)
    assert {path.name for path in tmp_path.iterdir()} == {"films", "out"}


def test_a_second_run_writes_the_same_bytes_and_replaces_the_first(prepared, recordings, form, tmp_path):
    output = tmp_path / "again"
    for fps in (5, form.fps):
        prepare("greatest_hits", recordings, output, form=dataclasses.replace(form, fps=fps))
    assert digests(output) == digests(prepared)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_other_files_are_never_replaced(recordings, form, tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="holds other files"):
        prepare("greatest_hits", recordings, tmp_path, form=form)


def test_no_shuffle_buffer_and_any_number_of_shards(recordings, prepared, form, tmp_path, monkeypatch):
    # TFDS's own writer would spill here, and ask for TensorFlow.
    monkeypatch.setattr(shuffle, "MAX_MEM_BUFFER_SIZE", 100)
    monkeypatch.setattr(shards, "RECORDINGS_PER_SHARD", 1)
    prepare("greatest_hits", recordings, tmp_path / "out", form=form)
    assert len(digests(tmp_path / "out")) == 6
    many, few = open_records(tmp_path / "out", "train"), open_records(prepared, "train")
    assert [record["id"] for record in many] == [record["id"] for record in few]


def test_tensorflow_is_never_imported(recordings, tmp_path):
    code = (
        "import sys; from vis2sound_jax.prepare.dataset import prepare\n"
        "from vis2sound_jax.prepare.sources import open_records; from vis2sound_jax.video.form import MediaForm\n"
        f"prepare('greatest_hits', {str(recordings)!r}, {str(tmp_path / 'out')!r}, form=MediaForm(8000, 5, 16, 24))\n"
        f"open_records({str(tmp_path / 'out')!r}, 'train')[0]\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    root = Path(vis2sound_jax.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=root)


def test_tfds_itself_can_drive_the_builder(recordings, form, hits_s, tmp_path):
    module = load_builder_module("greatest_hits")
    config = module.Config(recordings_dir=str(recordings), form=form)
    builder = module.Builder(data_dir=tmp_path, config=config)
    builder.download_and_prepare()
    example = builder.as_data_source("test")[0]
    np.testing.assert_allclose(example["event_time_s"], hits_s)


def test_unknown_builder_and_split_are_named(recordings, tmp_path):
    with pytest.raises(UserError, match="no such builder; name one of clips_by_class, countix_av, greatest_hits"):
        load_builder_module("lesser_hits")
    with pytest.raises(UserError, match="split is 'mine', but greatest_hits has official"):
        prepare("greatest_hits", recordings, tmp_path / "out", split="mine")
    with pytest.raises(UserError, match="holds no <id>_denoised.mp4"):
        prepare("greatest_hits", tmp_path, tmp_path / "out")


def test_countix_records_carry_class_and_segments(form, write_flashing_film, tmp_path):
    module = load_builder_module("countix_av")
    clips = {split: next(iter(rows.items())) for split, rows in module.read_clips().items()}
    folder = tmp_path / "clips" / "some class"
    folder.mkdir(parents=True)
    for name, _ in clips.values():
        film, start, end = name.rsplit("_", 2)
        write_flashing_film(folder / f"{film}_{int(start):06d}_{int(end):06d}.mp4")
    report = prepare("countix_av", tmp_path / "clips", tmp_path / "out", form=form, max_bad_share=1)
    assert report.recordings == {"train": 1, "validation": 1, "test": 1}
    record = open_records(tmp_path / "out", "validation")[0]
    name, facts = clips["val"]
    assert (record["id"], record["label"], record["event_material"]) == (name, facts["class"], [])
    stored = np.column_stack([record["segment_s"], record["segment_count"]])
    np.testing.assert_allclose(stored, facts["segments"], rtol=1e-6)

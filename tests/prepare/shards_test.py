"""Laws of a shard: cut by place, written as TFDS writes it, whole or not there, few recordings in memory."""

import dataclasses
import os
import shutil
from pathlib import Path

import pytest
import tensorflow_datasets as tfds
from array_record.python.array_record_data_source import ArrayRecordDataSource
from tensorflow_datasets.proto import tf_example_pb2

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare import shards
from vis2sound_jax.prepare.builders import BuilderSpec
from vis2sound_jax.prepare.shards import ShardFacts, ShardJob, cut_shards, make_shard
from vis2sound_jax.prepare.unfinished import hold_unfinished


@pytest.fixture
def films(recordings, tmp_path):
    return shutil.copytree(recordings, tmp_path / "films")


@pytest.fixture
def spec(films, form):
    return BuilderSpec("greatest_hits", {"recordings_dir": str(films), "form": form})


@pytest.fixture
def job(ids):
    return ShardJob("train", 0, tuple(ids[:4]))


@pytest.fixture
def folder(spec, job, tmp_path):
    with hold_unfinished(tmp_path / "out", spec, [job]) as found:
        yield found


def only_file(folder):
    (found,) = (folder / "records").iterdir()
    return found


def tf_examples(path):
    return [tf_example_pb2.Example.FromString(data) for data in ArrayRecordDataSource(str(path))]


def test_lists_are_cut_by_place(monkeypatch):
    monkeypatch.setattr(shards, "RECORDINGS_PER_SHARD", 2)
    assert [(job.name, job.ids) for job in cut_shards({"train": list("abcde"), "validation": [], "test": ["f"]})] == [
        ("train-00000", ("a", "b")),
        ("train-00001", ("c", "d")),
        ("train-00002", ("e",)),
        ("test-00000", ("f",)),
    ]


def test_a_shard_is_what_tfds_own_writer_writes(spec, folder, job, tmp_path):
    builder = spec.open(tmp_path / "tfds")
    facts = make_shard(builder, folder, job, lambda: None)
    os.makedirs(builder.data_dir)
    writer = tfds.core.SequentialWriter(builder.info, len(job.ids), file_format="array_record")
    writer.initialize_splits(["train"])
    writer.add_examples({"train": [builder.encode(name) for name in job.ids]})
    writer.close_all()
    theirs = tf_examples(Path(builder.data_dir) / only_file(folder).name)
    assert tf_examples(only_file(folder)) == theirs and len(theirs) == 4
    assert facts.record_bytes == builder.info.splits["train"].num_bytes


def test_a_finished_shard_is_kept_while_its_files_are_the_same(spec, folder, films, job):
    builder, ticks = spec.open(folder), []

    def stamp(count):
        ticks.clear()
        facts = make_shard(builder, folder, job, lambda: ticks.append(1))
        assert len(ticks) == len(job.ids) and facts == ShardFacts.load(folder, job)
        assert len(facts.ids) == count and list((folder / "writing").iterdir()) == []
        return only_file(folder).stat().st_mtime_ns

    first = stamp(4)
    assert stamp(4) == first
    only_file(folder).write_bytes(b"half")
    second = stamp(4)
    assert second != first
    times = films / f"{job.ids[0]}_times.txt"
    lines = times.read_text()
    times.write_text("nonsense")
    third = stamp(3)
    assert third != second and stamp(3) == third
    times.write_text(lines)
    assert stamp(4) != third


def test_a_recording_left_out_moves_no_other(spec, folder, films, job):
    for name in job.ids:
        (films / f"{name}_times.txt").write_text("nonsense")
    facts = make_shard(spec.open(folder), folder, job, lambda: None)
    assert facts.ids == [] and [one["id"] for one in facts.skipped] == list(job.ids)
    assert only_file(folder).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ids": []}'])
def test_facts_that_a_power_cut_left_half_written_count_as_not_there(spec, folder, job, text):
    builder = spec.open(folder)
    facts = make_shard(builder, folder, job, lambda: None)
    (folder / "facts" / f"{job.name}.json").write_text(text)
    assert ShardFacts.load(folder, job) is None
    assert make_shard(builder, folder, job, lambda: None) == facts == ShardFacts.load(folder, job)


def test_facts_count_what_the_records_hold(spec, folder, films, job):
    (films / f"{job.ids[0]}_times.txt").unlink()
    (films / f"{job.ids[1]}_times.txt").write_text("1 wood hit None\n9 wood hit None\n")
    facts = make_shard(spec.open(folder), folder, job, lambda: None)
    assert (facts.annotated, facts.events, facts.late_events) == (3, 8, 1)
    assert facts.sound_sources == {"wav": 1, "video": 3} and facts.duration_s == pytest.approx(20.0)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_recordings_are_in_memory_than_threads_and_one(spec, folder, job, ids, threads, monkeypatch):
    builder, begun, written, most = spec.open(folder), [], [], []
    encode = builder.encode

    def counted(name):
        begun.append(name)
        most.append(len(begun) - len(written))
        return encode(name)

    monkeypatch.setattr(builder, "encode", counted)
    job = dataclasses.replace(job, ids=tuple(ids))
    make_shard(builder, folder, job, lambda: written.append(1), threads=threads)
    assert len(most) == len(ids) and max(most) <= threads + 1


def test_a_failure_leaves_no_shard(spec, folder, job, monkeypatch):
    builder = spec.open(folder)
    monkeypatch.setattr(builder, "encode", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_shard(builder, folder, job, lambda: None)
    assert not list((folder / "records").iterdir()) and ShardFacts.load(folder, job) is None


def test_two_preparations_of_one_output_do_not_meet(spec, folder, job, tmp_path):
    with pytest.raises(UserError, match="out: another process is preparing it"):
        with hold_unfinished(tmp_path / "out", spec, [job]):
            pass

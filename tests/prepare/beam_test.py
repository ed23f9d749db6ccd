"""Laws of Beam's way: a shard for every job, also a second time, and refused options are named."""

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.beam import run_beam
from vis2sound_jax.prepare.builders import BuilderSpec
from vis2sound_jax.prepare.shards import ShardFacts, ShardJob
from vis2sound_jax.prepare.unfinished import hold_unfinished
from vis2sound_jax.prepare.workers import Work


@pytest.fixture
def work(recordings, ids, form, tmp_path):
    spec = BuilderSpec("greatest_hits", {"recordings_dir": str(recordings), "form": form})
    jobs = [ShardJob("train", number, (ids[number],)) for number in range(2)]
    with hold_unfinished(tmp_path / "out", spec, jobs) as folder:
        yield Work(spec, folder, jobs)


def test_every_job_becomes_a_shard_and_a_second_run_keeps_them(work):
    stamps = []
    for _ in range(2):
        run_beam(work, "--runner=DirectRunner", reach=lambda done: None)
        facts = [ShardFacts.load(work.folder, job) for job in work.jobs]
        assert [found.ids for found in facts] == [list(job.ids) for job in work.jobs]
        assert work.counted() == 2
        stamps.append([path.stat().st_mtime_ns for path in sorted((work.folder / "records").iterdir())])
    assert stamps[0] == stamps[1]


def test_refused_options_are_named_with_the_setting(work):
    with pytest.raises(UserError, match="config.prepare.beam is '--runner=No', which Beam refuses: .*; correct the"):
        run_beam(work, "--runner=No", reach=lambda done: None)
    assert not list((work.folder / "records").iterdir())

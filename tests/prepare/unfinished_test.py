"""Laws of the folder of an unfinished preparation: what fits is kept, the rest goes, and one process holds it."""

import errno
import fcntl

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare import unfinished
from vis2sound_jax.prepare.builders import BuilderSpec
from vis2sound_jax.prepare.shards import ShardJob
from vis2sound_jax.prepare.unfinished import hold_unfinished, put_in_place, unfinished_path

JOBS = [ShardJob("train", 0, ("a", "b"))]


@pytest.fixture
def spec(form):
    return BuilderSpec("greatest_hits", {"recordings_dir": "films", "form": form})


@pytest.fixture
def begun(spec, tmp_path):
    """A preparation that was interrupted with one finished shard and one half written."""
    with hold_unfinished(tmp_path / "out", spec, JOBS) as folder:
        (folder / "records" / "shard").write_text("finished")
        (folder / "facts" / "train-00000.json").write_text("{}")
        (folder / "writing" / "half").write_text("half")
    return folder


def finished(folder):
    return (folder / "records" / "shard").exists(), (folder / "facts" / "train-00000.json").exists()


def test_it_stands_hidden_beside_the_output(begun, tmp_path):
    assert begun == unfinished_path(tmp_path / "out") == tmp_path / ".out.partial"


def test_finished_shards_are_kept_and_half_written_ones_deleted(begun, spec, tmp_path):
    with hold_unfinished(tmp_path / "out", spec, JOBS) as folder:
        assert finished(folder) == (True, True) and not list((folder / "writing").iterdir())


@pytest.mark.parametrize("change", ["builder", "settings", "lists", "form of records", "version"])
def test_what_was_begun_otherwise_is_deleted(begun, spec, tmp_path, monkeypatch, change):
    jobs = JOBS
    if change == "builder":
        spec = BuilderSpec("countix_av", spec.settings)
    elif change == "settings":
        spec = BuilderSpec(spec.name, {**spec.settings, "recordings_dir": "others"})
    elif change == "lists":
        jobs = [ShardJob("train", 0, ("a",))]
    elif change == "version":
        monkeypatch.setattr(unfinished.vis2sound_jax, "__version__", "0.0.0")
    else:
        monkeypatch.setattr(unfinished, "RECORD_FORM", unfinished.RECORD_FORM + 1)
    with hold_unfinished(tmp_path / "out", spec, jobs) as folder:
        assert finished(folder) == (False, False)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_named(spec, tmp_path, monkeypatch, code):
    def refuse(*_):
        raise OSError(code, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match="out: its file system has no locks; prepare on a local disk") as caught:
        with hold_unfinished(tmp_path / "out", spec, JOBS):
            pass
    assert caught.value.path == tmp_path / "out"


def test_other_failures_of_the_lock_are_no_mistake_of_the_user(spec, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="broken disk"):
        with hold_unfinished(tmp_path / "out", spec, JOBS):
            pass


def test_the_lock_goes_with_an_error(spec, tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            with hold_unfinished(tmp_path / "out", spec, JOBS):
                1 / 0  # noqa: B018  Any error will do.


def test_finished_records_replace_the_output_and_nothing_is_left(begun, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (output / "old").write_text("old")
    put_in_place(begun, output)
    assert [path.name for path in output.iterdir()] == ["shard"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_output_lost_between_two_renames_comes_back(begun, spec, tmp_path):
    (begun / "replaced").mkdir()
    (begun / "replaced" / "old").write_text("old")
    with hold_unfinished(tmp_path / "out", spec, JOBS):
        assert (tmp_path / "out" / "old").read_text() == "old"

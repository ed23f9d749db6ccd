"""Laws of the Greatest Hits builder: annotation is optional, times are seconds, ids are names in the folder."""

import os
import shutil

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import BuilderSpec, load_builder_module
from vis2sound_jax.prepare.dataset import prepare
from vis2sound_jax.prepare.sources import open_records

hits = load_builder_module("greatest_hits")


@pytest.fixture
def films(recordings, tmp_path):
    return shutil.copytree(recordings, tmp_path / "films")


@pytest.fixture
def builder(films, form, tmp_path):
    return BuilderSpec("greatest_hits", {"recordings_dir": str(films), "form": form}).open(tmp_path / "out")


def test_without_times_nobody_looked_and_with_empty_times_nothing_was_there(films, form, ids, tmp_path):
    (films / f"{ids[0]}_times.txt").unlink()
    (films / f"{ids[1]}_times.txt").write_text("")
    report = prepare("greatest_hits", films, tmp_path / "out", form=form, progress=lambda *_: None)
    records = {
        record["id"]: record
        for split in ("train", "validation", "test")
        for record in open_records(tmp_path / "out", split)
    }
    assert [records[name]["annotated"] for name in ids] == [False, True, True, True, True, True]
    assert [len(records[name]["event_time_s"]) for name in ids] == [0, 0, 3, 3, 3, 3]
    assert records[ids[0]]["event_material"] == []
    np.testing.assert_allclose(records[ids[0]]["span_s"], [0, records[ids[0]]["duration_s"]])
    assert (report.annotated, report.events, sum(report.recordings.values())) == (5, 12, 6)


def test_unlabelled_events_keep_the_word_none(films, builder, ids):
    (films / f"{ids[0]}_times.txt").write_text("1.0 None None None\n2.0 wood hit static\n")
    record = builder.encode(ids[0])
    assert record["event_material"] == ["None", "wood"] and record["event_reaction"] == ["None", "static"]


@pytest.mark.parametrize("lines,refused", [("800\n2000\n3500", "3 of 3"), ("0.5\n12\n20", "2 of 3"), ("0.5\n12", "")])
def test_times_in_other_units_are_refused_and_a_few_late_ones_are_not(films, builder, ids, lines, refused):
    path = films / f"{ids[0]}_times.txt"
    path.write_text("".join(f"{time} wood hit None\n" for time in lines.split()))
    if refused:
        message = rf"_times.txt: {refused} events lie after the end of the film \(5.00 s\); write times in seconds"
        with pytest.raises(UserError, match=message) as caught:
            builder.encode(ids[0])
        assert caught.value.path == path
    else:
        np.testing.assert_array_equal(builder.encode(ids[0])["event_time_s"], np.float32([0.5, 12.0]))


def test_the_report_counts_late_events(films, form, ids, tmp_path):
    (films / f"{ids[0]}_times.txt").write_text("0.5 wood hit None\n4.9 wood hit None\n5.5 wood hit None\n")
    report = prepare("greatest_hits", films, tmp_path / "out", form=form, progress=lambda *_: None)
    assert (report.events, report.late_events) == (18, 1)


@pytest.mark.parametrize("name", ["../elsewhere/secret", "/etc/secret", "a\\b", "a\x07b", "..", "\udce9"])
@pytest.mark.parametrize("listed", ["train.txt", "test.txt"])
def test_an_id_that_is_a_path_is_refused(films, builder, name, listed):
    (films / listed).write_bytes(os.fsencode(f"scene-1\n\n{name}\n"))
    match = f"{listed}: line 3: .* is no id; write the name of a recording of this f"
    with pytest.raises(UserError, match=match) as caught:
        builder.recording_ids()
    assert caught.value.path == films / listed


def test_an_id_that_stands_twice_is_refused(films, builder, ids):
    (films / "test.txt").write_bytes(f"\ufeff{ids[5]}\r\n\r\n{ids[5]}\r\n".encode())
    with pytest.raises(UserError, match=f"test.txt: lists {ids[5]} twice, in lines 1 and 3; keep each id once"):
        builder.recording_ids()


def test_missing_times_are_an_error_only_where_they_are_read(tmp_path):
    with pytest.raises(UserError, match="a_times.txt: is missing; write one line per event; an empty file says that"):
        hits.read_times(tmp_path / "a_times.txt")


def test_files_of_the_system_are_no_recordings(films, builder, ids):
    for name in (f"._{ids[0]}", ".hidden"):
        (films / f"{name}_denoised.mp4").write_bytes(b"resource fork")
    assert builder.unlisted_ids() == []

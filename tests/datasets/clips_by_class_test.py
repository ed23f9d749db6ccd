"""Laws of the builder of clips by class: lists, splits by source, contacts, what bad folders get."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import BuilderSpec, load_builder_module
from vis2sound_jax.prepare.records import record_from_example

clips_by_class = load_builder_module("clips_by_class")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Names alone: lists look at no film."""
    names = [f"rain/video_{k:05d}" for k in range(10)] + ["dog/abc_1_6", "dog/abc_6_11", "dog/xy_z_0_5"]
    for name in names:
        path = tmp_path / "films" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "films"


@pytest.fixture
def open_builder(form: Any, tmp_path: Path) -> Callable[..., Any]:
    def build(folder: Path, **settings: str) -> Any:
        spec = BuilderSpec("clips_by_class", {"recordings_dir": str(folder), "form": form, **settings})
        return spec.open(tmp_path / "out")

    return build


@pytest.mark.parametrize(
    ("clip", "source"),
    [("abc_1_6", "abc"), ("a_b_30.5_35.5", "a_b"), ("video_00012", "video_00012"), ("a", "a"), ("1_2", "1_2")],
)
def test_the_name_of_a_clip_says_its_film(clip: str, source: str) -> None:
    assert clips_by_class.source_of(clip) == source


def test_clips_of_one_film_are_on_one_side(folder: Path, open_builder: Callable[..., Any]) -> None:
    ids = open_builder(folder).recording_ids()
    assert ids == open_builder(folder, split="by_source").recording_ids()
    assert sorted(ids["train"] + ids["test"]) == sorted(f"{p.parent.name}/{p.stem}" for p in folder.rglob("*.mp4"))
    assert sum(name.startswith("rain/") for name in ids["test"]) == 2
    sides = [{name in ids["test"] for name in ("dog/abc_1_6", "dog/abc_6_11")}, {"dog/xy_z_0_5" in ids["test"]}]
    assert sides in ([{True}, {False}], [{False}, {True}])


def test_lists_are_followed_and_what_they_leave_out_is_told(folder: Path, open_builder: Callable[..., Any]) -> None:
    (folder / "train.txt").write_text("rain/video_00001\ndog/abc_1_6\n")
    (folder / "test.txt").write_text("rain/video_00002\n")
    builder = open_builder(folder)
    assert builder.recording_ids() == {"train": ["rain/video_00001", "dog/abc_1_6"], "test": ["rain/video_00002"]}
    assert len(builder.unlisted_ids()) == 10
    (folder / "test.txt").write_text("video_00002\n")
    with pytest.raises(UserError, match="lists 'video_00002'; write <class>/<clip>"):
        builder.recording_ids()


def test_a_record_has_its_class_and_its_contacts(
    tmp_path: Path, write_flashing_film: Callable[..., Any], open_builder: Callable[..., Any]
) -> None:
    (tmp_path / "films/clock").mkdir(parents=True)
    write_flashing_film(tmp_path / "films/clock/a.mp4")
    write_flashing_film(tmp_path / "films/clock/b.mp4")
    (tmp_path / "films/clock/a_times.txt").write_text("0.75\n0.25\n")
    builder = open_builder(tmp_path / "films")
    encoded = builder.encode("clock/a")
    assert set(encoded) == set(builder.features())
    record = record_from_example(encoded)
    assert record["label"] == "clock" and record["annotated"]
    np.testing.assert_allclose(record["event_time_s"], [0.25, 0.75])
    assert [path.name for path in builder.source_files("clock/a")] == ["a.mp4", "a_times.txt"]
    other = record_from_example(builder.encode("clock/b"))
    assert not other["annotated"] and not len(other["event_time_s"])
    (tmp_path / "films/clock/a_times.txt").write_text("soon\n")
    with pytest.raises(UserError, match="has a line that is no number; write seconds, one a line"):
        builder.encode("clock/a")
    (tmp_path / "films/clock/a_times.txt").write_text("-1\n")
    with pytest.raises(UserError, match="has the time -1; write seconds from the begin"):
        builder.encode("clock/a")


def test_bad_folders_are_named(tmp_path: Path, folder: Path, open_builder: Callable[..., Any]) -> None:
    (tmp_path / "none/rain").mkdir(parents=True)
    with pytest.raises(UserError, match="none: holds no <class>/<clip>.mp4; name a folder that has"):
        open_builder(tmp_path / "none").recording_ids()
    (folder / "cat").mkdir()
    with pytest.raises(UserError, match=r"cat: holds no film; put films there \(.mp4, .*\), or remove the folder"):
        open_builder(folder).recording_ids()
    (folder / "cat/one.mp4").touch()
    with pytest.raises(UserError, match="cat: has films of one source only, .*; add a clip of another film, or remove"):
        open_builder(folder).recording_ids()
    with pytest.raises(UserError, match="split is 'mine', but clips_by_class has official, by_source; name one"):
        open_builder(folder, split="mine").recording_ids()
    with pytest.raises(UserError, match="rain/nine.mp4: is missing; copy it there"):
        open_builder(folder).encode("rain/nine")

"""Laws of the Countix-AV builder: clips without events, with their class and segments."""

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import BuilderSpec, load_builder_module
from vis2sound_jax.prepare.records import record_from_example

countix = load_builder_module("countix_av")


@pytest.fixture
def builder(form, tmp_path):
    return BuilderSpec("countix_av", {"recordings_dir": str(tmp_path), "form": form}).open(tmp_path / "out")


def test_a_clip_says_that_nobody_annotated_it(builder, write_flashing_film, tmp_path):
    name, facts = next(iter(countix.read_clips()["train"].items()))
    write_flashing_film(tmp_path / f"{name}.mp4")
    encoded = builder.encode(name)
    assert encoded["annotated"] is False and not any(key.startswith("event_") for key in encoded)
    assert set(encoded) == set(builder.features())
    record = record_from_example(encoded)
    assert record["event_time_s"].shape == (0,) and record["event_action"] == []
    np.testing.assert_allclose(record["span_s"], [0, record["duration_s"]])
    assert record["label"] == facts["class"] and len(record["segment_s"]) == len(facts["segments"])


def test_a_missing_clip_is_named(builder, tmp_path):
    name = next(iter(countix.read_clips()["train"]))
    with pytest.raises(UserError, match=f"{name}.mp4: is missing; copy it there") as caught:
        builder.encode(name)
    assert caught.value.path == tmp_path / f"{name}.mp4"


def test_a_folder_without_clips_and_an_unknown_split_are_named(builder, form, tmp_path):
    with pytest.raises(UserError, match="holds no <YouTube id>_<start>_<end>.mp4"):
        builder.recording_ids()
    settings = {"recordings_dir": str(tmp_path), "form": form, "split": "mine"}
    with pytest.raises(UserError, match="split is 'mine', but countix_av has official, condfoley; name one"):
        BuilderSpec("countix_av", settings).open(tmp_path / "out").recording_ids()


def test_one_clip_in_two_files_is_refused_unless_they_are_copies(builder, tmp_path):
    for folder, name, data in (
        ("a", "clip_0001_0011", b"one"),
        ("b", "clip_000001_000011", b"two"),
        ("@eaDir", "x", b""),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.mp4").write_bytes(data)
    (tmp_path / "@eaDir" / "clip_0001_0011.mp4").write_bytes(b"a picture of it")
    assert builder.unlisted_ids() == ["clip_0001_0011"]
    (tmp_path / "b" / "clip_000001_000011.mp4").write_bytes(b"another")
    del builder.__dict__["_films"]
    with pytest.raises(
        UserError, match="b/clip_000001_000011.mp4: is the same clip as .*a/clip_0001_0011.mp4 and anot"
    ):
        builder.unlisted_ids()

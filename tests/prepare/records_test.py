"""Laws of records: what is not stored has its default, and records of the first form still open."""

import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

from vis2sound_jax.audio.files import decode_channels, decode_flac, encode_flac
from vis2sound_jax.prepare.builders import load_builder_module
from vis2sound_jax.prepare.dataset import prepare
from vis2sound_jax.prepare.records import Record, record_from_example
from vis2sound_jax.prepare.sources import open_records

MEDIA = {
    "id": b"a",
    "duration_s": np.float32(29.97),
    "fps": np.float32(29.97),
    "rate_hz": 8000,
    "sound_source": b"wav",
    "audio": encode_flac(np.zeros(80, np.float32), 8000),
    "frames": [b"jpeg"],
}
EVENTS = {
    "event_time_s": [0.5, 2.5],
    "event_material": [b"wood", b"None"],
    "event_action": [b"hit", b"scratch"],
    "event_reaction": [b"None", b"None"],
    "span_s": [0.25, 3.0],
}
SEGMENTS = {"label": b"sawing", "segment_s": [1.0, 2.0, 3.0, 4.0], "segment_count": [5, 7]}
OPTIONAL = {"label", "segment_s", "segment_count"}


@pytest.mark.parametrize("fields", [{}, EVENTS, SEGMENTS, EVENTS | SEGMENTS])
def test_an_opened_record_has_every_field(fields):
    record = record_from_example(MEDIA | fields)
    assert set(record) == set(Record.__annotations__) - (OPTIONAL - set(fields))
    lengths = {len(record[f"event_{name}"]) for name in ("time_s", "material", "action", "reaction")}
    assert lengths == {2 if "event_time_s" in fields else 0}
    assert record["event_time_s"].dtype == record["span_s"].dtype == np.float32 and record["span_s"].shape == (2,)


def test_texts_and_rates_come_back_as_they_were():
    record = record_from_example(MEDIA | EVENTS)
    assert (record["id"], record["fps"], record["duration_s"]) == ("a", 29.97, 29.97)
    assert record["event_material"] == ["wood", "None"] and record["frames"] == [b"jpeg"]


@pytest.mark.parametrize(
    "fields,annotated",
    [
        (EVENTS, True),
        (EVENTS | {"event_time_s": []}, True),
        (SEGMENTS, False),
        (EVENTS | {"annotated": False}, False),
        (SEGMENTS | {"annotated": True}, True),
        ({"annotated": False}, False),
    ],
)
def test_whether_somebody_looked_is_not_whether_there_are_events(fields, annotated):
    assert record_from_example(MEDIA | fields)["annotated"] is annotated


@pytest.mark.parametrize("absent", ["event_material", "event_action", "event_reaction"])
def test_each_label_may_be_absent_alone(absent):
    record = record_from_example(MEDIA | {name: value for name, value in EVENTS.items() if name != absent})
    assert record[absent] == ["None", "None"]
    others = {name for name in EVENTS if name.startswith("event_")} - {absent, "event_time_s"}
    assert all(record[name] == [text.decode() for text in EVENTS[name]] for name in others)


def test_channels_are_one_unless_it_is_said():
    assert record_from_example(MEDIA)["channels"] == 1
    assert record_from_example(MEDIA | {"channels": np.int32(2)})["channels"] == 2


def test_a_label_needs_no_segments():
    record = record_from_example(MEDIA | {"label": b"rain"})
    assert record["label"] == "rain" and "segment_s" not in record
    np.testing.assert_array_equal(record_from_example(MEDIA | SEGMENTS)["segment_s"], [[1, 2], [3, 4]])


def first_form():
    """The fields of a record as they were stored before channels and annotation could differ."""
    raw_bytes = tfds.features.Tensor(shape=(), dtype=np.object_)
    texts = tfds.features.Sequence(tfds.features.Text())
    return {
        "id": tfds.features.Text(),
        "duration_s": np.float32,
        "fps": np.float32,
        "rate_hz": np.int32,
        "sound_source": tfds.features.Text(),
        "audio": raw_bytes,
        "frames": tfds.features.Sequence(raw_bytes),
        "event_time_s": tfds.features.Sequence(np.float32),
        "event_material": texts,
        "event_action": texts,
        "event_reaction": texts,
        "span_s": tfds.features.Tensor(shape=(2,), dtype=np.float32),
    }


def test_records_of_the_first_form_open(prepared, recordings, form, tmp_path, monkeypatch):
    module = load_builder_module("greatest_hits")
    fields, encode = first_form(), module.Builder.encode

    def encode_first(self, name):
        return {key: value for key, value in encode(self, name).items() if key in fields} | {"annotated": True}

    monkeypatch.setattr(module.Builder, "features", lambda self: fields)
    monkeypatch.setattr(module.Builder, "encode", encode_first)
    monkeypatch.setattr(tfds.features.FeaturesDict, "encode_example", _ignoring_more)
    prepare("greatest_hits", recordings, tmp_path / "old", form=form)
    monkeypatch.undo()
    names = set(json.loads((tmp_path / "old" / "features.json").read_text())["featuresDict"]["features"])
    assert names == set(first_form())
    for split in ("train", "validation", "test"):
        pairs = zip(open_records(tmp_path / "old", split, form=form), open_records(prepared, split), strict=True)
        for old, new in pairs:
            np.testing.assert_equal(old, new)
            np.testing.assert_array_equal(decode_channels(old["audio"])[0][:, 0], decode_flac(new["audio"])[0])


_encode_example = tfds.features.FeaturesDict.encode_example


def _ignoring_more(self, example):
    return _encode_example(self, {name: example[name] for name in self.keys()})

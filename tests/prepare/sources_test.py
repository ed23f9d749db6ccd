import dataclasses
import pickle

import numpy as np
import pytest

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.records import ACTIONS, MATERIALS, label_indices
from vis2sound_jax.prepare.sources import open_records, prepared_settings
from vis2sound_jax.video.files import decode_jpeg


def test_a_record_holds_what_was_promised(prepared, form):
    record = open_records(prepared, "train", form=form)[0]
    assert (record["fps"], record["rate_hz"]) == (form.fps, form.rate_hz)
    assert len(record["frames"]) == round(record["duration_s"] * record["fps"])
    assert decode_jpeg(record["frames"][0]).shape == (16, 24, 3)
    wav, rate_hz = decode_flac(record["audio"])
    assert record["annotated"] and record["channels"] == 1
    assert rate_hz == 8000 and len(wav) == round(record["duration_s"] * rate_hz)
    assert record["event_material"] == ["wood"] * 3 and record["event_reaction"] == ["None"] * 3
    np.testing.assert_allclose(record["span_s"], [0, record["duration_s"]])


def test_records_are_a_sequence_and_survive_pickling(prepared):
    records = open_records(prepared, "train")
    copy = pickle.loads(pickle.dumps(records))
    assert [r["id"] for r in copy] == [r["id"] for r in records] and repr(copy) == repr(records)
    assert records[-1]["id"] == records[len(records) - 1]["id"]
    with pytest.raises(IndexError):
        records[len(records)]


def test_other_settings_are_refused_with_the_remedy(prepared, form):
    message = (
        "config.data.rate_hz is 16000, but greatest_hits was prepared at 8000; "
        "re-run --job=prepare or set config.data.rate_hz=8000"
    )
    with pytest.raises(UserError, match=message):
        open_records(prepared, "train", form=dataclasses.replace(form, rate_hz=16000))
    with pytest.raises(UserError, match="config.data.fps is 15, but .* at 10"):
        open_records(prepared, "train", form=dataclasses.replace(form, fps=15))


def test_missing_data_is_named(prepared, tmp_path):
    with pytest.raises(UserError, match="holds no prepared recordings; run --job=prepare"):
        open_records(tmp_path, "train")
    with pytest.raises(UserError, match="no recordings in the split 'dev'"):
        open_records(prepared, "dev")
    assert prepared_settings(prepared)["splits"] == ["train", "validation", "test"]


def test_labels_are_numbered_and_unknown_ones_refused():
    np.testing.assert_array_equal(label_indices(["hit", "None", "scratch"], ACTIONS), [0, -1, 1])
    assert len(MATERIALS) == 17
    with pytest.raises(ValueError, match="label 'kick'"):
        label_indices(["kick"], ACTIONS)

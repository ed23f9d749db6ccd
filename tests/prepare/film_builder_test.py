"""Laws of the shared builder: two builders of data sets to come go through files and back, with and without events."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

import vis2sound_jax
from vis2sound_jax.audio.files import decode_channels, decode_flac, encode_flac, read_channels, read_sound, write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.film_builder import FilmBuilder, FilmConfig, event_features
from vis2sound_jax.prepare.sources import open_records, prepared_settings

FOLDER = Path(vis2sound_jax.__file__).parents[1] / "datasets" / "greatest_hits"
MEDIA = {"id", "duration_s", "fps", "rate_hz", "channels", "sound_source", "audio", "frames", "annotated"}


class Listed(FilmBuilder, skip_registration=True):
    """Every film of a folder, all for training."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = tfds.core.Path(FOLDER)

    def recording_ids(self):
        return {"train": sorted(path.stem for path in self.recordings_dir.glob("*.mp4"))}


class TwoEars(Listed, skip_registration=True):
    """Two channels and nothing else, as 2.5D Visual Sound will need."""

    def encode(self, recording_id):
        film = self.recordings_dir / f"{recording_id}.mp4"
        media = self.encode_media(recording_id, film, film.with_suffix(".wav"), channels=2)
        return {**media, "annotated": False}


class Classes(Listed, skip_registration=True):
    """A class for the whole recording, and events without labels."""

    def features(self):
        return {**super().features(), **event_features(labelled=False), "label": tfds.features.Text()}

    def encode(self, recording_id):
        media = self.encode_media(recording_id, self.recordings_dir / f"{recording_id}.mp4")
        events = {"event_time_s": np.float32([0.5, 1.5]), "span_s": np.float32([0.25, 3.0])}
        return {**media, **events, "annotated": True, "label": "rain"}


@pytest.fixture
def films(recordings, ids, tmp_path):
    """Two films, one with a sound of two channels beside it."""
    folder = tmp_path / "films"
    folder.mkdir()
    shutil.copy(recordings / f"{ids[0]}_denoised.mp4", folder / "a.mp4")
    left = read_sound(folder / "a.mp4", 8000)
    write_wav(folder / "a.wav", np.stack([left, 0.5 * np.roll(left, 3)], axis=1), 8000)
    return folder


@pytest.fixture
def open_builder(films, form, tmp_path):
    def open_one(builder):
        return builder(data_dir=tmp_path / "out", config=FilmConfig(recordings_dir=str(films), form=form))

    return open_one


def stored(builder):
    builder.download_and_prepare()
    (record,) = open_records(builder.data_dir, "train")
    return record


def test_two_channels_without_events_come_back(open_builder, films):
    record = stored(open_builder(TwoEars))
    assert (record["channels"], record["sound_source"], record["annotated"]) == (2, "wav", False)
    wav, rate_hz = decode_channels(record["audio"])
    expected = read_channels(films / "a.wav", rate_hz)
    np.testing.assert_allclose(wav, expected, atol=2**-15)
    np.testing.assert_allclose(decode_flac(record["audio"])[0], expected.mean(axis=1), atol=2**-15)
    assert record["event_time_s"].shape == (0,) and record["event_material"] == []
    np.testing.assert_array_equal(record["span_s"], np.float32([0, record["duration_s"]]))
    assert "label" not in record


def test_a_class_and_events_without_labels_come_back(open_builder):
    record = stored(open_builder(Classes))
    assert (record["label"], record["channels"], record["annotated"]) == ("rain", 1, True)
    np.testing.assert_array_equal(record["event_time_s"], np.float32([0.5, 1.5]))
    assert record["event_material"] == record["event_action"] == record["event_reaction"] == ["None", "None"]
    np.testing.assert_array_equal(record["span_s"], np.float32([0.25, 3.0]))
    assert "segment_s" not in record


def test_only_the_fields_that_a_builder_names_are_stored(open_builder):
    assert set(open_builder(TwoEars).features()) == MEDIA
    assert set(open_builder(Classes).features()) == MEDIA | {"event_time_s", "span_s", "label"}
    labels = {"event_material", "event_action", "event_reaction"}
    assert set(event_features()) - set(event_features(labelled=False)) == labels


def test_one_channel_is_the_mixed_sound_byte_for_byte(open_builder, films, form):
    builder = open_builder(Classes)
    media = builder.encode_media("a", films / "a.mp4", films / "a.wav")
    wav = read_sound(films / "a.wav", form.rate_hz, duration_s=media["duration_s"])
    assert media["audio"] == encode_flac(wav, form.rate_hz) and media["channels"] == 1


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_that_are_not_there_are_asked_for(open_builder, films, channels):
    with pytest.raises(UserError, match=f"a.mp4: the number of its channels is 1, not {channels}; use a rec") as caught:
        open_builder(TwoEars).encode_media("a", films / "a.mp4", channels=channels)
    assert caught.value.path == films / "a.mp4"


def test_the_form_stands_in_the_prepared_folder(open_builder, form):
    builder = open_builder(TwoEars)
    builder.download_and_prepare()
    settings = prepared_settings(builder.data_dir)
    assert settings.items() >= {"split": "official", **dataclasses.asdict(form)}.items()
    assert settings["name"] == "two_ears" and settings["splits"] == ["train"]

"""What the builders in `datasets/` share: the form of a record, its media, and what TFDS asks of every builder."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from vis2sound_jax.audio.files import encode_flac, read_channels, read_sound
from vis2sound_jax.errors import file_error
from vis2sound_jax.video.files import encode_jpeg, probe, read_frames
from vis2sound_jax.video.form import MediaForm


@dataclasses.dataclass(kw_only=True)
class FilmConfig(tfds.core.BuilderConfig):
    """What to read and in which form to store it.

    Attributes:
      recordings_dir: the folder of films; the README of a data set says how their names must be.
      split: one of the builder's `SPLITS`; the README says what each is.
      form: rates and picture size of what is stored.
      jpeg_quality: 1 to 100.
    """

    name: str = "recordings"
    recordings_dir: str = ""
    split: str = "official"
    form: MediaForm = MediaForm()
    jpeg_quality: int = 95


def event_features(*, labelled: bool = True) -> dict[str, Any]:
    """Names the fields of annotated events in TFDS's terms, for builders whose recordings may have some.

    Args:
      labelled: whether events have a material, an action and a reaction.

    Returns:
      `event_time_s` and `span_s`, and where labelled `event_material`, `event_action` and `event_reaction`.
    """
    texts = tfds.features.Sequence(tfds.features.Text())
    labels = ("event_material", "event_action", "event_reaction") if labelled else ()
    return {
        "event_time_s": tfds.features.Sequence(np.float32),
        **dict.fromkeys(labels, texts),
        "span_s": tfds.features.Tensor(shape=(2,), dtype=np.float32),
    }


# Not registered: the module may be loaded twice, by path and by name, and a second registration would fail.
class FilmBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Records of films with sound; see `RecordingBuilder` for what a builder adds.

    Frames are JPEG and sound is FLAC, as bytes and not as TFDS's media features, which import TensorFlow and store
    sound three times larger.
    """

    homepage = ""

    def __init__(self, *, file_format: str = "array_record", **kwargs: Any):
        # TFDS's own default, tfrecord, needs TensorFlow and has no random access.
        super().__init__(file_format=file_format, **kwargs)

    @property
    def recordings_dir(self) -> Path:
        """The folder that is read."""
        return Path(self.builder_config.recordings_dir)

    def features(self) -> dict[str, Any]:
        """Names the fields that every record has, in TFDS's terms; see `prepare.records.Record`.

        A builder adds what its recordings have besides: `event_features`, a `label`, or fields of its own.
        """
        raw_bytes = tfds.features.Tensor(shape=(), dtype=np.object_)
        return {
            "id": tfds.features.Text(),
            "duration_s": np.float32,
            "fps": np.float32,
            "rate_hz": np.int32,
            "channels": np.int32,
            "sound_source": tfds.features.Text(),
            "audio": raw_bytes,
            "frames": tfds.features.Sequence(raw_bytes),
            "annotated": np.bool_,
        }

    def encode_media(
        self, recording_id: str, film: Path, sound: Path | None = None, *, channels: int = 1
    ) -> dict[str, Any]:
        """Reads a film and its sound, and encodes them as the first fields of a record.

        Args:
          recording_id: the record's id.
          film: its clock is the record's.
          sound: a file whose sound begins with the film's first frame; None takes the film's own.
          channels: how many to store, 1 to 8; 1 mixes whatever there are, more must be there.

        Returns:
          The fields `id` to `frames`.

        Raises:
          UserError: if a file is missing or broken, or has no sound or other channels than are asked for.
        """
        form, source = self.builder_config.form, sound or film
        duration_s, quality = probe(film).duration_s, self.builder_config.jpeg_quality
        read = read_sound if channels == 1 else read_channels
        wav = read(source, form.rate_hz, start_s=0.0, duration_s=duration_s)
        if channels != 1 and wav.shape[1] != channels:
            problem = f"the number of its channels is {wav.shape[1]}, not {channels}"
            raise file_error(source, problem, f"use a recording with {channels} channels")
        frames = read_frames(film, form.fps, form.height, form.width)
        return {
            "id": recording_id,
            "duration_s": duration_s,
            "fps": form.fps,
            "rate_hz": form.rate_hz,
            "channels": channels,
            "sound_source": "wav" if sound else "video",
            "audio": encode_flac(wav, form.rate_hz),
            "frames": [encode_jpeg(frame, quality) for frame in frames],
        }

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        settings = {"split": config.split, **dataclasses.asdict(config.form)}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(self.features()),
            metadata=tfds.core.MetadataDict(**settings),
            homepage=self.homepage,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        del dl_manager  # The films are the user's own copy: nothing is downloaded.
        return {name: self._generate_examples(ids) for name, ids in self.recording_ids().items() if ids}

    def _generate_examples(self, ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for recording_id in ids:
            yield recording_id, self.encode(recording_id)

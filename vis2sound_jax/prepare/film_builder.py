"""What the builders in `datasets/` share: the form of a record, its media, and what TFDS asks of every builder."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from vis2sound_jax.audio.files import encode_flac, read_sound
from vis2sound_jax.video.files import encode_jpeg, probe, read_frames


@dataclasses.dataclass(kw_only=True)
class FilmConfig(tfds.core.BuilderConfig):
    """What to read and at which rates to store it.

    Attributes:
      recordings_dir: the folder of films; the README of a data set says how their names must be.
      split: one of the builder's `SPLITS`; the README says what each is.
      rate_hz: rate of the stored sound.
      fps: rate of the stored frames.
      height: rows of a stored frame.
      width: columns of a stored frame.
      jpeg_quality: 1 to 100.
    """

    name: str = "recordings"
    recordings_dir: str = ""
    split: str = "official"
    rate_hz: int = 22050
    fps: float = 15.0
    height: int = 128
    width: int = 128
    jpeg_quality: int = 95


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
        """Names the fields of a record and their types in TFDS's terms; see `data.records.Record`."""
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

    def encode_media(self, recording_id: str, film: Path, sound: Path | None = None) -> dict[str, Any]:
        """Reads a film and its sound, and encodes them as the first fields of a record.

        Args:
          recording_id: the record's id.
          film: its clock is the record's.
          sound: a file whose sound begins with the film's first frame; None takes the film's own.

        Returns:
          The fields `id` to `frames`.

        Raises:
          UserError: if a file is missing or broken, or has no sound.
        """
        config, info = self.builder_config, probe(film)
        wav = read_sound(sound or film, config.rate_hz, start_s=0.0, duration_s=info.duration_s)
        frames = read_frames(film, config.fps, config.height, config.width)
        return {
            "id": recording_id,
            "duration_s": info.duration_s,
            "fps": config.fps,
            "rate_hz": config.rate_hz,
            "sound_source": "wav" if sound else "video",
            "audio": encode_flac(wav, config.rate_hz),
            "frames": [encode_jpeg(frame, config.jpeg_quality) for frame in frames],
        }

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        rates = {name: getattr(config, name) for name in ("split", "rate_hz", "fps", "height", "width")}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(self.features()),
            metadata=tfds.core.MetadataDict(**rates),
            homepage=self.homepage,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        del dl_manager  # The films are the user's own copy: nothing is downloaded.
        return {name: self._generate_examples(ids) for name, ids in self.recording_ids().items() if ids}

    def _generate_examples(self, ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for recording_id in ids:
            yield recording_id, self.encode(recording_id)

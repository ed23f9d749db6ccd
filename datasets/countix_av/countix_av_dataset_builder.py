"""Countix-AV: 1,648 ten-second clips of repetitive, audible actions (Zhang et al., CVPR 2021).

The records are those of Greatest Hits, without events and with the clip's class and its repetitive segments.
"""

import dataclasses
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from vis2sound_jax.audio.files import encode_flac, read_sound
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.files import encode_jpeg, probe, read_frames

FOLDER = Path(__file__).parent
SPLITS = ("official", "condfoley")


@dataclasses.dataclass(kw_only=True)
class Config(tfds.core.BuilderConfig):
    """What to read and at which rates to store it.

    Attributes:
      recordings_dir: folder with `<YouTube id>_<start>_<end>.mp4`, in subfolders or not.
      split: one of `SPLITS`; the README says what each is.
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
class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Builds the records; `vis2sound_jax.data.prepare` drives it over large folders."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = tfds.core.Path(FOLDER)

    def __init__(self, *, file_format: str = "array_record", **kwargs: Any):
        # TFDS's own default, tfrecord, needs TensorFlow and has no random access.
        super().__init__(file_format=file_format, **kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        raw_bytes = tfds.features.Tensor(shape=(), dtype=np.object_)
        texts = tfds.features.Sequence(tfds.features.Text())
        config = self.builder_config
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
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
                    "label": tfds.features.Text(),
                    # Begin and end alternate: a sequence of pairs would come back as a ragged list.
                    "segment_s": tfds.features.Sequence(np.float32),
                    "segment_count": tfds.features.Sequence(np.int32),
                }
            ),
            metadata=tfds.core.MetadataDict(
                split=config.split,
                rate_hz=config.rate_hz,
                fps=config.fps,
                height=config.height,
                width=config.width,
            ),
            homepage="https://github.com/xiaobai1217/RepetitionCounting",
        )

    @property
    def recordings_dir(self) -> Path:
        """The folder that is read."""
        return Path(self.builder_config.recordings_dir)

    def recording_ids(self) -> dict[str, list[str]]:
        """Lists the clips of each split, in the order in which they are stored.

        Returns:
          `{"train": ids, "validation": ids, "test": ids}`.

        Raises:
          UserError: if the folder or the split name is not usable.
        """
        if self.builder_config.split not in SPLITS:
            known = ", ".join(SPLITS)
            raise UserError(f"split is {self.builder_config.split!r}, but countix_av has {known}; name one")
        if not self._films:
            raise file_error(
                self.recordings_dir,
                "holds no <YouTube id>_<start>_<end>.mp4",
                "name the folder that holds the clips (README of datasets/countix_av)",
            )
        only_condfoley = self.builder_config.split == "condfoley"
        clips = {
            split: [name for name, facts in rows.items() if facts["condfoley"] or not only_condfoley]
            for split, rows in read_clips().items()
        }
        # Two overlapping clips of one film are listed in both; they stay in training.
        train_films = {name.rsplit("_", 2)[0] for name in clips["train"]}
        validation = [name for name in clips["val"] if name.rsplit("_", 2)[0] not in train_films]
        return {"train": clips["train"], "validation": validation, "test": clips["test"]}

    def unlisted_ids(self) -> list[str]:
        """Names the clips of the folder that no split mentions and that are therefore left out."""
        listed = {clip_key(name) for ids in self.recording_ids().values() for name in ids}
        return sorted(path.stem for key, path in self._films.items() if key not in listed)

    def source_files(self, recording_id: str) -> list[Path]:
        """Names the film that `encode` reads, whether it is there or not."""
        return [self._films.get(clip_key(recording_id), self.recordings_dir / f"{recording_id}.mp4")]

    def encode(self, recording_id: str) -> dict[str, Any]:
        """Reads one clip and encodes it as a record.

        Args:
          recording_id: an entry of `recording_ids`.

        Returns:
          The record, as described in the README.

        Raises:
          UserError: if the clip is missing or broken, or has no sound.
        """
        config = self.builder_config
        film = self._films.get(clip_key(recording_id))
        if film is None:
            missing = self.recordings_dir / f"{recording_id}.mp4"
            raise file_error(missing, "is missing", "copy it there; many clips are no longer online")
        info = probe(film)
        wav = read_sound(film, config.rate_hz, start_s=0.0, duration_s=info.duration_s)
        frames = read_frames(film, config.fps, config.height, config.width)
        facts = self._facts[recording_id]
        segments = np.array(facts["segments"], np.float32).reshape(-1, 3)
        return {
            "id": recording_id,
            "duration_s": info.duration_s,
            "fps": config.fps,
            "rate_hz": config.rate_hz,
            "sound_source": "video",
            "audio": encode_flac(wav, config.rate_hz),
            "frames": [encode_jpeg(frame, config.jpeg_quality) for frame in frames],
            "event_time_s": np.zeros(0, np.float32),
            "event_material": [],
            "event_action": [],
            "event_reaction": [],
            "span_s": np.array([0.0, info.duration_s], np.float32),
            "label": facts["class"],
            "segment_s": segments[:, :2].reshape(-1),
            "segment_count": segments[:, 2].astype(np.int32),
        }

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        del dl_manager  # The clips are the user's own copy: nothing is downloaded.
        return {name: self._generate_examples(ids) for name, ids in self.recording_ids().items()}

    def _generate_examples(self, ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for recording_id in ids:
            yield recording_id, self.encode(recording_id)

    @functools.cached_property
    def _films(self) -> dict[tuple[str, int, int] | None, Path]:
        films = {clip_key(path.stem): path for path in sorted(self.recordings_dir.rglob("*.mp4"))}
        films.pop(None, None)
        return films

    @functools.cached_property
    def _facts(self) -> dict[str, Mapping[str, Any]]:
        return {name: facts for rows in read_clips().values() for name, facts in rows.items()}


def clip_key(name: str) -> tuple[str, int, int] | None:
    """Parses the name of a clip; tools differ in how many zeros they put before the seconds.

    Args:
      name: `<YouTube id>_<start>_<end>`, in whole seconds.

    Returns:
      `(YouTube id, start, end)`, or None if it is no such name.
    """
    parts = name.rsplit("_", 2)
    if len(parts) != 3 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return None
    return parts[0], int(parts[1]), int(parts[2])


@functools.cache
def read_clips() -> dict[str, dict[str, Mapping[str, Any]]]:
    """Reads the shipped list of clips.

    Returns:
      `{"train" | "val" | "test": {id: {"class", "segments", "condfoley"}}}`; a segment is begin and end in
      seconds and the number of repetitions.
    """
    return json.loads((FOLDER / "splits" / "clips.json").read_text(encoding="utf-8"))

"""Countix-AV: 1,648 ten-second clips of repetitive, audible actions (Zhang et al., CVPR 2021).

Nobody annotated single events in them; a record has the clip's class and its repetitive segments instead.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.prepare.film_builder import FilmBuilder, FilmConfig
from vis2sound_jax.system_files import is_left, shown

FOLDER = Path(__file__).parent
SPLITS = ("official", "condfoley")


@dataclasses.dataclass(kw_only=True)
class Config(FilmConfig):
    """What to read: `recordings_dir` holds `<YouTube id>_<start>_<end>.mp4`, in subfolders or not."""


class Builder(FilmBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Builds the records; `vis2sound_jax.prepare.dataset` drives it over large folders."""

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {"1.1.0": "`channels` and `annotated`; fields of events are no longer stored."}
    pkg_dir_path = tfds.core.Path(FOLDER)
    homepage = "https://github.com/xiaobai1217/RepetitionCounting"

    def features(self) -> dict[str, Any]:
        """Names the fields of a record: those of all films, its class and its segments."""
        return {
            **super().features(),
            "label": tfds.features.Text(),
            # Begin and end alternate: a sequence of pairs would come back as a ragged list.
            "segment_s": tfds.features.Sequence(np.float32),
            "segment_count": tfds.features.Sequence(np.int32),
        }

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
          The record; see `prepare.records.Record`.

        Raises:
          UserError: if the clip is missing or broken, or has no sound.
        """
        film = self._films.get(clip_key(recording_id))
        if film is None:
            missing = self.recordings_dir / f"{recording_id}.mp4"
            raise file_error(missing, "is missing", "copy it there; many clips are no longer online")
        media, facts = self.encode_media(recording_id, film), self._facts[recording_id]
        segments = np.array(facts["segments"], np.float32).reshape(-1, 3)
        return {
            **media,
            "annotated": False,
            "label": facts["class"],
            "segment_s": segments[:, :2].reshape(-1),
            "segment_count": segments[:, 2].astype(np.int32),
        }

    @functools.cached_property
    def _films(self) -> dict[tuple[str, int, int] | None, Path]:
        films: dict[tuple[str, int, int] | None, Path] = {}
        for path in shown(self.recordings_dir.rglob("*.mp4")):
            if any(is_left(part) for part in path.relative_to(self.recordings_dir).parts):
                continue
            first = films.setdefault(clip_key(path.stem), path)
            if clip_key(path.stem) and first.stat().st_size != path.stat().st_size:
                raise file_error(path, f"is the same clip as {first} and another file", "keep one of them")
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

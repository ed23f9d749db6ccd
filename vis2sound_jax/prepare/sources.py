"""Where prepared recordings are read from: random access to the files that `prepare` wrote."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, SupportsIndex

import tensorflow_datasets as tfds

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.prepare.records import Record, record_from_example
from vis2sound_jax.video.form import MediaForm

SPLITS = ("train", "validation", "test")


class Records:
    """The recordings of one split: a sequence that decodes nothing and can be pickled for loader workers.

    Attributes:
      directory: the prepared folder.
      split: name of the split.
    """

    def __init__(self, directory: Path, split: str):
        self.directory = directory
        self.split = split
        self._open()

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: SupportsIndex) -> Record:
        position = index.__index__()
        if not -len(self) <= position < len(self):
            raise IndexError(f"record {position} of {len(self)}")
        return record_from_example(self._source[position % len(self)])

    def __iter__(self) -> Iterator[Record]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        # grain compares this text when a stream is restored, so it must not hold an address.
        return f"Records({self.directory.name!r}, {self.split!r}, {len(self)})"

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory, "split": self.split}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def _open(self) -> None:
        self._source = tfds.builder_from_directory(self.directory).as_data_source(self.split)


def prepared_settings(prepared_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads how a folder was prepared.

    Args:
      prepared_dir: the folder that `prepare` wrote.

    Returns:
      `name` of the data set, its `splits` that hold recordings, and the settings `split`, `rate_hz`, `fps`, `height`,
      `width`; the last four are those of `MediaForm`.

    Raises:
      UserError: if nothing was prepared there.
    """
    directory = Path(prepared_dir)
    if not (directory / "dataset_info.json").exists():
        raise file_error(directory, "holds no prepared recordings", "run --job=prepare first")
    try:
        info = tfds.builder_from_directory(directory).info
    except Exception as error:  # a damaged description may fail in any way
        problem = f"the description of its records is damaged ({type(error).__name__})"
        raise file_error(directory, problem, "delete the folder and run --job=prepare again") from error
    return {"name": info.name, "splits": [name for name in SPLITS if name in info.splits], **info.metadata}


def open_records(prepared_dir: str | os.PathLike[str], split: str, *, form: MediaForm | None = None) -> Records:
    """Opens one split of a prepared folder.

    Args:
      prepared_dir: the folder that `prepare` wrote.
      split: "train", "validation" or "test".
      form: rates and picture size that the caller relies on; None takes the records as they are.

    Returns:
      The recordings of the split.

    Raises:
      UserError: if nothing was prepared there, the split is empty, or a rate or size differs.
    """
    settings = prepared_settings(prepared_dir)
    for name, wanted in dataclasses.asdict(form).items() if form else ():
        if settings.get(name) != wanted:
            raise UserError(
                f"config.data.{name} is {wanted}, but {settings['name']} was prepared at {settings.get(name)}; "
                f"re-run --job=prepare or set config.data.{name}={settings.get(name)!r}",
                prepared_dir,
            )
    if split not in settings["splits"]:
        raise file_error(
            prepared_dir,
            f"has no recordings in the split {split!r}",
            f"prepare more recordings or use one of {', '.join(settings['splits'])}",
        )
    return Records(Path(prepared_dir), split)

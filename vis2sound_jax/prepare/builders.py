"""The builders in `datasets/`: what preparation asks of one, and how a worker opens its own."""

import dataclasses
import functools
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import tensorflow_datasets as tfds

from vis2sound_jax.errors import file_error
from vis2sound_jax.shipped import shipped_dir


class RecordingBuilder(Protocol):
    """What `prepare` asks of a builder in `datasets/`."""

    info: tfds.core.DatasetInfo

    def recording_ids(self) -> dict[str, list[str]]:
        """Lists the recordings of each split in storage order."""

    def unlisted_ids(self) -> list[str]:
        """Names the films that belong to no split."""

    def source_files(self, recording_id: str) -> Sequence[Path]:
        """Names the files that `encode` reads, the film first, whether they are there or not."""

    def encode(self, recording_id: str) -> dict[str, Any]:
        """Reads and encodes one recording; raises UserError where it is missing or broken."""


@dataclasses.dataclass(frozen=True)
class BuilderSpec:
    """Names a builder and its settings: small and plain, so that it can be sent to a worker.

    Attributes:
      name: a folder of `datasets/`, such as "greatest_hits".
      settings: fields of its `Config`.
    """

    name: str
    settings: Mapping[str, Any]

    def open(self, folder: str | os.PathLike[str]) -> RecordingBuilder:
        """Makes the builder.

        Args:
          folder: its data directory for TFDS; nothing is written there.

        Returns:
          The builder.

        Raises:
          UserError: if there is none of that name.
        """
        module = load_builder_module(self.name)
        return module.Builder(data_dir=folder, config=module.Config(**self.settings))


@functools.cache
def load_builder_module(builder_name: str) -> ModuleType:
    """Loads a builder from the `datasets/` folder that comes with the package.

    It is loaded by path because a package called `datasets` would shadow the one of Hugging Face.

    Args:
      builder_name: name of a folder there, such as "greatest_hits".

    Returns:
      Its module, with `Builder` and `Config`.

    Raises:
      UserError: if there is none of that name.
    """
    folder = shipped_dir("datasets")
    path = folder / builder_name / f"{builder_name}_dataset_builder.py"
    spec = importlib.util.spec_from_file_location(f"{builder_name}_dataset_builder", path)
    if not path.exists() or spec is None or spec.loader is None:
        known = sorted(found.parent.name for found in folder.glob("*/*_dataset_builder.py"))
        raise file_error(path, "there is no such builder", f"name one of {', '.join(known)}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

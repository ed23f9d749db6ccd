"""The recordings that a config names: their folder, what they are called, their records."""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.errors import file_error
from vis2sound_jax.prepare.builders import BuilderSpec
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import Records, open_records, prepared_settings
from vis2sound_jax.run.origin import PROCEDURAL, named_folder
from vis2sound_jax.run.workdir import procedural_dir
from vis2sound_jax.shipped import shipped_dir
from vis2sound_jax.video.form import MediaForm

MOST_VALIDATION = 32
"""Validation recordings, at most, on which the thresholds of detectors are chosen."""


def data_name(config: Any) -> str:
    """Says in words what the data is; procedural data is called so everywhere."""
    return "procedural recordings" if config.data.recordings == PROCEDURAL else str(config.data.recordings)


def recordings_dir(config: Any, workdir: Path) -> Path:
    """Finds the recordings that the config names; `~` and variables such as `$DATA` in the name are understood.

    Args:
      config: the settings.
      workdir: of the run, where procedural recordings lie.

    Returns:
      The folder; that of procedural recordings need not exist yet.

    Raises:
      UserError: if the folder is not there, or a variable in its name is not set.
    """
    name, builder = config.data.recordings, config.data.builder
    if name == PROCEDURAL:
        return procedural_dir(workdir)
    folder = named_folder(name)
    if not folder.is_dir():
        variable = re.search(r"\$\{?(\w+)", str(folder))
        if variable:
            problem = f"{variable[1]} is not set in the environment"
            raise file_error(f"config.data.recordings={name}", problem, "set it, or name the folder itself")
        raise file_error(
            folder,
            "there is no such folder of recordings",
            f"name one with --config.data.recordings=DIR, in the layout of {builder}; "
            f"{shipped_dir('datasets') / builder / 'README.md'} shows it and says where to get one",
        )
    return folder


def film_files(config: Any, folder: Path, ids: Sequence[str]) -> dict[str, Path]:
    """Finds the films of recordings, however their layout calls them.

    Args:
      config: the settings.
      folder: the recordings, in the layout of `config.data.builder`.
      ids: of the recordings.

    Returns:
      Id → film, whether it is there or not.
    """
    settings = {"recordings_dir": os.fspath(folder), "split": config.data.split, "form": media_form(config)}
    with tempfile.TemporaryDirectory() as scratch:
        builder = BuilderSpec(config.data.builder, settings).open(scratch)
        return {name: builder.source_files(name)[0] for name in ids}


def media_form(config: Any) -> MediaForm:
    """Reads rates and picture size from `config.data`: the one place where they leave the config together."""
    data = config.data
    return MediaForm(rate_hz=data.rate_hz, fps=data.fps, height=data.height, width=data.width)


def open_split(config: Any, prepared: Path, split: str) -> Records:
    """Opens a split and checks that it was prepared as the config says.

    Args:
      config: the settings.
      prepared: the folder of prepared records.
      split: "train", "validation" or "test".

    Returns:
      The recordings of the split.

    Raises:
      UserError: if nothing was prepared, or at other rates.
    """
    return open_records(prepared, split, form=media_form(config))


def validation_records(config: Any, prepared: Path) -> list[Record]:
    """Reads the recordings on which thresholds are chosen, so that none is chosen on the test recordings.

    Args:
      config: the settings.
      prepared: the folder of prepared records.

    Returns:
      Annotated validation recordings, of many 32 that are spread evenly over them; none where there are none.

    Raises:
      UserError: if nothing was prepared, or at other rates.
    """
    if "validation" not in prepared_settings(prepared)["splits"]:
        return []
    records = open_split(config, prepared, "validation")
    annotated = [k for k in range(len(records)) if records[k]["annotated"]]
    kept = np.linspace(0, len(annotated) - 1, min(len(annotated), MOST_VALIDATION)).round().astype(int)
    return [records[annotated[k]] for k in kept]

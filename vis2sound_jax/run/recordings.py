"""The recordings that a config names: their folder, what they are called, their records."""

import os
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import file_error
from vis2sound_jax.prepare.sources import Records, open_records
from vis2sound_jax.run.workdir import procedural_dir
from vis2sound_jax.video.form import MediaForm

PROCEDURAL = "procedural"
_SHARED = "VIS2SOUND_SHARED"


def data_name(config: Any) -> str:
    """Says in words what the data is; procedural data is called so everywhere."""
    return "procedural recordings" if config.data.recordings == PROCEDURAL else str(config.data.recordings)


def recordings_dir(config: Any, workdir: Path) -> Path:
    """Finds the recordings that the config names.

    Args:
      config: the settings.
      workdir: of the run.

    Returns:
      The folder; that of procedural recordings need not exist yet.

    Raises:
      UserError: if the folder is not there.
    """
    name = config.data.recordings
    if name == PROCEDURAL:
        return procedural_dir(workdir)
    if name.startswith(f"${_SHARED}"):
        shared = os.environ.get(_SHARED) or Path(__file__).resolve().parents[3] / "shared"
        name = str(shared) + name[len(_SHARED) + 1 :]
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise file_error(
            folder,
            "there is no such folder of recordings",
            f"set config.data.recordings to a folder in the layout of {config.data.builder}; "
            f"datasets/{config.data.builder}/README.md says where to get one",
        )
    return folder


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

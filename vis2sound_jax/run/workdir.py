"""Every place in the folder of a run. Nothing else in the package joins such paths."""

import hashlib
import os
from pathlib import Path

from ml_collections import ConfigDict

from vis2sound_jax.errors import file_error
from vis2sound_jax.run.card import check_files
from vis2sound_jax.run.run_settings import settings_from


def procedural_dir(workdir: Path) -> Path:
    """Where procedural recordings are written."""
    return workdir / "data" / "recordings"


def prepared_dir(workdir: Path) -> Path:
    """Where a run keeps its records."""
    return workdir / "data" / "prepared"


def checkpoints_dir(workdir: Path, folder: str) -> Path:
    """Where a training keeps its weights; `folder` is its own in the workdir, usually the stage's name.

    Args:
      workdir: of the run.
      folder: of the training in the workdir.
    """
    return workdir / folder / "checkpoints"


def decoded_dir(workdir: Path) -> Path:
    """Where films lie decoded while something is trained on them."""
    return workdir / "decoded"


def config_path(workdir: Path) -> Path:
    """The settings of the last run in a workdir."""
    return workdir / "config.json"


def mark_path(workdir: Path, stage: str) -> Path:
    """The mark of a stage that was begun.

    Args:
      workdir: of the run.
      stage: its name.
    """
    return workdir / "stages" / f"{stage}.json"


def other_data_dir(workdir: Path, recordings: Path) -> Path:
    """Where an evaluation on recordings that a run was not trained on keeps what it makes.

    Folders of one name in different places have different ones; a folder has the same by whatever path it is named.

    Args:
      workdir: of the run.
      recordings: their folder.
    """
    place = recordings.resolve()
    return workdir / "other_data" / f"{place.name}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:8]}"


def origin_path(prepared: Path) -> Path:
    """Where it is noted of which folder and files records were made.

    Args:
      prepared: the folder of the records.
    """
    return prepared.with_name("origin.json")


def settings_of(workdir: Path) -> ConfigDict:
    """Reads the settings of a run; of packed weights all files are compared with their digests first.

    Args:
      workdir: the folder that `python -m vis2sound_jax.main` wrote, or `--job=pack`.

    Returns:
      The config; a setting that it lacks, since an earlier version wrote it, is a UserError where it is read.

    Raises:
      UserError: if the folder holds no run, its settings are damaged, or a file of packed weights is not what its card
        says.
    """
    check_files(workdir)
    settings = settings_from(config_path(workdir))
    if settings is None:
        raise file_error(
            workdir,
            "there is no finished run",
            "train one first (vis2sound train), name its --workdir, or leave out both --workdir and the preset to use "
            "the weights that ship with vis2sound_jax (in Python: api.load())",
        )
    return settings

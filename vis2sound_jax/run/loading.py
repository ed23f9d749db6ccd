"""Loads a trained run, or packed weights, of whatever system it names."""

import importlib
from pathlib import Path

from ml_collections import ConfigDict

from vis2sound_jax.errors import file_error
from vis2sound_jax.run.stage import system_module
from vis2sound_jax.run.steps import System
from vis2sound_jax.run.workdir import config_path, settings_of


def load_system(folder: Path, config: ConfigDict | None = None) -> System:
    """Loads the weights in a folder.

    Args:
      folder: of a run, or of packed weights.
      config: settings to use instead of the folder's own.

    Returns:
      The system, ready for films.

    Raises:
      UserError: if there is no trained run, an earlier version wrote it without a setting that is read, the config is
        not the one of its weights, or weights are damaged.
    """
    settings = settings_of(folder)
    if "system" not in settings:
        raise file_error(
            config_path(folder),
            "was written by an earlier version, which did not name its system",
            "run the training command again in another --workdir",
        )
    chain = getattr(system_module(settings), "CHAIN", None)
    if chain is None:
        raise file_error(
            config_path(folder), f"names {settings.system!r}, which is no system", "name another --workdir"
        )
    return importlib.import_module(chain).load(folder, config)

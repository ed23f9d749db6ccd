"""Of which recordings a run was made. Nothing heavy is imported here."""

import os
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.marks import read_json
from vis2sound_jax.run.workdir import config_path, origin_path, prepared_dir

PROCEDURAL = "procedural"
"""The name of recordings that a run draws itself."""


def named_folder(name: str) -> Path:
    """Finds the folder that a setting names; `~` and variables such as `$DATA` in it are understood.

    Args:
      name: as it stands in the config.

    Returns:
      The folder, which need not be there.

    Raises:
      UserError: if it begins with `~` and nobody knows where that is.
    """
    try:
        return Path(os.path.expandvars(name)).expanduser()
    except RuntimeError:
        raise UserError(f"{name}: there is no home folder; set HOME, or name the whole path") from None


def is_own(config: Any, workdir: Path) -> bool:
    """Tells whether a config names the recordings of a run; a relative name may mean another folder than it did then.

    Args:
      config: the settings, as they are now.
      workdir: of the run; where none was begun, all is its own.

    Raises:
      UserError: if the settings of the run are damaged.
    """
    known = read_json(config_path(workdir))
    if known is None or "data" not in known:
        return True
    name = config.data.recordings
    if not isinstance(known["data"], dict) or known["data"].get("recordings") != name:
        return False
    origin, now = read_json(origin_path(prepared_dir(workdir))), named_folder(name)
    # A run may be evaluated where its recordings are not.
    moved = name == PROCEDURAL or origin is None or not now.is_dir()
    return moved or origin.get("recordings") == os.fspath(now.resolve())

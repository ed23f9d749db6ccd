"""Marks of stages in the folder of a run: with which settings each was begun, and whether it is finished."""

import json
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.run_settings import read_object
from vis2sound_jax.run.stage import Stage
from vis2sound_jax.run.workdir import mark_path


def read_mark(config: Any, workdir: Path, stage: Stage) -> dict[str, Any] | None:
    """Reads the mark of a finished stage.

    Args:
      config: the settings now.
      workdir: of the run.
      stage: which one.

    Returns:
      The mark; None for a stage that is not finished, or that was done with other settings and can be done again.

    Raises:
      UserError: if the stage was begun with other settings.
    """
    mark = read_json(mark_path(workdir, stage.name))
    if mark is None:
        return None
    if not isinstance(mark.get("settings"), dict) or not isinstance(mark.get("summary", {}), dict):
        path = mark_path(workdir, stage.name)
        raise file_error(path, "this is not a file that a run left here", "delete it or choose another --workdir")
    before, now = mark["settings"], settings_of_stage(config, stage)
    for name in sorted(before | now):
        if before.get(name) != now.get(name):
            if stage.remade:
                return None
            raise UserError(
                f"{workdir}: stage {stage.name} was begun with config.{name}={before.get(name)!r}, "
                f"but it is {now.get(name)!r} now; choose another --workdir, "
                "or delete this folder to start again"
            )
    return mark if mark.get("finished") else None


def settings_of_stage(config: Any, stage: Stage) -> dict[str, Any]:
    """Picks the settings that a stage depends on; no others are looked at.

    Args:
      config: the settings.
      stage: which one.

    Returns:
      Dotted name → value, as JSON gives it back.
    """
    return {name: value for read in stage.reads for name, value in _read(config, read).items()}


def plain(value: Any) -> Any:
    """A config, a section or a setting as JSON gives it back, so that those on disk and in memory compare equal."""
    return json.loads(value.to_json() if hasattr(value, "to_json") else json.dumps(value))


def read_json(path: Path) -> Any:
    """Reads a file that a run left; None where it is not there.

    Raises:
      UserError: if it is no such file.
    """
    try:
        return read_object(path)
    except ValueError:
        problem = "this is not a file that a run left here"
        raise file_error(path, problem, "delete it or choose another --workdir") from None


def _read(config: Any, name: str) -> dict[str, Any]:
    """A setting, or all of a section, with flat dotted names; nothing where the config has none of that name."""
    node = config
    for part in name.split("."):
        if part not in node:
            return {}
        node = node[part]
    return _flat(plain(node), name)


def _flat(value: Any, prefix: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {name: leaf for key, inner in value.items() for name, leaf in _flat(inner, f"{prefix}.{key}").items()}

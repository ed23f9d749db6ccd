"""Packs a finished run into a small folder that `api.load` and all jobs read like a run: `--job=pack --output=DIR`."""

import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from vis2sound_jax import __version__
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.card import LICENCE, is_packed, write_card
from vis2sound_jax.run.marks import read_json
from vis2sound_jax.run.origin import PROCEDURAL
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.workdir import checkpoints_dir, config_path, mark_path, settings_of
from vis2sound_jax.training.checkpoint import load_meta, load_params
from vis2sound_jax.training.packed import write_packed
from vis2sound_jax.whole import replacing_folder, write_whole

Numbers = Mapping[str, Mapping[str, float | None]]
"""Name of a measure → `value`, `low` and `high` of its 95 % interval."""


class Contents(NamedTuple):
    """What a system packs.

    Attributes:
      trainings: their folders in the workdir, which are the names of their stages.
      files: further files that are copied, by their paths in the workdir.
      measure: scores the networks in a folder, a run's or a packed one, on the run's test recordings.
      measured_on: what these are, in words.
      limits: what one must know before use, a sentence each.
      more: writes what else is needed from the workdir into the packed folder.
      also_from: what the networks learned from besides the recordings, by name.
    """

    trainings: tuple[str, ...]
    files: tuple[str, ...]
    measure: Callable[[Path], Numbers]
    measured_on: str
    limits: tuple[str, ...]
    more: Callable[[Path, Path], None] = lambda workdir, folder: None
    also_from: Mapping[str, str] = MappingProxyType({})


def pack(config: Any, workdir: Path, contents: Contents) -> dict[str, Any]:
    """Packs a finished run into the folder that `config.request.output` names.

    The folder is there as a whole or not at all; an older pack in its place is replaced. Weights are stored in half
    precision, and the numbers on the card are those of the packed weights beside those of the run.

    Args:
      config: the settings; those of the run itself are packed.
      workdir: of the run; it stays as it is.
      contents: what to pack.

    Returns:
      The folder, its size and its numbers.

    Raises:
      UserError: if the run is not finished, or the folder cannot be used.
    """
    output = _checked(config.request.output)
    settings = settings_of(workdir)
    _check_finished(workdir, contents.trainings)
    with replacing_folder(output) as made:
        _write(workdir, made, contents)
        before, numbers = contents.measure(workdir), contents.measure(made)
        write_card(made, {**_about(settings, workdir, contents), "numbers": numbers, "before_packing": before})
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    values = {name: f"{before[name]['value']:.4f} -> {number['value']:.4f}" for name, number in numbers.items()}
    return {"weights": str(output), "megabytes": round(size / 1e6, 2), **values}


def _checked(name: str) -> Path:
    """The folder to write, if nothing of value is in its place."""
    if not name:
        raise UserError("--job=pack needs --output=FOLDER")
    output = Path(name)
    if not output.absolute().parent.is_dir():
        raise file_error(output.absolute().parent, "there is no such folder", "make it or name another --output")
    if output.is_file() or (output.is_dir() and any(output.iterdir()) and not is_packed(output)):
        raise file_error(output, "holds something other than packed weights", "name a new folder as --output")
    return output


def _check_finished(workdir: Path, stages: tuple[str, ...]) -> None:
    marks = {stage: read_json(mark_path(workdir, stage)) for stage in stages}
    missing = [stage for stage, mark in marks.items() if not (mark and mark["finished"])]
    if missing:
        raise file_error(
            workdir, f"not finished: {', '.join(missing)}", "run the training command again, then pack the run"
        )


def _write(workdir: Path, folder: Path, contents: Contents) -> None:
    for stage in contents.trainings:
        place = checkpoints_dir(workdir, stage)
        (folder / stage).mkdir(parents=True)
        params, variables = load_params(place), load_params(place, item="variables")
        write_packed(checkpoints_dir(folder, stage).with_suffix(".safetensors"), params, variables, load_meta(place))
    for name in contents.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(workdir / name, folder / name)
    contents.more(workdir, folder)
    # The settings of the run as they are, byte by byte.
    write_whole(config_path(folder), config_path(workdir).read_bytes())


def _about(settings: Any, workdir: Path, contents: Contents) -> dict[str, Any]:
    """What a card says besides its numbers."""
    marks = {stage: read_json(mark_path(workdir, stage)) for stage in settings.stages}
    minutes = sum(mark["seconds"] for mark in marks.values() if mark and mark["finished"]) / 60
    data: dict[str, Any] = {"recordings": data_name(settings), "seed": settings.seed}
    if settings.data.recordings == PROCEDURAL:
        world = json.loads(settings.world.to_json())
        data["origin"] = "drawn by vis2sound_jax.world from the seed; nobody filmed or recorded them"
        data["size"] = f"{world['train']} recordings to train on and {world['test']} to test, {world['seconds']} s each"
    data |= contents.also_from
    data["started from"] = settings.init_from or "nothing"
    preset = f"configs/{settings.system}.py:{settings.preset}"
    return {
        "name": settings.name,
        "system": settings.system,
        "made_by": f"vis2sound_jax {__version__}",
        "data": data,
        "training": {
            "command": f"python -m vis2sound_jax.main --config={preset}",
            "then": f"python -m vis2sound_jax.main --config={preset} --job=pack --output=DIR",
            "hardware": f"{os.cpu_count()} CPU cores, {platform.machine()}; {_devices()}",
            "minutes": round(minutes, 1),
            "steps": {stage: load_meta(checkpoints_dir(workdir, stage))["step"] for stage in contents.trainings},
        },
        "measured_on": contents.measured_on,
        "limits": list(contents.limits),
        "licence": LICENCE,
    }


def _devices() -> str:
    import jax

    return f"jax on {jax.default_backend()}"

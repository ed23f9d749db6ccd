"""Prepares recordings: writes the procedural world where the config names it, then builds the records."""

import os
from pathlib import Path
from typing import Any

from vis2sound_jax.data.prepare import prepare
from vis2sound_jax.data.sources import Records, open_records
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.world.writer import write_world

PROCEDURAL = "procedural"
_SHARED = "VIS2SOUND_SHARED"


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes `workdir/data/prepared` from `config.data.recordings`.

    Args:
      config: the settings.
      workdir: of the run.

    Returns:
      Where the records are and how many.
    """
    folder = recordings_dir(config, workdir)
    if config.data.recordings == PROCEDURAL:
        _write_world(config, folder)
    report = prepare_folder(config, folder, prepared_dir(workdir))
    return {
        "prepared": str(prepared_dir(workdir)),
        "recordings": report.recordings,
        "skipped": len(report.skipped),
        "data": data_name(config),
    }


def data_name(config: Any) -> str:
    """Says in words what the data is; procedural data is called so everywhere."""
    return "procedural recordings" if config.data.recordings == PROCEDURAL else str(config.data.recordings)


def prepared_dir(workdir: Path) -> Path:
    """Where a run keeps its records."""
    return workdir / "data" / "prepared"


def recordings_dir(config: Any, workdir: Path) -> Path:
    """Finds the recordings that the config names.

    Raises:
      UserError: if the folder is not there.
    """
    name = config.data.recordings
    if name == PROCEDURAL:
        return workdir / "data" / "recordings"
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


def prepare_folder(config: Any, folder: Path, output: Path) -> Any:
    """Builds the records of a folder at the rates of the config; returns the builder's report."""
    data = config.data
    with Progress(None, "prepare", unit="recording") as progress:
        return prepare(
            data.builder,
            folder,
            output,
            split=data.split,
            rate_hz=data.rate_hz,
            fps=data.fps,
            height=data.height,
            width=data.width,
            max_bad_share=data.max_bad_share,
            workers=config.prepare.workers,
            beam=config.prepare.beam,
            progress=progress.reach,
        )


def open_split(config: Any, prepared: Path, split: str) -> Records:
    """Opens a split and checks that it was prepared as the config says.

    Raises:
      UserError: if nothing was prepared, or at other rates.
    """
    data = config.data
    return open_records(prepared, split, rate_hz=data.rate_hz, fps=data.fps, height=data.height, width=data.width)


def _write_world(config: Any, folder: Path) -> None:
    world, data = config.world, config.data
    if world.train < 4 or world.test < 1:
        raise UserError(
            f"config.world.train is {world.train} and config.world.test {world.test}; "
            "a world needs at least 4 and 1 recordings"
        )
    with Progress(world.train + world.test, "procedural recordings", unit="recording") as progress:
        write_world(
            folder,
            train=world.train,
            test=world.test,
            seconds=world.seconds,
            fps=data.fps,
            height=data.height,
            width=data.width,
            rate_hz=data.rate_hz,
            close_up=world.close_up,
            seed=config.seed,
            progress=progress.reach,
        )

"""Prepares recordings: writes the procedural world where the config names it, then builds the records."""

from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.dataset import PrepareReport, prepare
from vis2sound_jax.run.recordings import PROCEDURAL, data_name, media_form, recordings_dir
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.world.writer import write_world


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes `workdir/data/prepared` from `config.data.recordings`.

    Args:
      config: the settings.
      workdir: of the run.

    Returns:
      Where the records are, how many, how many recordings were left out and how many have no annotation.
    """
    folder = recordings_dir(config, workdir)
    if config.data.recordings == PROCEDURAL:
        _write_world(config, folder)
    report = prepare_folder(config, folder, prepared_dir(workdir))
    return {
        "prepared": str(prepared_dir(workdir)),
        "recordings": report.recordings,
        "skipped": len(report.skipped),
        "unannotated": sum(report.recordings.values()) - report.annotated,
        "data": data_name(config),
    }


def prepare_folder(config: Any, folder: Path, output: Path) -> PrepareReport:
    """Builds the records of a folder at the rates of the config.

    Args:
      config: the settings.
      folder: the recordings, in the layout of `config.data.builder`.
      output: where the records go.

    Returns:
      The report.

    Raises:
      UserError: as `prepare`.
    """
    data = config.data
    with Progress(None, "prepare", unit="recording") as progress:
        return prepare(
            data.builder,
            folder,
            output,
            split=data.split,
            form=media_form(config),
            max_bad_share=data.max_bad_share,
            workers=config.prepare.workers,
            beam=config.prepare.beam,
            progress=progress.reach,
        )


def _write_world(config: Any, folder: Path) -> None:
    world = config.world
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
            form=media_form(config),
            close_up=world.close_up,
            seed=config.seed,
            progress=progress.reach,
        )

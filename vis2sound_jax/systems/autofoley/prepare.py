"""Prepares clips: writes the procedural world of twelve classes where the config names it, then builds the records."""

from pathlib import Path
from typing import Any

from vis2sound_jax.run.prepare import prepare_folder
from vis2sound_jax.run.recordings import PROCEDURAL, data_name, media_form, recordings_dir
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.world.sounds12 import CLASSES
from vis2sound_jax.world.sounds12.writer import write_sounds12


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes `workdir/data/prepared` from `config.data.recordings`.

    Args:
      config: the settings; `config.world` counts the procedural clips of a class.
      workdir: of the run.

    Returns:
      Where the records are, how many, and how many clips were left out.
    """
    folder, world = recordings_dir(config, workdir), config.world
    if config.data.recordings == PROCEDURAL:
        total = len(CLASSES) * (world.train + world.test)
        with Progress(total, "procedural clips", unit="clip") as progress:
            write_sounds12(
                folder,
                train=world.train,
                test=world.test,
                seconds=world.seconds,
                form=media_form(config),
                seed=config.seed,
                progress=progress.reach,
            )
    report = prepare_folder(config, folder, prepared_dir(workdir))
    return {
        "prepared": str(prepared_dir(workdir)),
        "recordings": report.recordings,
        "skipped": len(report.skipped),
        "data": data_name(config),
    }

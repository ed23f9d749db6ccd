"""Prepares recordings: writes the procedural world where the config names it, then builds the records."""

import dataclasses
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import BuilderSpec
from vis2sound_jax.prepare.dataset import PrepareReport, prepare
from vis2sound_jax.prepare.shards import sources_digest
from vis2sound_jax.run.marks import read_json
from vis2sound_jax.run.origin import PROCEDURAL, is_own
from vis2sound_jax.run.recordings import data_name, media_form, recordings_dir
from vis2sound_jax.run.workdir import origin_path, other_data_dir, prepared_dir
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.whole import write_json
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
    write_json(origin_path(prepared_dir(workdir)), _origin(config, folder))
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


def other_data(config: Any, workdir: Path) -> Path | None:
    """Prepares recordings that a run was not trained on, and again where any of them was changed, added or removed.

    Args:
      config: the settings, as they are now.
      workdir: of the run.

    Returns:
      The folder of the records; None where the recordings are the run's own.

    Raises:
      UserError: as `prepare`, or if there is no such folder.
    """
    if is_own(config, workdir):
        return None
    folder = recordings_dir(config, workdir)
    prepared = other_data_dir(workdir, folder) / "prepared"
    origin = _origin(config, folder)
    if read_json(origin_path(prepared)) != origin or not (prepared / "dataset_info.json").exists():
        prepared.parent.mkdir(parents=True, exist_ok=True)
        origin_path(prepared).unlink(missing_ok=True)
        prepare_folder(config, folder, prepared)
        write_json(origin_path(prepared), origin)
    return prepared


def _origin(config: Any, folder: Path) -> dict[str, Any]:
    """Says of which folder, of which files and in what form records are made."""
    data, form = config.data, media_form(config)
    spec = BuilderSpec(data.builder, {"recordings_dir": os.fspath(folder), "split": data.split, "form": form})
    with tempfile.TemporaryDirectory() as scratch:
        builder = spec.open(scratch)
        lists = builder.recording_ids()
    ids = [name for split in lists.values() for name in split]
    return {
        "recordings": os.fspath(folder.resolve()),
        "builder": [data.builder, data.split, data.max_bad_share, *dataclasses.astuple(form)],
        "lists": hashlib.sha256(json.dumps(lists).encode()).hexdigest(),
        "files": sources_digest(builder, ids),
    }


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

"""The folder in which a preparation grows beside its output, so that an interrupted one goes on."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import vis2sound_jax
from vis2sound_jax import file_lock
from vis2sound_jax.errors import file_error
from vis2sound_jax.prepare.builders import BuilderSpec
from vis2sound_jax.prepare.records import RECORD_FORM
from vis2sound_jax.prepare.shards import FACTS, RECORDS, WRITING, ShardJob
from vis2sound_jax.prepare.workers import COUNTS
from vis2sound_jax.whole import write_whole

_SETTINGS, _REPLACED, _LOCK = "settings.json", "replaced", "lock"


def unfinished_path(output_dir: Path) -> Path:
    """Names the folder of an unfinished preparation: hidden, beside the output."""
    return output_dir.with_name(f".{output_dir.name}.partial")


@contextlib.contextmanager
def hold_unfinished(output_dir: Path, spec: BuilderSpec, jobs: Sequence[ShardJob]) -> Iterator[Path]:
    """Opens the folder of a preparation for this process alone; finished shards in it are kept.

    What was begun with another version, form of records, builder, settings or lists is deleted.

    Args:
      output_dir: where the records go in the end.
      spec: the builder.
      jobs: all shards.

    Yields:
      The folder.

    Raises:
      UserError: if another process prepares the same output, or the file system has no locks.
    """
    folder = unfinished_path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            ours = file_lock.take(lock)
        except OSError as error:
            if error.errno not in file_lock.NO_LOCKS:
                raise
            raise file_error(
                output_dir, "its file system has no locks", "prepare on a local disk and copy the folder"
            ) from error
        if not ours:
            raise file_error(output_dir, "another process is preparing it", "wait for it or name another folder")
        if (folder / _REPLACED).exists() and not output_dir.exists():
            os.replace(folder / _REPLACED, output_dir)
        _clear(folder, _describe(spec, jobs))
        yield folder


def put_in_place(folder: Path, output_dir: Path) -> None:
    """Makes finished records the output, in place of what was there, and deletes the rest of the folder.

    Args:
      folder: of the preparation, as `hold_unfinished` yields it.
      output_dir: where the records go.
    """
    if output_dir.exists():
        os.replace(output_dir, folder / _REPLACED)
    os.replace(folder / RECORDS, output_dir)
    shutil.rmtree(folder)


def _clear(folder: Path, settings: str) -> None:
    """Deletes what was left half done, and everything if it was begun otherwise."""
    path = folder / _SETTINGS
    same = path.exists() and path.read_text(encoding="utf-8") == settings
    for name in (_REPLACED, WRITING, COUNTS) if same else (_REPLACED, WRITING, COUNTS, RECORDS, FACTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (WRITING, COUNTS, RECORDS, FACTS):
        (folder / name).mkdir(exist_ok=True)
    if not same:
        write_whole(path, settings)


def _describe(spec: BuilderSpec, jobs: Sequence[ShardJob]) -> str:
    lists = hashlib.sha256(json.dumps([dataclasses.asdict(job) for job in jobs]).encode()).hexdigest()
    version = vis2sound_jax.__version__
    begun = {"version": version, "record_form": RECORD_FORM, **dataclasses.asdict(spec), "lists": lists}
    return json.dumps(begun, indent=1) + "\n"

"""The decoded films of a training: kept in the folder of the run while it is trained, and removed afterwards."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax.data.decoded import GreyFilm, grey_films, remove_films
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.run import hosts
from vis2sound_jax.run.workdir import decoded_dir
from vis2sound_jax.training.progress import Progress


def decoded_films(config: Any, workdir: Path, folder: str, records: Sequence[Record]) -> list[GreyFilm]:
    """Decodes the recordings of a training once, if they fit; a training that goes on finds them.

    Args:
      config: the settings; `config.training.decoded_gb` is the most they may take.
      workdir: of the run.
      folder: of the training in the workdir.
      records: what it learns from.

    Returns:
      One film a recording; None for all where they do not fit.

    Raises:
      UserError: if what is kept is damaged, or cannot be written.
    """
    limit = 1e9 * config.training.decoded_gb
    name = f"films decoded for {folder}"
    with hosts.first_then_others(name), Progress(len(records), "decoding", unit="recording") as progress:
        return grey_films(records, decoded_dir(workdir), folder, limit_bytes=limit, progress=progress.reach)


def removal(workdir: Path, folder: str) -> Callable[[], None]:
    """What removes the decoded films of a training when it is finished; see `Material.finished`.

    Args:
      workdir: of the run.
      folder: of the training in the workdir.
    """
    return functools.partial(remove_films, decoded_dir(workdir), folder)

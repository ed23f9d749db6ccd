"""Makes films with sound: of the user's film, or, as a stage, of held-out clips."""

from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.prepare.records import Record
from vis2sound_jax.run.delivery import PLAIN, delivery_of
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.recordings import data_name, open_split
from vis2sound_jax.run.requested_film import asks_for_film, make_film, output_of, summary_of
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.run.steps import Request
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.autofoley.chain import ClassFoley, load
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.film import Film

_FILES = {"video": "FILM", "output": "FILM.mp4"}
_ENLARGED = 4
"""Small frames are enlarged by this for people to watch."""


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes what `config.request` asks for; without a request, `config.generate.films` held-out films.

    Args:
      config: the settings.
      workdir: of a finished run.

    Returns:
      What was written.

    Raises:
      UserError: if a file cannot be used or written, there is no such class, or the run was begun with other settings.
    """
    asked = config.request
    wanted = asks_for_film(asked, _FILES)
    check_before(config, workdir)
    foley = load(workdir, config)
    if wanted:
        request = Request(seed=asked.seed, options={"class": asked["class"]})
        output, delivery = output_of(asked), delivery_of(asked)
        return summary_of(
            make_film(foley, Path(asked.video), request, output, delivery, overwrite=asked.overwrite), output
        )
    written = write_held_out(config, workdir, foley, workdir / "generate", config.generate.films)
    return {"films": len(written), "folder": str(workdir / "generate"), "data": data_name(config)}


def write_held_out(config: Any, workdir: Path, foley: ClassFoley, folder: Path, count: int) -> list[Path]:
    """Writes test clips with their new sound, of as many classes as there are films.

    Args:
      config: the settings.
      workdir: of the run.
      foley: the chain.
      folder: where to; made if it is not there.
      count: films.

    Returns:
      The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    records, written = open_split(config, prepared_dir(workdir), "test"), []
    for k in np.unique(np.linspace(0, len(records) - 1, min(count, len(records))).round().astype(int)):
        record = records[int(k)]
        path = folder / f"{record['id'].replace('/', '_')}.mp4"
        result = foley.generate(film_of(record), Request(seed=config.seed))
        write_result(result, path, PLAIN, overwrite=True)  # the folder is the run's own
        written.append(path)
    return written


def film_of(record: Record) -> Film:
    """The film of a record, enlarged where it is small."""
    frames = np.stack([decode_jpeg(data) for data in record["frames"]])
    scale = _ENLARGED if frames.shape[1] < 200 else 1
    return Film.of_frames(frames.repeat(scale, axis=1).repeat(scale, axis=2), record["fps"], record["id"])

"""The film that `--job=generate` is asked for: checked before the work, made, written. The same for every system."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.delivery import PLAIN, Delivery, check_delivery, delivery_of
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.outputs import check_apart, check_output, files_of
from vis2sound_jax.run.owned import check_free
from vis2sound_jax.run.steps import Request, System, generate
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.video.edits import check_copy
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.target import FILM_SUFFIXES, PCM_SUFFIXES

_LONG_S = 600.0


def output_of(request: Any) -> Path:
    """Says where the film of the best take goes.

    Args:
      request: `config.request` of a job with the flags `video`, `output` and `run.requests.DELIVERY`.

    Returns:
      `output`; where it is not given `<name of the film>_sound` in the current folder, in a container that holds the
      sound as it is asked for.
    """
    if request.output:
        return Path(request.output)
    film = Path(request.video)
    suffix = film.suffix.lower()
    fits = suffix in FILM_SUFFIXES and not (request.pcm and suffix not in PCM_SUFFIXES)
    if not fits:
        suffix = ".mp4" if not request.pcm else ".mkv" if suffix == ".webm" else ".mov"
    return Path(f"{film.stem}_sound{suffix}")


def asks_for_film(request: Any, files: Mapping[str, str], *, takes: int = 1) -> bool:
    """Tells whether a request names a film to make, and checks where it goes.

    Args:
      request: `config.request` of a job with the flags `run.requests.DELIVERY`.
      files: the flags that name files, `output` last, and how a user would write their values; all but it are needed.
      takes: films that will be written.

    Returns:
      False where none of the files is named.

    Raises:
      UserError: if only some are named, the output cannot be written, it would replace what it is made from or what
        this program did not write, or the film cannot be delivered as it is asked for.
    """
    if not any(request[name] for name in files):
        return False
    needed = [name for name in files if name != "output"]
    if not all(request[name] for name in needed):
        words = " and ".join(f"--{name}={files[name]}" for name in needed)
        raise UserError(f"--job=generate needs {words}; --output={files['output']} says where the film goes")
    output = output_of(request)
    check_output(output, FILM_SUFFIXES)
    check_apart(output, [path for name in files if name != "output" for path in _paths(request[name])], takes=takes)
    check_free(
        output.with_suffix(".json"), [path.name for path in files_of(output, takes)], overwrite=request.overwrite
    )
    check_delivery(delivery_of(request), Path(request.video), output)
    return True


def _paths(value: str | Sequence[str]) -> list[Path]:
    """The files of a flag that may be given once or several times."""
    return [Path(value)] if isinstance(value, str) else [Path(one) for one in value]


def make_film(
    system: System,
    video: Path,
    request: Request,
    output: Path,
    delivery: Delivery = PLAIN,
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Takes a film through all steps and writes what was made.

    Args:
      system: a trained run.
      video: the silent film; it is opened once.
      request: what is asked.
      output: the film of the best take.
      delivery: how the sound is handed over.
      overwrite: whether files that this program did not write may be replaced.

    Returns:
      The manifest; see `run.manifest`.

    Raises:
      UserError: if a file cannot be used or written.
    """
    with Film.open(video) as film, Progress(None, output.name, unit="column") as progress:
        _tell(film)
        if film.media is not None:
            check_copy(film.media, film.facts, output)
        return write_result(generate(system, film, request, progress.reach), output, delivery, overwrite=overwrite)


def _tell(film: Film) -> None:
    """Says before the work how long it will be, and what was made of an unusual clock."""
    if film.duration_s >= _LONG_S:
        print(f"{film.name}: lasts {datetime.timedelta(seconds=round(film.duration_s))}", flush=True)
    if film.facts.joined_at_s:
        places = ", ".join(f"{begins_s:.2f}" for begins_s in film.facts.joined_at_s)
        print(f"{film.name}: its clock begins again at {places} s; its parts follow one another", flush=True)


def summary_of(manifest: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """Says what `make_film` wrote.

    Args:
      manifest: as it returned it.
      output: the film of the best take.

    Returns:
      The films and how much is in them.
    """
    return {
        "film": str(output),
        "manifest": str(output.with_suffix(".json")),
        "takes": len(manifest["takes"]),
        "events": len(manifest["events"]),
    }

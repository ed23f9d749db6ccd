"""Makes films with sound: of the user's film, or, as a stage, of held-out recordings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.delivery import PLAIN, Delivery, delivery_of, level_of
from vis2sound_jax.run.made_films import clear_films, note_films
from vis2sound_jax.run.outputs import film_of
from vis2sound_jax.run.recordings import data_name, film_files, open_split, recordings_dir
from vis2sound_jax.run.requested_film import asks_for_film, make_film, output_of, summary_of
from vis2sound_jax.run.steps import Request
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.engines import Options

_FILES = {"video": "FILM", "example": "FILM_OR_SOUND", "output": "FILM.mp4"}


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes what `config.request` asks for; without a request, `config.generate.films` held-out films.

    Args:
      config: the settings.
      workdir: of a finished run.

    Returns:
      What was written.

    Raises:
      UserError: if a file cannot be used or written.
    """
    asked = config.request
    if not asks_for_film(asked, _FILES, takes=asked.takes):
        return _held_out(config, workdir)
    request = Request(asked.example, asked.takes, asked.seed, _options(asked), tracks_of(asked.example_track))
    foley, video, output = chain.load(workdir, config), Path(asked.video), output_of(asked)
    return _make(foley, video, request, output, delivery_of(asked), overwrite=asked.overwrite)


def tracks_of(values: Sequence[str]) -> tuple[int, ...]:
    """Reads the flag `example_track`.

    Args:
      values: as they stand on the command line; each may be a list with commas.

    Returns:
      The numbers.

    Raises:
      UserError: for what is no number from 1.
    """
    words = [word.strip() for value in values for word in value.split(",")]
    for word in words:
        if not word.isdecimal() or int(word) < 1:
            raise UserError(f"--example_track={word} is no track; give a number from 1, or several with commas between")
    return tuple(map(int, words))


def _options(asked: Any) -> dict[str, Any]:
    """Reads what the command line asks of the engine, and refuses it before any work where it makes no sense."""
    options = {
        "engine": asked.engine,
        "start_s": None if asked.start < 0 else asked.start,
        "vary": asked.vary,
        "tone_db": level_of("tone", asked.tone),
        "rate_hz": asked.rate,
    }
    Options.of(options)
    return options


def _make(
    foley: chain.Foley, video: Path, request: Request, output: Path, delivery: Delivery = PLAIN, *, overwrite: bool
) -> dict[str, Any]:
    manifest = make_film(foley, video, request, output, delivery, overwrite=overwrite)
    if not manifest["events"]:
        print(f"{output.name}: no event is seen in the film; try --engine=codes, or a run that is trained", flush=True)
    if manifest["accepted"] is False:
        print(_unaccepted(output.name, manifest["takes"][0], foley.config.decoding.tolerance_s), flush=True)
    return summary_of(manifest, output)


def _unaccepted(name: str, best: Mapping[str, Any], tolerance_s: float) -> str:
    """Says that the first take is only the surest of those that are out of step."""
    return (
        f"{name}: no take keeps time with the film within {tolerance_s} s; the surest seems {best['offset_s']:+.2f} s "
        f"late (confidence {best['confidence']:.2f}); try more --takes or another --seed"
    )


def _held_out(config: Any, workdir: Path) -> dict[str, Any]:
    """Sounds test films by another test film's example, every second one by its own recording's."""
    folder, target = recordings_dir(config, workdir), workdir / "generate"
    records = open_split(config, prepared_dir(workdir), "test")
    target.mkdir(exist_ok=True)
    names = [records[k]["id"] for k in range(min(len(records), config.generate.films + 1))]
    paths = film_files(config, folder, names)
    foley = chain.load(workdir, config)
    pairs = [(names[k % len(names)], names[(k + k % 2) % len(names)]) for k in range(config.generate.films)]
    films = [f"{k:02d}_{video}_like_{example}.mp4" for k, (video, example) in enumerate(pairs)]
    takes = config.generate.takes
    clear_films(target)
    note_films(target, [film_of(Path(film), take).name for film in films for take in range(takes)])
    for k, (video, example) in enumerate(pairs):
        request = Request(example=paths[example], takes=takes, seed=config.seed + k)
        _make(foley, paths[video], request, target / films[k], overwrite=True)  # the folder is the run's own
    return {"films": len(films), "folder": str(target), "data": data_name(config)}

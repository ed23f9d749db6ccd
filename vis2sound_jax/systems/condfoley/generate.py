"""Makes films with sound: of the user's film, or, as a stage, of held-out recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.exchange.events import EventList, FilmClock
from vis2sound_jax.exchange.formats import form_to_write, read_events
from vis2sound_jax.run.delivery import PLAIN, Delivery, delivery_of, level_of
from vis2sound_jax.run.made_films import clear_films, note_films
from vis2sound_jax.run.outputs import check_apart, check_output, film_of
from vis2sound_jax.run.owned import check_free, hidden_manifest
from vis2sound_jax.run.recordings import data_name, film_files, open_split, recordings_dir
from vis2sound_jax.run.requested_film import asks_for_film, make_film, output_of, summary_of
from vis2sound_jax.run.steps import Request
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.edits import clock_of, is_pinned, list_of_result, write_list
from vis2sound_jax.systems.condfoley.engines import CODES, EXEMPLAR, Options
from vis2sound_jax.systems.condfoley.listed_system import ListedSystem
from vis2sound_jax.video.film import Film

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
    if (asked.events or asked.events_out) and not asked.video:
        raise UserError("--events and --events_out go with --video=FILM and --example=FILM_OR_SOUND")
    if not asks_for_film(asked, _FILES, takes=asked.takes):
        return _held_out(config, workdir)
    request = Request(asked.example, asked.takes, asked.seed, _options(asked), tracks_of(asked.example_track))
    clock, events = _events(asked)
    if events is not None and is_pinned(events):
        request = replace(request, takes=1)  # nothing is left to chance, so that all takes would be the same
    system = ListedSystem(chain.load(workdir, config), events, looks=asked.engine != EXEMPLAR)
    done = _make(system, Path(asked.video), request, output_of(asked), delivery_of(asked), overwrite=asked.overwrite)
    if asked.events_out and system.result is not None:
        write_list(
            asked.events_out,
            list_of_result(system.result, clock, system.foley.rule),
            asked.format,
            overwrite=asked.overwrite,
        )
        done["events_out"] = asked.events_out
    return done


def _events(asked: Any) -> tuple[FilmClock, EventList | None]:
    """Reads the list of a request and checks where another one goes, before any work."""
    if asked.events:
        if asked.engine == CODES:
            raise UserError("--events goes with --engine=exemplar or both; codes are composed for the whole film")
        check_apart(output_of(asked), [Path(asked.events)], takes=asked.takes)
    form = form_to_write(asked.events_out, asked.format) if asked.events_out else None
    if form is not None:
        if asked.engine == CODES:
            raise UserError("--events_out goes with --engine=exemplar or both; codes have no events of their own")
        check_output(Path(asked.events_out), form.suffixes)
        inputs = [Path(path) for path in (asked.events, asked.video, *asked.example) if path]
        written = [output_of(asked).with_suffix(suffix) for suffix in (output_of(asked).suffix, ".wav", ".json")]
        if Path(asked.events_out).resolve() in {path.resolve() for path in (*inputs, *written)}:
            raise file_error(asked.events_out, "is another file of this request", "name another --events_out")
        check_free(hidden_manifest(Path(asked.events_out)), (Path(asked.events_out).name,), overwrite=asked.overwrite)
    elif asked.format:
        raise UserError("--format goes with --events_out; the form of --events is told by the file itself")
    if not (asked.events or form or asked.timecode):
        return FilmClock(), None
    with Film.open(Path(asked.video)) as film:
        clock = clock_of(film, asked.timecode)
    if form is not None and form.timed:
        clock.timed(asked.events_out)
    return clock, _read(asked, clock) if asked.events else None


def _read(asked: Any, clock: FilmClock) -> EventList:
    events = read_events(asked.events, clock, asked.seed)
    if events.seed != asked.seed:
        print(f"{asked.events}: was made with --seed={events.seed}, which gives other sounds", flush=True)
    return replace(events, clock=clock)


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
    foley: chain.Foley | ListedSystem,
    video: Path,
    request: Request,
    output: Path,
    delivery: Delivery = PLAIN,
    *,
    overwrite: bool,
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
    named = [f"{k:02d}_{video}_like_{example}.mp4" for k, (video, example) in enumerate(pairs)]
    films = [name.replace("/", "_") for name in named]  # ids of clips by class
    takes = config.generate.takes
    clear_films(target)
    note_films(target, [film_of(Path(film), take).name for film in films for take in range(takes)])
    for k, (video, example) in enumerate(pairs):
        request = Request(example=paths[example], takes=takes, seed=config.seed + k)
        _make(foley, paths[video], request, target / films[k], overwrite=True)  # the folder is the run's own
    return {"films": len(films), "folder": str(target), "data": data_name(config)}

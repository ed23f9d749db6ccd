"""Runs every film of a folder with several of the others as examples, and lays all out in one report."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.report.contact_sheet import contact_sheet
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import Example, Picture, Report
from vis2sound_jax.report.pictures import MelPanel
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.owned import check_document, check_free, foreign
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.engines import heard_at
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.video.film import Film
from vis2sound_jax.whole import write_json

_REPORT, _LIST = "report.html", "sheet.json"
_FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


class _Made(NamedTuple):
    """One film with the sound of one example."""

    video: Path
    example: Path
    output: Path
    wav: np.ndarray


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes one take for every film and each of its examples, which are the films after it in order of name.

    Args:
      config: `config.request.films`, `.examples`, `.output`, `.seed`, `.engine` and `.overwrite`.
      workdir: of a finished run.

    Returns:
      The report, the number of films made of those asked for, and how many files could not be used.

    Raises:
      UserError: if a folder cannot be used or no film could be made.
    """
    request = config.request
    if not (request.films and request.output):
        raise UserError("--job=sheet needs --films=FOLDER and --output=FOLDER")
    films, folder = _films(Path(request.films)), _folder(Path(request.output), Path(request.films))
    _check_free(folder, overwrite=request.overwrite)
    foley = chain.load(workdir, config)
    folder.mkdir(exist_ok=True)
    made: list[_Made] = []
    bad: dict[Path, str] = {}
    wanted = len(films) * min(request.examples, len(films) - 1)
    with Progress(wanted, "films", unit="film") as progress:
        for place in range(len(films)):
            for one in _of_film(foley, films, place, request, folder, bad):
                made.append(one)
                progress.reach(len(made), wanted)
    if not made:
        raise UserError(f"{request.films}: no film could be made, beginning with {next(iter(bad.values()))}")
    summary = {"films": len(made), "of": wanted, "not_usable": len(bad)}
    _write(folder, foley, made, bad, summary)
    return {"report": str(folder / _REPORT), **summary}


def _films(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise file_error(folder, "there is no such folder of films", "check --films")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _FILMS and path.is_file())
    if len(found) < 2:
        raise file_error(folder, f"holds {len(found)} films", "name a folder with at least two films as --films")
    return found


def _folder(folder: Path, films: Path) -> Path:
    if folder.resolve() == films.resolve():
        raise file_error(folder, "is the folder of the films themselves", "name another --output")
    if folder.exists() and not folder.is_dir():
        raise file_error(folder, "is a file", "name a folder as --output")
    if not folder.absolute().parent.is_dir():
        raise file_error(folder.absolute().parent, "there is no such folder", "make it or name another --output")
    return folder


def _check_free(folder: Path, *, overwrite: bool) -> None:
    """Refuses a folder with a report, or films of such names, that are not of an earlier sheet."""
    listed, report = folder / _LIST, folder / _REPORT
    check_document(listed, ("made", "left_out"), overwrite=overwrite)
    if report.exists() and not listed.exists() and not overwrite:
        raise foreign(report)
    for film in folder.glob("[0-9][0-9]_*_like_*.mp4"):
        check_free(film.with_suffix(".json"), [film.name, film.with_suffix(".wav").name], overwrite=overwrite)


def _of_film(
    foley: chain.Foley, films: list[Path], place: int, asked: Any, folder: Path, bad: dict[Path, str]
) -> Iterator[_Made]:
    """Watches a film once and gives it the sound of others; goes on to the next where one cannot be used."""
    video, done = films[place], 0
    try:
        film = Film.open(video)
    except UserError as error:
        _leave_out(bad, video, error)
        return
    with film:
        try:
            watched = foley.watch(film)
        except UserError as error:
            _leave_out(bad, video, error)
            return
        for example in films[place + 1 :] + films[:place]:
            if done == asked.examples:
                return
            if example in bad:
                continue
            output = folder / f"{place:02d}_{done + 1}_{video.stem}_like_{example.stem}.mp4"
            try:
                composed = foley.compose(watched, Request(example, seed=asked.seed, options={"engine": asked.engine}))
            except UserError as error:
                _leave_out(bad, example, error)
                continue
            result = foley.rank(foley.sound(composed))
            write_result(result, output, overwrite=asked.overwrite)
            done += 1
            wav = heard_at(result.wavs[result.best], result.rate_hz, foley.rate_hz)
            yield _Made(video, example, output, wav)


def _leave_out(bad: dict[Path, str], file: Path, error: UserError) -> None:
    """Notes that a file cannot be used; an error about anything else, such as a full disk, is no fault of it."""
    if error.path != file:
        raise error
    bad[file] = str(error)


def _write(folder: Path, foley: chain.Foley, made: list[_Made], bad: dict[Path, str], summary: dict[str, Any]) -> None:
    report = Report(
        title=f"{summary['films']} of {summary['of']} films with the sounds of others",
        data=f"films of {made[0].video.parent.name}; networks trained on {foley.trained_on}",
        pictures=[Picture(_picture(made, foley.rate_hz), "log-mels of all takes, a row for every film")],
        examples=[
            Example(
                title=one.output.stem,
                note=f"film {one.video.name}, example {one.example.name}",
                rate_hz=foley.rate_hz,
                sounds={},
                film=one.output.name,
            )
            for one in made
        ],
        left_out=list(bad.values()),
    )
    write_report(folder / _REPORT, report)
    listed = [{"film": one.output.name, "video": one.video.name, "example": one.example.name} for one in made]
    write_json(folder / _LIST, {**summary, "made": listed, "left_out": list(bad.values())})


def _picture(made: list[_Made], rate_hz: int) -> bytes:
    rows: dict[str, list[MelPanel]] = {}
    for one in made:
        panel = MelPanel(f"like {one.example.stem}", one.wav, onset_times(one.wav, rate_hz))
        rows.setdefault(one.video.name, []).append(panel)
    return contact_sheet(list(rows.items()), rate_hz)

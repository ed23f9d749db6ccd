"""Runs every film of a folder with several of the others as examples, and lays all out in one report."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.report.contact_sheet import MelCell, cell_of, contact_sheet
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import Example, Picture, Report
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.marks import plain
from vis2sound_jax.run.owned import check_document, check_free, foreign
from vis2sound_jax.run.stage import FREE
from vis2sound_jax.run.steps import Request, Watched
from vis2sound_jax.system_files import shown
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.kept_sounds import KeptSounds
from vis2sound_jax.systems.condfoley.sheet_list import SHEET, Made, SheetList
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.video.film import Film

_REPORT = "report.html"
_FILMS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Makes one take for every film and each of its examples, which are the films after it in order of name.

    `sheet.json` is written after every take and `report.html` after every film. Takes that the folder holds, made of
    the same files with the same settings, are not made again.

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
    wanted = len(films) * min(request.examples, len(films) - 1)
    sheet, maker = SheetList(folder, _settings(foley, request), films), _Maker(foley, folder, request)
    pictures: list[Picture] = []
    data = f"films of {_told(Path(request.films).absolute())}; networks trained on {foley.trained_on}"
    with Progress(wanted, "films", unit="film") as progress:
        for place, video in enumerate(films):
            row = []
            for one in maker.of_film(sheet, films, place):
                sheet.add(one, wanted)
                row.append(_cell(folder, one, foley.rate_hz))
                progress.reach(len(sheet.made), wanted)
            if row:
                caption = f"log-mels of the takes of {_told(video)}"
                pictures.append(Picture(contact_sheet([(_told(video), row)]), caption))
                _write(folder, data, sheet, pictures, wanted)
    if not sheet.made:
        raise UserError(f"{request.films}: no film could be made, beginning with {next(iter(sheet.left_out.values()))}")
    _write(folder, data, sheet, pictures, wanted)
    return {"report": str(folder / _REPORT), **sheet.save(wanted)}


def _films(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise file_error(folder, "there is no such folder of films", "check --films")
    found = [path for path in shown(folder.iterdir()) if path.suffix.lower() in _FILMS and path.is_file()]
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
    listed, report = folder / SHEET, folder / _REPORT
    check_document(listed, ("made", "left_out"), overwrite=overwrite)
    if report.exists() and not listed.exists() and not overwrite:
        raise foreign(report)
    for film in folder.glob("[0-9][0-9]_*_like_*.mp4"):
        check_free(film.with_suffix(".json"), [film.name, film.with_suffix(".wav").name], overwrite=overwrite)


def _settings(foley: chain.Foley, asked: Any) -> Any:
    """What a take depends on beside its two files."""
    known = {key: value for key, value in plain(foley.config).items() if key not in FREE}
    return [known, dict(foley.steps), asked.seed, asked.engine]


class _Maker:
    """Makes the takes of a request."""

    def __init__(self, foley: chain.Foley, folder: Path, asked: Any) -> None:
        self._foley, self._folder, self._asked = foley, folder, asked
        self._sounds = KeptSounds()

    def of_film(self, sheet: SheetList, films: list[Path], place: int) -> Iterator[Made]:
        """Gives a film the sound of others; goes on to the next where one cannot be used.

        Args:
          sheet: what was made; gets what cannot be used.
          films: all of the request.
          place: of the film among them.

        Yields:
          Its takes.
        """
        video, done, watched = films[place], 0, None
        try:
            for example in films[place + 1 :] + films[:place]:
                if done == self._asked.examples:
                    return
                digest = sheet.digest(video, example)
                one = sheet.kept(digest)
                if one is None and example not in sheet.left_out:
                    watched = watched or self._watched(sheet, video)
                    if watched is None:
                        return
                    name = sheet.name_for(place, done + 1, video, example)
                    one = self._make(sheet, watched, example, name, digest)
                if one is not None:
                    done += 1
                    yield one
        finally:
            if watched is not None:
                watched.film.close()

    def _watched(self, sheet: SheetList, video: Path) -> Watched | None:
        try:
            film = Film.open(video)
        except UserError as error:
            _leave_out(sheet, video, error)
            return None
        try:
            return self._foley.watch(film)
        except UserError as error:
            film.close()
            _leave_out(sheet, video, error)
            return None

    def _make(self, sheet: SheetList, watched: Watched, example: Path, name: str, digest: str) -> Made | None:
        options = {"engine": self._asked.engine}
        try:
            opened = self._sounds.open(example)
        except UserError as error:
            _leave_out(sheet, example, error)
            return None
        with opened:
            try:
                composed = self._foley.compose(watched, Request(opened, seed=self._asked.seed, options=options))
            except UserError as error:
                _leave_out(sheet, example, error)
                return None
            result = self._foley.rank(self._foley.sound(composed))
            manifest = write_result(result, self._folder / name, overwrite=self._asked.overwrite)
        take = manifest["takes"][0]
        video = Path(str(watched.film.path))
        return Made(take["film"], take["sound"], _told(video), _told(example), digest)


def _told(path: Path) -> str:
    """The name of a file as text that every program reads, whatever its bytes are."""
    return path.name.encode("utf-8", "backslashreplace").decode()


def _leave_out(sheet: SheetList, file: Path, error: UserError) -> None:
    """Notes that a file cannot be used; an error about anything else, such as a full disk, is no fault of it."""
    if error.path != file:
        raise error
    sheet.left_out[file] = str(error)


def _cell(folder: Path, one: Made, rate_hz: int) -> MelCell:
    """A picture of a take as it is heard from its file; the sound itself is not kept."""
    wav = read_sound(folder / one.sound, rate_hz)
    return cell_of(f"like {Path(one.example).stem}", wav, onset_times(wav, rate_hz), rate_hz)


def _write(folder: Path, data: str, sheet: SheetList, pictures: list[Picture], wanted: int) -> None:
    counts = sheet.save(wanted)
    report = Report(
        title=f"{counts['films']} of {wanted} films with the sounds of others",
        data=data,
        pictures=pictures,
        examples=[
            Example(
                title=Path(one.film).stem,
                note=f"film {one.video}, example {one.example}",
                rate_hz=1,
                sounds={},
                film=one.film,
            )
            for one in sheet.made
        ],
        left_out=[sheet.left_out[path] for path in sorted(sheet.left_out)],
    )
    write_report(folder / _REPORT, report)

"""Laws of the contact sheet of a folder: every film with several examples, and bad files are listed and passed by."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from tests.tiny_run import call, command
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run.steps import Composed, Events, Request, Result, Watched
from vis2sound_jax.systems.condfoley import sheet
from vis2sound_jax.systems.condfoley.sheet_list import Made, SheetList
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import write_film


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good films, one without sound, one far shorter than a window, one that is no film, and another file."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (40, 30, 50, 3), np.uint8)
    noise = (0.2 * rng.standard_normal(2 * 16000)).astype(np.float32)
    noise[::4000] = 0.9
    write_film(folder / "a.mp4", frames, 25.0, wav=noise, rate_hz=16000)
    write_film(folder / "b.mp4", frames[:35], 20.0, wav=noise, rate_hz=16000)
    write_film(folder / "mute.mp4", frames, 25.0)
    write_film(folder / "short.mp4", frames[:9], 25.0, wav=noise[:5000], rate_hz=16000)
    (folder / "text.mp4").write_text("no film, but words\n" * 50)
    (folder / "list.json").write_text("{}")
    return folder


def test_every_film_is_tried_and_what_cannot_be_used_is_listed(tiny_run: Path, films: Path, tmp_path: Path) -> None:
    output = tmp_path / "sheet"
    answer = call(
        *command(tiny_run, "--job=sheet", f"--films={films}", "--examples=2", "--engine=codes", f"--output={output}")
    )
    assert answer.code == 0, answer.err
    told = json.loads((output / "sheet.json").read_text())
    # The mute film and the text cannot be heard, so the others are each other's examples; the mute film has two.
    made = {(one["video"], one["example"]) for one in told["made"]}
    heard = ("a.mp4", "b.mp4", "short.mp4")
    assert {(one, other) for one in heard for other in heard if one != other} <= made
    assert {video for video, _ in made} == {*heard, "mute.mp4"}
    assert (told["films"], told["of"], told["not_usable"]) == (8, 10, 2)
    for name in ("mute.mp4", "text.mp4"):
        assert any(reason.startswith(f"{films / name}: ") for reason in told["left_out"])
    for one in told["made"]:
        info = probe(output / one["film"])
        assert info.has_sound and abs(info.duration_s - probe(films / one["video"]).duration_s) < 1 / 20
    page = (output / "report.html").read_text()
    assert page.count("<video") == 8 and "data:image/png;base64," in page and "What could not be used" in page
    assert not list(output.glob(".*"))


def test_a_folder_with_files_of_the_user_is_told_before_the_work(tmp_path: Path) -> None:
    def check(*, overwrite: bool = False) -> None:
        sheet._check_free(tmp_path, overwrite=overwrite)

    check()
    for name in ("report.html", "sheet.json", "00_1_a_like_b.mp4"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(UserError, match=f"{name}: is there already, and not as a file of this program; add --ov"):
            check()
        check(overwrite=True)
        (tmp_path / name).unlink()
    (tmp_path / "sheet.json").write_text('{"made": [], "left_out": []}')
    (tmp_path / "report.html").write_text("an earlier one")
    check()


class Foley:
    """Stands for a trained run: it hears a click in the middle of every film, or has a problem with it."""

    rate_hz, trained_on, steps, config = 16000, "nothing", {"encoder": 1}, ConfigDict({"encoder": {"width": 4}})

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem, self.watched, self.composed = problem, list[str](), list[tuple[str, str]]()

    def watch(self, film: Film) -> Watched:
        self.watched.append(film.name)
        return Watched(film, Events(np.array([0.2]), np.array([0.9])), None)

    def compose(self, watched: Watched, request: Request) -> Composed:
        if self.problem:
            raise self.problem
        (example,) = request.opened()
        assert len(list(example.blocks(1.0))) > 0
        self.composed.append((watched.film.name, example.name))
        return Composed(watched, request, watched.events)

    def sound(self, composed: Composed) -> Result:
        wavs = np.zeros((1, round(composed.watched.film.duration_s * self.rate_hz)), np.float32)
        wavs[:, 3200:3300] = 0.5
        return Result(composed, wavs, self.rate_hz, composed.events, np.arange(1))

    def rank(self, result: Result) -> Result:
        return result


def asked(films: Path, output: Path, **more: Any) -> Any:
    request = {
        "films": str(films),
        "output": str(output),
        "examples": 2,
        "seed": 0,
        "engine": "exemplar",
        "overwrite": False,
    }
    request |= more
    return SimpleNamespace(request=SimpleNamespace(**request))


def told(output: Path) -> dict[str, Any]:
    return json.loads((output / "sheet.json").read_text())


def test_a_full_disk_is_no_fault_of_a_film(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the film nor the example is listed as not usable, whatever cannot be written or found."""
    full = file_error(tmp_path / "made.wav", "cannot be written (no space left on device)", "free some space")

    def write(*_: Any, **__: Any) -> None:
        raise full

    monkeypatch.setattr(sheet, "write_result", write)
    names, listed = [films / "a.mp4", films / "b.mp4"], SheetList(tmp_path, None)
    lacks = UserError("the run has no network that sees events; convert one")
    request = asked(films, tmp_path).request
    for problem, wanted in ((None, full), (lacks, lacks), (full, full)):
        with pytest.raises(UserError) as raised:
            list(sheet._Maker(Foley(problem), tmp_path, request).of_film(listed, names, 0))
        assert raised.value is wanted and not listed.left_out
    foley = Foley(file_error(names[1], "is silent", "give an example that can be heard"))
    assert list(sheet._Maker(foley, tmp_path, request).of_film(listed, names, 0)) == []
    assert list(listed.left_out) == [names[1]]


def test_the_same_command_goes_on_where_it_stopped(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list and the report grow; what is there, of the same files and settings, is not made again."""
    output, write = tmp_path / "sheet", sheet.write_result
    made: list[Path] = []

    def stop(result: Result, path: Path, **_: Any) -> Any:
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(path)
        return write(result, path)

    runs = [Foley() for _ in range(6)]
    foleys = iter(runs)
    monkeypatch.setattr(sheet.chain, "load", lambda *_: next(foleys))
    monkeypatch.setattr(sheet, "write_result", stop)
    with pytest.raises(KeyboardInterrupt):
        sheet.run(asked(films, output), tmp_path)
    assert [one["film"] for one in told(output)["made"]] == [path.name for path in made]
    assert (output / "report.html").read_text().count("<video") == 2  # those of the one film that has all
    monkeypatch.setattr(sheet, "write_result", write)
    sheet.run(asked(films, output), tmp_path)
    whole, page = told(output), (output / "report.html").read_bytes()
    assert len(whole["made"]) == whole["films"] > 3 and len(runs[1].composed) == whole["films"] - 3
    assert sheet.run(asked(films, output), tmp_path)["films"] == whole["films"]
    assert runs[2].composed == [] and runs[2].watched == [] and (output / "report.html").read_bytes() == page
    (output / whole["made"][0]["sound"]).unlink()
    sheet.run(asked(films, output), tmp_path)
    assert len(runs[3].composed) == 1 and told(output) == whole
    sheet.run(asked(films, output, seed=1), tmp_path)
    assert len(runs[4].composed) == whole["films"]
    # A smaller request leaves those of the larger one where they are, and says so.
    sheet.run(asked(films, output, seed=1, examples=1), tmp_path)
    fewer = told(output)
    assert runs[5].composed == [] and fewer["films"] + len(fewer["of_earlier_requests"]) == whole["films"]
    (output / "sheet.json").write_text("[")
    with pytest.raises(UserError, match="sheet.json: is damaged; delete it or name another --output"):
        SheetList(output, None)


def test_two_films_of_one_name_do_not_share_a_file(tmp_path: Path) -> None:
    listed = SheetList(tmp_path, None)
    first = listed.name_for(0, 1, Path("a.mp4"), Path("b.mp4"))
    listed.made.append(Made(first, "a.wav", "a.mp4", "b.mp4", ""))
    assert listed.name_for(0, 1, Path("a.mov"), Path("b.mp4")) == "00_1_a_like_b_2.mp4" != first


NAMES = (
    *("two words", "cash$_$", "q'u\"o`te", "<b>bold<b>", "two\nlines", "\u202e\u05e9\u05dc\u05d5\u05dd", "\U0001f941"),
    *("-dash", "con", "\udce9t\udce9", "a:b|c?*\\", "x" * 251, "\u00fc" * 125),
)
PASSED_BY = ("._x.mp4", ".hidden.mp4", ".DS_Store", "Thumbs.db", "desktop.ini", "lost+found", "@eaDir")


def test_films_of_any_name_are_made_and_told(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, output = tmp_path / "films", tmp_path / "<b>$_$ \udce9"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(films / "b.mp4", folder / f"{name}.mp4")
    for name in PASSED_BY:
        shutil.copy(films / "text.mp4", folder / name)
    foley = Foley()
    monkeypatch.setattr(sheet.chain, "load", lambda *_: foley)
    summary = sheet.run(asked(folder, output, examples=1), tmp_path)
    assert (summary["films"], summary["of"], summary["not_usable"]) == (len(NAMES), len(NAMES), 0)
    listed, page = told(output), (output / "report.html").read_text()
    assert len({one["film"] for one in listed["made"]}) == len(NAMES)
    for one in listed["made"]:
        assert one["film"].isprintable() and len(os.fsencode(one["film"])) < 220 and (output / one["film"]).is_file()
        json.dumps(one, ensure_ascii=False).encode()
    assert (
        "<b>bold" not in page and "&lt;b&gt;bold" in page and "\\udce9t" in page and page.count("<video") == len(NAMES)
    )
    assert sorted(foley.watched) == sorted(f"{name}.mp4" for name in NAMES)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (["--output=OUT"], "--job=sheet needs --films=FOLDER and --output=FOLDER"),
        (["--films=none", "--output=OUT"], "there is no such folder of films; check --films"),
        (["--films=FILMS", "--output=FILMS"], "is the folder of the films themselves; name another --output"),
        (["--films=FILMS", "--output=FILMS/list.json"], "is a file; name a folder as --output"),
        (["--films=OUT", "--output=FILMS/out"], "holds 0 films; name a folder with at least two films"),
    ],
)
def test_folders_that_cannot_serve(tiny_run: Path, films: Path, tmp_path: Path, asked: list[str], problem: str) -> None:
    asked = [part.replace("FILMS", str(films)).replace("OUT", str(tmp_path)) for part in asked]
    answer = call(*command(tiny_run, "--job=sheet", *asked))
    assert answer.code == 2 and answer.err.count("\n") == 1 and problem in answer.err
    assert not list(tmp_path.iterdir())

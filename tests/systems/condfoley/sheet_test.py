"""Laws of the contact sheet of a folder: every film with several examples, and bad files are listed and passed by."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.tiny_run import call, command
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.systems.condfoley import sheet
from vis2sound_jax.video.files import probe
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
    """A chain that makes nothing."""

    def __init__(self, problem: UserError | None) -> None:
        self.problem = problem

    def watch(self, film: Any) -> Any:
        return film

    def compose(self, *_: Any) -> Any:
        if self.problem:
            raise self.problem

    sound = rank = compose


def test_a_full_disk_is_no_fault_of_a_film(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the film nor the example is listed as not usable, whatever cannot be written or found."""
    asked, bad = SimpleNamespace(engine="exemplar", examples=1, seed=0, overwrite=False), dict[Path, str]()
    full = file_error(tmp_path / "made.wav", "cannot be written (no space left on device)", "free some space")

    def write(*_: Any, **__: Any) -> None:
        raise full

    monkeypatch.setattr(sheet, "write_result", write)
    names = [films / "a.mp4", films / "b.mp4"]
    lacks = UserError("the run has no network that sees events; convert one")
    result = SimpleNamespace(wavs=[], best=0)
    for problem, told in ((None, full), (lacks, lacks), (full, full)):
        foley: Any = Foley(problem)
        foley.rank = lambda _: result
        with pytest.raises(UserError) as raised:
            list(sheet._of_film(foley, names, 0, asked, tmp_path, bad))
        assert raised.value is told and not bad
    foley = Foley(file_error(names[1], "is silent", "give an example that can be heard"))
    assert list(sheet._of_film(foley, names, 0, asked, tmp_path, bad)) == [] and list(bad) == [names[1]]


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

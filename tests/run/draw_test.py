"""What is drawn to try things on: a silent film and a sound, the same for the same seed."""

from pathlib import Path

import pytest
from ml_collections import ConfigDict

from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.errors import UserError
from vis2sound_jax.run import draw
from vis2sound_jax.run.draw import EXAMPLE, FILM, MANIFEST
from vis2sound_jax.video.files import probe
from vis2sound_jax.world.recording import Measures

SMALL = Measures(seconds=3.0, fps=10.0, height=24, width=32)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "_FILM", SMALL)
    monkeypatch.setattr(draw, "_EXAMPLE", SMALL)


def drawn(folder: Path, seed: int = 0, *, overwrite: bool = False) -> dict[str, object]:
    request = {"output": str(folder), "seed": seed, "overwrite": overwrite}
    return dict(draw.run(ConfigDict({"request": request}), Path()))


def test_a_silent_film_and_a_sound_are_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "films"
    said = drawn(folder)
    assert said == {"film": str(folder / FILM), "example": str(folder / EXAMPLE), "data": "procedural"}
    film = probe(folder / FILM)
    assert (film.width, film.height, film.has_sound) == (32, 24, False) and film.duration_s == pytest.approx(3.0)
    assert abs(read_sound(folder / EXAMPLE, 22050)).max() > 0.01
    assert sorted(path.name for path in folder.iterdir()) == [MANIFEST, EXAMPLE, FILM]


def test_a_seed_says_what_is_drawn(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        drawn(tmp_path / name, seed)
    first, same, other = ((tmp_path / name / EXAMPLE).read_bytes() for name in "abc")
    assert first == same != other


def test_it_is_drawn_anew_but_never_over_files_of_others(tmp_path: Path) -> None:
    drawn(tmp_path / "a", 1)
    drawn(tmp_path / "a", 2)
    drawn(tmp_path / "b", 2)
    assert (tmp_path / "a" / EXAMPLE).read_bytes() == (tmp_path / "b" / EXAMPLE).read_bytes()
    (tmp_path / "b" / MANIFEST).unlink()
    with pytest.raises(UserError, match=r"film.mp4: is there already, and not as a file of this program; add --over"):
        drawn(tmp_path / "b", 3)
    drawn(tmp_path / "b", 3, overwrite=True)
    assert (tmp_path / "a" / EXAMPLE).read_bytes() != (tmp_path / "b" / EXAMPLE).read_bytes()


def test_places_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--job=draw needs --output=FOLDER"):
        draw.run(ConfigDict({"request": {"output": "", "seed": 0}}), Path())
    with pytest.raises(UserError, match=r"file: cannot be used as a folder \(File exists\); name another --output"):
        drawn(tmp_path / "file")

"""Laws of where results go: refused before the work, and no input is ever replaced."""

import hashlib
import os
from pathlib import Path

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.outputs import check_apart, check_output, sha256


@pytest.mark.parametrize("name", ["out.mp4", "OUT.MP4"])
def test_good_outputs_pass_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    check_output(tmp_path / name, (".mp4", ".mov"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.avi", "out.avi: has the ending .avi; name a file that ends in .mp4 or .mov"),
        ("out", "out: has the ending (none); name a file that ends in .mp4 or .mov"),
        ("no/out.mp4", "no: there is no such folder; make it or name another --output"),
        ("file.txt/out.mp4", "file.txt: there is no such folder; make it or name another --output"),
        ("folder.mp4", "folder.mp4: is a folder; name a file as --output"),
    ],
)
def test_bad_outputs_are_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file.txt").touch()
    with pytest.raises(UserError) as caught:
        check_output(tmp_path / name, (".mp4", ".mov"))
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_an_output_without_a_folder_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_output(Path("out.mp4"), (".mp4",))


@pytest.mark.parametrize("name", ["out.mp4", "out.wav", "out_take2.mp4", "out_take2.wav", "out.json"])
def test_an_input_is_never_replaced(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.mp4"
    with pytest.raises(UserError, match=f"{name}: would be replaced by what is made from it; name another --output"):
        check_apart(tmp_path / "out.mp4", (other, tmp_path / name), takes=2)
    check_apart(tmp_path / "new.mp4", (other, tmp_path / name), takes=2)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.wav").symlink_to(tmp_path / name)
    with pytest.raises(UserError, match="link.wav: would be replaced"):
        check_apart(Path("out.mp4"), (Path("link.wav"),), takes=2)


def test_large_files_are_hashed_piece_by_piece(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "large").write_bytes(data)
    assert sha256(tmp_path / "large") == hashlib.sha256(data).hexdigest()


def test_a_file_is_known_under_another_name(tmp_path: Path) -> None:
    """As on a file system where Film.mp4 and film.mp4 are one; here two links are."""
    (tmp_path / "film.mp4").touch()
    os.link(tmp_path / "film.mp4", tmp_path / "Film.mp4")
    with pytest.raises(UserError, match="film.mp4: would be replaced by what is made from it"):
        check_apart(tmp_path / "Film.mp4", [tmp_path / "film.mp4"], takes=1)

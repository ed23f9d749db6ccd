"""Laws of whole files: what is written comes back, what fails leaves the old file, and errors name file and remedy."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.whole import (
    check_name,
    replacing,
    replacing_folder,
    temporary_of,
    write_arrays,
    write_json,
    write_whole,
)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_comes_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_arrays(tmp_path / "arrays.npz", {"matrix": np.eye(3), "notes": "words"})
    write_json(tmp_path / "value.json", {"name": "Öl", "sizes": (1, 2)})
    write_whole(tmp_path / "text", "Öl")
    write_whole(tmp_path / "bytes", b"\0\1")
    with np.load(tmp_path / "arrays.npz") as kept:
        np.testing.assert_array_equal(kept["matrix"], np.eye(3))
        assert str(kept["notes"]) == "words"
    assert json.loads((tmp_path / "value.json").read_text()) == {"name": "Öl", "sizes": [1, 2]}
    assert (tmp_path / "text").read_text(encoding="utf-8") == "Öl"
    assert (tmp_path / "bytes").read_bytes() == b"\0\1"
    assert _names(tmp_path) == ["arrays.npz", "bytes", "text", "value.json"]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()], ids=["error", "^C"])
def test_the_old_file_stays_where_the_new_one_fails(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(type(error)), replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old" and _names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/file", "its folder .*none does not exist; create the folder first"),
        ("folder", "is a folder, not a file; name the file to write"),
        ("x" * 300, r"cannot be written \(file name too long\); choose a shorter name"),
    ],
)
def test_places_that_cannot_be_written_are_named_with_a_remedy(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=f"^{re.escape(str(tmp_path / name))}: {message}"):
        write_whole(tmp_path / name, "words")
    assert _names(tmp_path) == ["folder"]


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def _left_by(target: Path, process: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: process)
        return temporary_of(target)


def test_what_a_dead_process_left_is_removed_at_once_and_what_a_living_one_writes_is_not(
    tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [_left_by(tmp_path / name, dead, monkeypatch) for name in ("file", "another.mp4")]
    folder = _left_by(tmp_path / "folder.json", dead, monkeypatch)
    living = _left_by(tmp_path / "file", os.getppid(), monkeypatch)
    folder.mkdir()
    for path in (*left, folder / "inside", living):
        path.touch()
    os.utime(living, (1.0, 1.0))
    write_whole(tmp_path / "file", "words")
    assert _names(tmp_path) == sorted([living.name, "file"])


def test_what_another_machine_writes_stays_for_a_day(
    tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    young, old = tmp_path / f".file.0123abcd-{dead}.part", tmp_path / f".film.0123abcd-{dead}.part"
    for path in (young, old):
        path.touch()
    day_s = 24 * 3600
    os.utime(young, (time.time() - day_s + 60,) * 2)
    os.utime(old, (time.time() - day_s - 60,) * 2)
    users = [".file.part", ".file.0123abcd-x.part", ".file.0123ABCD-1.part", "file.0123abcd-1.part", ".0123abcd-1.p"]
    for name in users:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1.0, 1.0))
    write_whole(tmp_path / "file", "words")
    assert _names(tmp_path) == sorted([*users, young.name, "file"])


@pytest.mark.parametrize("name", ["x" * 255, "x" * 251 + ".wav", "é" * 127, "\udcff" * 255])
def test_any_legal_name_is_written(tmp_path: Path, name: str) -> None:
    assert len(os.fsencode(temporary_of(tmp_path / name).name)) <= 255
    write_whole(tmp_path / name, "words")
    assert _names(tmp_path) == [name] and (tmp_path / name).read_text() == "words"


def test_long_names_with_one_beginning_have_their_own_temporary_names(tmp_path: Path) -> None:
    one, other = (temporary_of(tmp_path / f"{'x' * 250}{number}") for number in (1, 2))
    assert one != other and one.name.startswith("." + "x" * 200)


def test_what_older_versions_left_is_removed_when_it_is_old(tmp_path: Path, dead: int) -> None:
    old, young = tmp_path / f".file.{dead}.part", tmp_path / f".file.{dead + 10**7}.part"
    living, others = tmp_path / f".file.{os.getppid()}.part", [tmp_path / ".file.x.part", tmp_path / ".film.1.part"]
    for path in (old, young, living, *others):
        path.touch()
        if path != young:
            os.utime(path, (1.0, 1.0))
    write_whole(tmp_path / "file", "words")
    assert not old.exists() and all(path.exists() for path in (young, living, *others))


def test_a_name_that_is_too_long_is_told_before_the_work(tmp_path: Path) -> None:
    check_name(tmp_path / "none" / "file")
    with pytest.raises(UserError, match=r"file name too long\); choose a shorter name"):
        check_name(tmp_path / ("x" * 256))
    began = []
    with pytest.raises(UserError, match="choose a shorter name"), replacing(tmp_path / ("x" * 256)):
        began.append(True)
    assert not began and not list(tmp_path.iterdir())


def test_a_file_is_on_the_disk_before_it_is_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("on the disk"), sync(number)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("in its place"), replace(*names)))
    write_whole(tmp_path / "file", "words")
    assert done == ["on the disk", "in its place"] and (tmp_path / "file").read_text() == "words"


def test_a_folder_comes_whole_and_what_a_killed_process_left_of_one_goes(tmp_path: Path) -> None:
    target = tmp_path / "packed"
    with replacing_folder(target) as made:
        (made / "a").write_text("1")
    with pytest.raises(ZeroDivisionError), replacing_folder(target) as made:
        (made / "b").write_text(str(1 / 0))
    assert [path.name for path in tmp_path.iterdir()] == ["packed"] and (target / "a").read_text() == "1"
    program = "import os, sys\nfrom vis2sound_jax.whole import replacing_folder\n"
    program += "with replacing_folder(sys.argv[1]) as made:\n    os.kill(os.getpid(), 9)\n"
    subprocess.run([sys.executable, "-c", program, str(target)], cwd=Path(__file__).parents[1], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    with replacing_folder(target) as made:
        (made / "a").write_text("2")
    assert [path.name for path in tmp_path.iterdir()] == ["packed"] and (target / "a").read_text() == "2"

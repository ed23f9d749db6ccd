"""Laws of whole files: what is written comes back, what fails leaves the old file, and errors name file and remedy."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.whole import replacing, write_arrays, write_json, write_whole


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


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    old, young = tmp_path / f".file.{dead.pid}.part", tmp_path / f".file.{dead.pid + 10**7}.part"
    living, others = tmp_path / f".file.{os.getppid()}.part", [tmp_path / ".file.x.part", tmp_path / ".film.1.part"]
    for path in (old, young, living, *others):
        path.touch()
        if path != young:
            os.utime(path, (1.0, 1.0))
    write_whole(tmp_path / "file", "words")
    assert not old.exists() and all(path.exists() for path in (young, living, *others))


def test_a_file_is_on_the_disk_before_it_is_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("on the disk"), sync(number)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("in its place"), replace(*names)))
    write_whole(tmp_path / "file", "words")
    assert done == ["on the disk", "in its place"] and (tmp_path / "file").read_text() == "words"

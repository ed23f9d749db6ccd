"""Laws of the files of a request: all of them come into their places or none, whenever the program ends."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.run.owned import check_free
from vis2sound_jax.run.staging import together
from vis2sound_jax.whole import replacing, write_whole

MADE_BY = "vis2sound_jax test"


def write(folder: Path, files: dict[str, str], **more: Any) -> dict[str, Any]:
    facts = {"made_by": MADE_BY, **more}
    with together(folder / "out.json", facts) as new:
        for name, text in files.items():
            write_whole(new / name, text)
    return facts


def seen(folder: Path) -> dict[str, str]:
    """Every file of a folder, hidden ones too."""
    return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}


def texts(folder: Path) -> dict[str, str]:
    return {name: text for name, text in seen(folder).items() if name != "out.json"}


def test_all_files_are_there_and_the_manifest_lists_them(tmp_path: Path) -> None:
    facts = write(tmp_path, {"out.mp4": "film", "out.wav": "sound"}, seed=3)
    assert json.loads((tmp_path / "out.json").read_text()) == facts
    assert facts == {
        "made_by": MADE_BY,
        "seed": 3,
        "files": {name: sha256(tmp_path / name) for name in ("out.mp4", "out.wav")},
    }
    assert texts(tmp_path) == {"out.mp4": "film", "out.wav": "sound"}
    write(tmp_path, {"out.mp4": "film 2", "out.wav": "sound 2"})
    assert texts(tmp_path) == {"out.mp4": "film 2", "out.wav": "sound 2"}
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()], ids=["error", "^C"])
def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path, error: BaseException) -> None:
    write(tmp_path, {"out.mp4": "film", "out.wav": "sound"})
    before = seen(tmp_path)
    with pytest.raises(type(error)), together(tmp_path / "out.json", {"made_by": MADE_BY}) as new:
        write_whole(new / "out.mp4", "other")
        raise error
    assert seen(tmp_path) == before and not list(tmp_path.glob(".*"))


def test_all_is_on_the_disk_before_anything_is_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.mp4": "film", "b.wav": "sound"})
    done: list[str] = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("sync"), sync(number)))
    with together(tmp_path / "out.json", {"made_by": MADE_BY}) as new:
        for name in ("a.mp4", "b.wav"):
            (new / name).write_text("new")
        monkeypatch.setattr(os, "replace", lambda old, new: (done.append(Path(new).name), replace(old, new)))
    # The manifest is written whole by itself, then files and folder are on the disk, and only then all is renamed.
    assert done[:2] == ["sync", "out.json"]
    assert done[2:] == [*["sync"] * 4, "out.json", "a.mp4", "b.wav", "out.json", "sync"]


KILLED = """
import os, signal, sys
from pathlib import Path
from vis2sound_jax.run import staging
folder, renames = Path(sys.argv[1]), int(sys.argv[2])
replace, done = os.replace, []
def counted(old, new):
    if Path(new).parent != Path(old).parent:
        done.append(new)
        if len(done) > renames:
            os.kill(os.getpid(), signal.SIGKILL)
    replace(old, new)
with staging.together(folder / "out.json", {"made_by": "vis2sound_jax test"}) as new:
    (new / "out.mp4").write_text("film 2")
    (new / "out.wav").write_text("sound 2")
    os.replace = counted
    if renames < 0:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("renames", [-1, 0, 1, 2, 3])
def test_after_a_kill_at_any_moment_the_same_request_works(tmp_path: Path, renames: int) -> None:
    write(tmp_path, {"out.mp4": "film", "out.wav": "sound", "out_take2.mp4": "more"})
    before = seen(tmp_path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(renames)], check=False)
    assert killed.returncode == -9 and list(tmp_path.glob(".out.json.*.part"))
    if renames <= 0:
        assert {name: (tmp_path / name).read_text() for name in before} == before
    else:
        # Some are new and some are old, and no manifest tells a lie.
        assert not (tmp_path / "out.json").exists()
    check_free(tmp_path / "out.json", ("out.mp4", "out.wav"))
    write(tmp_path, {"out.mp4": "film 3", "out.wav": "sound 3"})
    assert texts(tmp_path) == {"out.mp4": "film 3", "out.wav": "sound 3"} and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("renames", [-1, 1])
def test_other_files_written_there_clean_up_what_may_go(tmp_path: Path, renames: int) -> None:
    write(tmp_path, {"out.mp4": "film", "out.wav": "sound"})
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(renames)], check=False)
    with replacing(tmp_path / "other.txt") as temporary:
        temporary.write_text("words")
    # What says whose half-renamed files these are stays until their request is made again.
    assert len(list(tmp_path.glob(".out.json.*.part"))) == (renames > 0)
    write(tmp_path, {"out.mp4": "film 3", "out.wav": "sound 3"})
    assert not list(tmp_path.glob(".*"))


def test_a_rename_that_fails_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"out.mp4": "film", "out.wav": "sound"})
    replace = os.replace

    def fails(old: Path, new: Path) -> None:
        if new == tmp_path / "out.wav":
            raise PermissionError(1, "Operation not permitted", str(new))
        replace(old, new)

    with pytest.raises(UserError, match=r"out.wav: cannot be written \(operation not permitted\)"):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", fails)
            write(tmp_path, {"out.mp4": "film 2", "out.wav": "sound 2"})
    write(tmp_path, {"out.mp4": "film 3", "out.wav": "sound 3"})
    assert texts(tmp_path) == {"out.mp4": "film 3", "out.wav": "sound 3"} and not list(tmp_path.glob(".*"))


def test_files_of_somebody_else_that_came_meanwhile_stay(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="out.wav: is there already"):
        with together(tmp_path / "out.json", {"made_by": MADE_BY}) as new:
            (new / "out.wav").write_text("made")
            (tmp_path / "out.wav").write_text("mine")
    assert seen(tmp_path) == {"out.wav": "mine"}
    with together(tmp_path / "out.json", {"made_by": MADE_BY}, overwrite=True) as new:
        (new / "out.wav").write_text("made")
    assert texts(tmp_path) == {"out.wav": "made"}


@pytest.mark.parametrize("name", ["out_take3.wav", "out_take3.mp4"])
def test_what_a_larger_request_left_is_removed_but_not_what_was_changed(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    larger = {f"out{take}.{kind}": "1" for take in ("", "_take2", "_take3") for kind in ("mp4", "wav")}
    write(tmp_path, larger)
    (tmp_path / name).write_text("edited")
    (tmp_path / "out_take4.wav").write_text("mine")
    assert capsys.readouterr().out == ""
    write(tmp_path, {"out.mp4": "2", "out.wav": "2"})
    gone = sorted(set(larger) - {"out.mp4", "out.wav", name})
    assert capsys.readouterr().out == (
        f"{', '.join(gone)}: removed, left by an earlier request; "
        f"{name}: left there, changed since an earlier request wrote it\n"
    )
    assert texts(tmp_path) == {"out.mp4": "2", "out.wav": "2", name: "edited", "out_take4.wav": "mine"}


def test_a_film_in_another_container_stays_and_stays_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"out.mov": "film", "out.wav": "sound"})
    facts = write(tmp_path, {"out.mp4": "film 2", "out.wav": "sound 2"})
    assert list(facts["earlier_files"]) == ["out.mov"] and (tmp_path / "out.mov").read_text() == "film"
    assert capsys.readouterr().out == "out.mov: left there by an earlier request\n"
    write(tmp_path, {"out.mov": "film 3", "out.wav": "sound 3"})
    assert texts(tmp_path) == {"out.mov": "film 3", "out.mp4": "film 2", "out.wav": "sound 3"}


def test_a_manifest_does_not_lead_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_text("mine")
    folder = tmp_path / "made"
    folder.mkdir()
    digest = sha256(tmp_path / "secret.wav")
    listed = dict.fromkeys(("../secret.wav", str(tmp_path / "secret.wav"), "..", "", "\0", "x" * 300), digest)
    (folder / "out.json").write_text(json.dumps({"made_by": MADE_BY, "files": listed}))
    write(folder, {"out.wav": "sound"})
    assert (tmp_path / "secret.wav").read_text() == "mine"


def _full(new: Path) -> None:
    with replacing(new / "out.wav"):
        raise OSError(28, "No space left on device")


def _raw(new: Path) -> None:
    raise OSError(28, "No space left on device", str(new / "out.wav"))


@pytest.mark.parametrize("fails", [_full, _raw])
def test_errors_name_the_place_and_not_the_hidden_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught, together(Path("out.json"), {"made_by": MADE_BY}) as new:
        fails(new)
    assert str(caught.value) == (
        "out.wav: cannot be written (no space left on device); free some space or choose another folder"
    )
    assert caught.value.path == Path("out.wav") and not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="out.json: its folder .*none does not exist; create the folder first"):
        write(tmp_path / "none", {"out.wav": "sound"})


def test_the_longest_names_are_written(tmp_path: Path) -> None:
    stem = "é" * 125 + "x"
    with together(tmp_path / f"{stem}.txt", {"made_by": MADE_BY}) as new:
        write_whole(new / f"{stem}.wav", "sound")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{stem}.txt", f"{stem}.wav"]

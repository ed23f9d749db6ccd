"""Laws of whose files they are: what this program wrote and nobody changed may be replaced, all else is refused."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.outputs import sha256
from vis2sound_jax.run.owned import MADE_BY, check_document, check_free, hidden_manifest, owned


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """The manifest of a film and a sound."""
    files = {}
    for name in ("out.mp4", "out.wav"):
        (tmp_path / name).write_bytes(name.encode())
        files[name] = sha256(tmp_path / name)
    (tmp_path / "out.json").write_text(json.dumps({"made_by": MADE_BY, "files": files}))
    return tmp_path / "out.json"


def refused(manifest: Path, *names: str) -> str:
    with pytest.raises(UserError) as caught:
        check_free(manifest, names)
    check_free(manifest, names, overwrite=True)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_this_program_wrote_is_its_own(manifest: Path) -> None:
    check_free(manifest, ("out.mp4", "out.wav", "out_take2.mp4"))
    assert owned(manifest).names == {"out.mp4", "out.wav"}


def test_a_file_of_somebody_else_is_named_with_a_remedy(manifest: Path) -> None:
    (manifest.parent / "out_take2.wav").write_bytes(b"mine")
    assert refused(manifest, "out.mp4", "out_take2.wav") == (
        f"{manifest.parent / 'out_take2.wav'}: is there already, and not as a file of this program; "
        "add --overwrite to replace it, or name another --output"
    )


def test_what_was_changed_since_is_the_users(manifest: Path) -> None:
    (manifest.parent / "out.wav").write_bytes(b"edited")
    problem = "out.wav: was changed since this program wrote it; add --overwrite to replace it"
    assert problem in refused(manifest, "out.mp4", "out.wav")


@pytest.mark.parametrize("text", ["{}", '{"scene": 1}', "[]", "words", "", '{"made_by": "someone"}', "[" * 100_000])
def test_a_manifest_of_something_else_is_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "scene.json").write_text(text)
    assert "scene.json: is there already" in refused(tmp_path / "scene.json", "scene.mp4")


@pytest.mark.parametrize(
    "listed", [None, [], 3, "out.wav", {"out.wav": None}, {"out.wav": 5}, {"../out.wav": "x"}, {"out.wav": ["x"]}]
)
def test_a_strange_manifest_owns_nothing(tmp_path: Path, listed: Any) -> None:
    (tmp_path / "out.wav").write_bytes(b"mine")
    (tmp_path / "out.json").write_text(json.dumps({"made_by": MADE_BY, "files": listed, "takes": [3]}))
    assert "out.wav" in refused(tmp_path / "out.json", "out.wav")


def test_manifests_of_older_versions_own_what_is_not_younger(tmp_path: Path) -> None:
    for name in ("out.mp4", "out.wav"):
        (tmp_path / name).write_bytes(b"made")
    takes = [{"film": "out.mp4", "sound": "out.wav"}]
    (tmp_path / "out.json").write_text(json.dumps({"made_by": "vis2sound_jax 0.1.0", "takes": takes}))
    check_free(tmp_path / "out.json", ("out.mp4", "out.wav"))
    later = (tmp_path / "out.json").stat().st_mtime + 60
    os.utime(tmp_path / "out.wav", (later, later))
    assert "out.wav: was changed since" in refused(tmp_path / "out.json", "out.mp4", "out.wav")


def test_links_are_the_users_and_folders_are_never_replaced(manifest: Path) -> None:
    film = manifest.with_name("out.mp4")
    shutil.move(film, manifest.with_name("elsewhere.mp4"))
    film.symlink_to(manifest.with_name("elsewhere.mp4"))
    assert "out.mp4: was changed" in refused(manifest, "out.mp4")
    manifest.with_name("out_take2.mp4").symlink_to(manifest.with_name("none.mp4"))
    assert "out_take2.mp4: is there already" in refused(manifest, "out_take2.mp4")
    manifest.with_name("out_take3.mp4").mkdir()
    with pytest.raises(UserError, match=r"out_take3.mp4: is a folder; name another --output"):
        check_free(manifest, ("out_take3.mp4",), overwrite=True)


def test_a_name_that_is_too_long_is_told_before_the_work(tmp_path: Path) -> None:
    stem = "é" * 125 + "x"  # 251 bytes
    check_free(tmp_path / "x.json", (f"{stem}.mp4",))
    with pytest.raises(UserError, match=r"_take2.mp4: cannot be written \(file name too long\); choose a shorter name"):
        check_free(tmp_path / "x.json", (f"{stem}.mp4", f"{stem}_take2.mp4"), overwrite=True)
    assert len(os.fsencode(hidden_manifest(tmp_path / f"{stem}.csv").name)) <= 255


def test_a_document_is_known_by_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    check_document(path, ("stage", "plans"))
    path.write_text('{"stage": "encoder", "plans": []}')
    check_document(path, ("stage", "plans"))
    for other in ('{"stage": 1}', "words"):
        path.write_text(other)
        with pytest.raises(UserError, match="plan.json: is there already, and not as a file of this program; add --ov"):
            check_document(path, ("stage", "plans"))
        check_document(path, ("stage", "plans"), overwrite=True)

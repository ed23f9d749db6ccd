"""Laws of what a request writes: refused before the work, the best take first, a manifest that tells its origin."""

import dataclasses
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from vis2sound_jax.errors import UserError
from vis2sound_jax.retrieval.takes import rank_takes
from vis2sound_jax.run.outputs import check_apart, check_output, sha256
from vis2sound_jax.systems.condfoley.chain import Takes
from vis2sound_jax.systems.condfoley.manifest import write_takes
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

RATE_HZ, FPS = 8000, 10
FOLEY: Any = SimpleNamespace(
    config=SimpleNamespace(name="demo"), trained_on="procedural recordings", steps={"encoder": 7}
)


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


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Takes, dict[str, Any]]:
    """Three takes of one second; the second agrees best."""
    film, example = tmp_path / "film.mp4", tmp_path / "example.bin"
    write_film(film, np.random.default_rng(0).integers(0, 256, (FPS, 16, 16, 3), np.uint8), FPS)
    example.write_bytes(b"knock")
    wavs = np.array([0.1, 0.2, 0.3], np.float32)[:, None] * np.ones((1, RATE_HZ), np.float32)
    seen = (np.array([0.25, 0.5]), np.array([0.9, 0.4]))
    takes = Takes(wavs, RATE_HZ, np.array([0.3, 0.8, 0.5]), seen, 1.25)
    manifest = write_takes(takes, FOLEY, video=film, example=example, output=tmp_path / "out.mp4", seed=5)
    return tmp_path, takes, manifest


def test_the_best_take_has_the_name_and_others_follow(written: tuple[Path, Takes, dict[str, Any]]) -> None:
    folder, takes, manifest = written
    assert takes.best == 1
    for name, take in (("out", 1), ("out_take2", 2), ("out_take3", 0)):
        wav, rate_hz = soundfile.read(folder / f"{name}.wav", dtype="float32")
        assert rate_hz == RATE_HZ
        np.testing.assert_allclose(wav, takes.wavs[take], atol=1e-6)
        info = probe(folder / f"{name}.mp4")
        assert info.has_sound and info.duration_s == pytest.approx(1.0, abs=1e-3)
    assert [take["agreement"] for take in manifest["takes"]] == [0.8, 0.5, 0.3]
    endings = {path.name for path in folder.glob("out*")}
    assert endings == {f"out{k}.{end}" for k in ("", "_take2", "_take3") for end in ("mp4", "wav")} | {"out.json"}


def test_the_manifest_tells_what_was_made_from_what(written: tuple[Path, Takes, dict[str, Any]]) -> None:
    folder, _, manifest = written
    assert json.loads((folder / "out.json").read_text()) == manifest
    assert manifest["example"] == {
        "file": "example.bin",
        "sha256": hashlib.sha256(b"knock").hexdigest(),
        "start_s": 1.25,
    }
    assert manifest["video"]["sha256"] == sha256(folder / "film.mp4")
    assert manifest["onsets"] == [{"time_s": 0.25, "confidence": 0.9}, {"time_s": 0.5, "confidence": 0.4}]
    known = {"config": "demo", "trained_on": "procedural recordings", "steps": {"encoder": 7}, "seed": 5}
    assert known.items() <= manifest.items()
    assert (manifest["rate_hz"], manifest["duration_s"]) == (RATE_HZ, 1.0)


def test_large_files_are_hashed_piece_by_piece(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "large").write_bytes(data)
    assert sha256(tmp_path / "large") == hashlib.sha256(data).hexdigest()


def test_a_ranking_decides_the_order_and_stands_in_the_manifest(written: tuple[Path, Takes, dict[str, Any]]) -> None:
    folder, takes, manifest = written
    assert "accepted" not in manifest and "accepted" not in manifest["takes"][0]
    films = {"video": folder / "film.mp4", "example": folder / "example.bin", "output": folder / "new.mp4", "seed": 5}
    logits = np.zeros((3, 11))
    logits[[0, 1, 2], [5, 9, 0]] = [2.0, 3.0, 4.0]
    ranked = write_takes(dataclasses.replace(takes, ranking=rank_takes(logits, 0.1, 0.2)), FOLEY, **films)
    assert [take["offset_s"] for take in ranked["takes"]] == [0.0, -0.5, 0.4]
    assert [take["accepted"] for take in ranked["takes"]] == [True, False, False] and ranked["accepted"] is True
    assert [take["agreement"] for take in ranked["takes"]] == [0.3, 0.5, 0.8]
    np.testing.assert_allclose(soundfile.read(folder / "new.wav", dtype="float32")[0], takes.wavs[0], atol=1e-6)
    none = write_takes(dataclasses.replace(takes, ranking=rank_takes(logits[1:], 0.1, 0.2)), FOLEY, **films)
    assert none["accepted"] is False and not any(take["accepted"] for take in none["takes"])

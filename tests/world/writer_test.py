"""Laws of the written world: Greatest Hits' layout, resumable, never two worlds in one directory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.files import probe, read_frames
from vis2sound_jax.video.form import MediaForm
from vis2sound_jax.world.recording import Measures, render_recording
from vis2sound_jax.world.writer import is_complete, recording_id, write_world

SIZE: dict[str, Any] = {"seconds": 3.0, "form": MediaForm(rate_hz=16000, fps=25.0, height=32, width=48)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    write_world(directory, train=2, test=1, seed=5, **SIZE)
    return directory


def test_layout(world: Path) -> None:
    assert (world / "train.txt").read_text() == "procedural-train-00000\nprocedural-train-00001\n"
    assert (world / "test.txt").read_text() == "procedural-test-00000\n"
    assert "procedural" in (world / "README.txt").read_text().lower()
    names = {path.name for path in world.iterdir()}
    ids = ["procedural-train-00000", "procedural-train-00001", "procedural-test-00000"]
    endings = ["_denoised.mp4", "_denoised.wav", "_times.txt"]
    assert names == {"train.txt", "test.txt", "README.txt"} | {i + e for i in ids for e in endings}


def test_files_hold_the_recording(world: Path) -> None:
    recording = render_recording(5, "train", 1, Measures(seconds=3.0, fps=25.0, height=32, width=48, rate_hz=16000))
    name = recording_id("train", 1)
    lines = (world / f"{name}_times.txt").read_text().splitlines()
    assert lines == [f"{e.time_s:.6f} {e.material} {e.action} {e.reaction}" for e in recording.events]
    wav = read_sound(world / f"{name}_denoised.wav", 16000)
    np.testing.assert_allclose(wav, recording.wav, atol=1e-6)
    film = world / f"{name}_denoised.mp4"
    info = probe(film)
    assert (info.width, info.height, info.has_sound) == (48, 32, True)
    frames = read_frames(film, 25.0, 32, 48)
    assert frames.shape == recording.frames.shape
    assert np.abs(frames.astype(float) - recording.frames).mean() < 20
    muxed = read_sound(film, 16000, duration_s=3.0)
    assert np.corrcoef(muxed, recording.wav)[0, 1] > 0.9


def test_a_second_call_keeps_what_is_finished_and_mends_the_rest(world: Path) -> None:
    kept = world / "procedural-train-00000_denoised.mp4"
    lost = world / "procedural-train-00001_times.txt"
    before, text = kept.stat().st_mtime_ns, lost.read_text()
    lost.unlink()
    assert not is_complete(world, "procedural-train-00001")
    seen: list[tuple[int, int]] = []
    write_world(world, train=2, test=1, seed=5, **SIZE, progress=lambda done, total: seen.append((done, total)))
    assert kept.stat().st_mtime_ns == before
    assert lost.read_text() == text and is_complete(world, "procedural-train-00001")
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_another_world_in_the_same_directory_is_refused(world: Path) -> None:
    with pytest.raises(UserError, match="another seed or other measures; write to an empty directory"):
        write_world(world, train=2, test=1, seed=6, **SIZE)


def test_a_failure_leaves_no_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UserError("disk is full")

    monkeypatch.setattr("vis2sound_jax.world.writer.write_film", fail)
    with pytest.raises(UserError, match="disk is full"):
        write_world(tmp_path, train=2, test=0, seed=1, **SIZE)
    assert not (tmp_path / "train.txt").exists()

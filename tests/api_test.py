"""The door: a run of any system is loaded by its folder or name, and speaks the same five steps."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax import api
from vis2sound_jax.errors import UserError

RATE_HZ = 22050


def drawn(fps: float = 25.0) -> api.Film:
    """Three seconds of noise as arrays."""
    pixels = np.random.default_rng(0).integers(0, 256, (75, 40, 64, 3), np.uint8)
    return api.Film.of_frames(pixels, fps, "noise")


def knocks() -> api.Example:
    wav = (0.2 * np.random.default_rng(0).standard_normal(3 * RATE_HZ)).astype(np.float32)
    wav[::6000] = 0.9
    return api.Example.of_wav(wav, RATE_HZ, "knocks")


def test_conditional_foley_takes_arrays_through_all_steps(tiny_run: Path, tmp_path: Path) -> None:
    system = api.load(tiny_run)
    watched = system.watch(drawn())
    composed = system.compose(watched, api.Request(example=knocks(), takes=2, seed=1, options={"engine": "codes"}))
    result = system.rank(system.sound(composed))
    assert result.wavs.shape == (2, 3 * RATE_HZ) and result.codes is not None
    manifest = api.write_result(result, tmp_path / "out.mp4")
    assert manifest["system"] == "condfoley" and manifest["example"]["file"] == "knocks"
    assert (tmp_path / "out_take2.mp4").exists() and json.loads((tmp_path / "out.json").read_text()) == manifest


def test_visually_indicated_sounds_speaks_the_same_steps(tiny_vis_run: Path, tmp_path: Path) -> None:
    system = api.load(tiny_vis_run)
    result = system.rank(system.sound(system.compose(system.watch(drawn(30.0)), api.Request())))
    assert result.wavs.shape == (1, round(2.5 * system.rate_hz)) and result.envelopes is not None
    manifest = api.write_result(result, tmp_path / "out.mp4")
    assert manifest["system"] == "vis" and manifest["example"] is None
    with pytest.raises(UserError, match="makes one take and takes no example; leave these out"):
        system.compose(system.watch(drawn(30.0)), api.Request(takes=2))


def test_a_run_is_found_by_its_name(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(tiny_run)
    monkeypatch.chdir(tmp_path)
    assert api.load("mine").config.name == "condfoley_smoke"
    with pytest.raises(UserError, match="yours: there is no finished run; train one first"):
        api.load("yours")


def test_a_run_of_an_earlier_version_is_told(tiny_run: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_run / "config.json", tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    del settings["system"]
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(UserError, match="was written by an earlier version, which did not name its system; run the tr"):
        api.load(tmp_path)

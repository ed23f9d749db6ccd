"""Laws of the weights that stand in: only where there is no run, none is named, and weights are all that is needed."""

import json
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from tests.run.card_test import ABOUT
from vis2sound_jax.errors import UserError
from vis2sound_jax.run import pretrained
from vis2sound_jax.run.card import write_card
from vis2sound_jax.run.fit import earlier
from vis2sound_jax.run.pretrained import stand_in
from vis2sound_jax.run.requests import OUTPUT, VIDEO
from vis2sound_jax.run.settings import shared
from vis2sound_jax.run.stage import Stage
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.training.checkpoint import is_kept
from vis2sound_jax.training.packed import write_packed

GENERATE = Stage("generate", "nowhere", "sounds films", flags=(VIDEO, OUTPUT), weights_for=("video",))
FILM = {"video": "film.mp4"}


def config(name: str = "demo", **changes: object) -> ConfigDict:
    made = shared(name, "demo", "small")
    made.pretrained = "demo"
    made.update_from_flattened_dict(changes)
    return made


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights that ship, of a run at other settings."""
    folder = tmp_path / "shipped" / "demo"
    (folder / "encoder").mkdir(parents=True)
    write_packed(folder / "encoder" / "checkpoints.safetensors", {"kernel": [1.0]}, {}, {"step": 3})
    (folder / "config.json").write_text(config("demo_shipped", seed=7).to_json())
    write_card(folder, ABOUT)
    for module in (pretrained, __import__("vis2sound_jax.run.fit", fromlist=["fit"])):
        monkeypatch.setattr(module, "pretrained_dir", lambda system: tmp_path / "shipped" / system)
    return folder


def test_they_stand_in_for_a_run_that_is_not_there_and_it_is_said(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, folder = stand_in(GENERATE, config(), tmp_path / "runs/demo", FILM, {})
    assert folder == weights and settings.name == "demo_shipped" and settings.seed == 7
    said = f"no run in {tmp_path}/runs/demo: using the weights that ship with vis2sound_jax, see {weights}/CARD.md\n"
    assert capsys.readouterr().out == said


def test_what_the_command_line_changes_counts_for_them_too(weights: Path, tmp_path: Path) -> None:
    settings, _ = stand_in(GENERATE, config(), tmp_path, FILM, {"data.fps": 10.0, "seed": 1})
    assert (settings.data.fps, settings.seed, settings.data.height) == (10.0, 1, 72)


@pytest.mark.parametrize("case", ["a run", "no film", "another job", "none named", "none there"])
def test_else_everything_stays_as_it_came(
    weights: Path, tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given, stage, own, workdir = FILM, GENERATE, config(), tmp_path / "run"
    if case == "a run":
        workdir.mkdir()
        (workdir / "config.json").write_text(json.dumps({"name": "demo"}))
    elif case == "no film":
        given = {"output": "out.mp4"}
    elif case == "another job":
        stage = GENERATE._replace(weights_for=())
    else:
        own.pretrained = "" if case == "none named" else "other"
    assert stand_in(stage, own, workdir, given, {}) == (own, workdir)
    assert capsys.readouterr().out == ""


def test_damaged_weights_do_not_stand_in(weights: Path, tmp_path: Path) -> None:
    (weights / "encoder" / "checkpoints.safetensors").write_bytes(b"0")
    with pytest.raises(UserError, match="checkpoints.safetensors: is damaged or foreign: its SHA-256 is"):
        stand_in(GENERATE, config(), tmp_path / "runs/demo", FILM, {})
    with pytest.raises(UserError, match="checkpoints.safetensors: is damaged or foreign: its SHA-256 is"):
        earlier(config(init_from="pretrained"), "encoder")


def test_a_training_may_start_from_them(weights: Path) -> None:
    place = earlier(config(init_from="pretrained"), "encoder")
    assert place == checkpoints_dir(weights, "encoder") and is_kept(place)
    with pytest.raises(UserError, match="sync/checkpoints: there are no weights to start from"):
        earlier(config(init_from="pretrained"), "sync")

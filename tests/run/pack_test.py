"""Laws of packing: a whole folder or none, of a finished run that stays as it is."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.card import CARD, check_files, read_card
from vis2sound_jax.run.pack import Contents, pack
from vis2sound_jax.run.settings import shared
from vis2sound_jax.run.workdir import checkpoints_dir, settings_of
from vis2sound_jax.training.checkpoint import Checkpointer, load_meta, load_params
from vis2sound_jax.training.task import TrainState


def config(output: str | Path) -> ConfigDict:
    made = shared("demo", "tests.run.demo_system", "small")
    made.stages = ("prepare", "codebook")
    made.request = {"output": str(output)}
    return made


def measured(folder: Path) -> Mapping[str, Mapping[str, float]]:
    """The largest weight, which half precision moves."""
    value = float(load_params(checkpoints_dir(folder, "codebook"))["kernel"].max())
    return {"largest": {"value": value, "low": value - 1, "high": value + 1}}


CONTENTS = Contents(("codebook",), ("codebook/rule.json",), measured, "nothing", ("It is small.",))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of one training."""
    workdir = tmp_path / "run"
    state = TrainState(jnp.int32(4), {"kernel": jnp.linspace(0, 1 / 3, 64)}, {})
    with Checkpointer(checkpoints_dir(workdir, "codebook")) as checkpointer:
        checkpointer.save(state, 0, {"note": "kept"})
    (workdir / "codebook" / "rule.json").write_text("{}")
    (workdir / "stages").mkdir()
    for stage, seconds in (("prepare", 60.0), ("codebook", 90.0)):
        mark = {"finished": True, "settings": {}, "summary": {}, "seconds": seconds}
        (workdir / "stages" / f"{stage}.json").write_text(json.dumps(mark))
    (workdir / "config.json").write_text(config("").to_json())
    return workdir


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_pack_is_read_like_the_run_and_is_small(run: Path, tmp_path: Path) -> None:
    before = files(run)
    said = pack(config(tmp_path / "weights"), run, CONTENTS)
    made = tmp_path / "weights"
    assert files(run) == before and said["weights"] == str(made) and said["megabytes"] < 0.1
    names = {"config.json", "codebook/checkpoints.safetensors", "codebook/rule.json", "CARD.md", CARD}
    assert set(files(made)) == names
    check_files(made)
    places = [checkpoints_dir(folder, "codebook") for folder in (run, made)]
    np.testing.assert_allclose(*(load_params(place)["kernel"] for place in places), rtol=2**-11)
    assert load_meta(places[0]) == load_meta(places[1]) and settings_of(made) == settings_of(run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "weights"]


def test_the_card_says_how_the_run_was_made_and_what_packing_changed(run: Path, tmp_path: Path) -> None:
    said = pack(config(tmp_path / "weights"), run, CONTENTS)
    card = read_card(tmp_path / "weights")
    assert said["largest"] == "0.3333 -> 0.3333"
    assert card["before_packing"]["largest"]["value"] == pytest.approx(1 / 3, abs=1e-7)
    assert card["numbers"]["largest"]["value"] == pytest.approx(float(np.float16(1 / 3)), abs=1e-9)
    assert card["data"]["recordings"] == "procedural recordings" and card["data"]["started from"] == "nothing"
    assert "420 recordings to train on and 48 to test" in card["data"]["size"]
    assert card["training"]["minutes"] == 2.5 and card["training"]["steps"] == {"codebook": 4}
    assert card["training"]["then"].endswith(":small --job=pack --output=DIR")
    assert "yours" in card["licence"] and card["limits"] == ["It is small."]


def test_real_recordings_are_not_called_procedural(run: Path, tmp_path: Path) -> None:
    real = config("")
    real.data.recordings, real.init_from = "films", "runs/other"
    (run / "config.json").write_text(real.to_json())
    pack(config(tmp_path / "weights"), run, CONTENTS)
    data = read_card(tmp_path / "weights")["data"]
    assert data == {"recordings": "films", "seed": 0, "started from": "runs/other"}


def test_a_pack_replaces_a_pack_but_nothing_else(run: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    for _ in range(2):
        pack(config(tmp_path / "weights"), run, CONTENTS)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("dear")
    (tmp_path / "file").touch()
    for name in ("letters", "file"):
        with pytest.raises(UserError, match=f"{name}: holds something other than packed weights; name a new folder"):
            pack(config(tmp_path / name), run, CONTENTS)
    assert (tmp_path / "letters" / "one.txt").read_text() == "dear"


def test_a_failure_leaves_what_was_there(run: Path, tmp_path: Path) -> None:
    pack(config(tmp_path / "weights"), run, CONTENTS)
    before = files(tmp_path / "weights")

    def fails(_: Path) -> Any:
        raise UserError("no numbers")

    with pytest.raises(UserError, match="no numbers"):
        pack(config(tmp_path / "weights"), run, CONTENTS._replace(measure=fails))
    assert files(tmp_path / "weights") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "weights"]


@pytest.mark.parametrize("finished", [False, None])
def test_a_run_that_is_not_finished_is_told(run: Path, tmp_path: Path, finished: bool | None) -> None:
    mark = run / "stages" / "codebook.json"
    if finished is None:
        mark.unlink()
    else:
        mark.write_text(json.dumps({"finished": False, "settings": {}}))
    message = f"{run}: not finished: codebook; run the training command again, then pack the run"
    with pytest.raises(UserError, match=re.escape(message)):
        pack(config(tmp_path / "weights"), run, CONTENTS)
    assert not (tmp_path / "weights").exists()


def test_places_that_cannot_be_written_are_told_before_the_work(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--job=pack needs --output=FOLDER"):
        pack(config(""), run, CONTENTS)
    with pytest.raises(UserError, match="nowhere: there is no such folder; make it or name another --output"):
        pack(config(tmp_path / "nowhere" / "weights"), run, CONTENTS)

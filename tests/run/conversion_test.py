"""Laws of converting weights, whatever the system: what a request lacks, folders in use, settings that follow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import linen as nn
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.conversion import convert, shapes_of
from vis2sound_jax.training.checkpoint import load_meta, load_params


def _line(state: Any, settings: Any) -> dict[str, Any]:
    if "line.weight" not in state:
        raise UserError("it has no line.weight")
    weight = state["line.weight"]
    settings.line.width = weight.shape[0]
    return {"line": {"params": {"kernel": weight.T}}}


KINDS = {"line": _line}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    np.savez(tmp_path / "weights.npz", **{"line.weight": np.arange(6, dtype=np.float32).reshape(3, 2)})
    return tmp_path / "weights.npz"


def config(**request: Any) -> ConfigDict:
    asked = {"kind": "line", "source": "", "output": "", **request}
    return ConfigDict({"name": "demo", "system": "demo", "line": {"width": 1, "steps": 5}, "request": asked})


def test_weights_settings_and_origin_are_written(weights: Path, tmp_path: Path) -> None:
    given, output = config(source=str(weights), output=str(tmp_path / "out")), tmp_path / "out"
    done = convert(given, KINDS, ("line", "missing"))
    assert done == {"weights": str(output / "line"), "use": "--config.line.width=3"} and given.line.width == 1
    np.testing.assert_array_equal(load_params(output / "line/checkpoints")["kernel"], [[0, 2, 4], [1, 3, 5]])
    assert load_meta(output / "line/checkpoints")["converted_from"] == "weights.npz"
    assert json.loads((output / "config.json").read_text())["line"] == {"width": 3, "steps": 5}
    # A second conversion knows what the first one found.
    again = convert(config(source=str(weights), output=str(output)), {"line": lambda *_: {}}, ("line",))
    assert again["use"] == "--config.line.width=3"


def test_a_request_that_is_not_complete(weights: Path) -> None:
    with pytest.raises(UserError, match="--job=convert needs --kind=KIND, --source=FILE and --output=DIR"):
        convert(config(source=str(weights)), KINDS, ())


def test_kinds_and_files_that_do_not_fit(weights: Path, tmp_path: Path) -> None:
    asked = {"source": str(weights), "output": str(tmp_path / "out")}
    with pytest.raises(
        UserError, match="--kind=lines: demo has no such kind; it must be one of line; did you mean 'line'"
    ):
        convert(config(kind="lines", **asked), KINDS, ("line",))
    np.savez(weights, other=np.zeros(1))
    with pytest.raises(UserError, match=r"weights.npz: it has no line.weight; give the file of this kind, whole"):
        convert(config(**asked), KINDS, ("line",))
    assert not (tmp_path / "out").exists()


def test_folders_with_something_else(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").touch()
    with pytest.raises(UserError, match="full: holds something else; name a new folder as --output"):
        convert(config(source=str(weights), output=str(tmp_path / "full")), KINDS, ("line",))
    (tmp_path / "full" / "config.json").write_text('{"name": "other"}')
    with pytest.raises(UserError, match="full: holds weights for other; name another --output or --config"):
        convert(config(source=str(weights), output=str(tmp_path / "full")), KINDS, ("line",))


def test_shapes_of_a_network_are_those_of_its_variables() -> None:
    shapes = shapes_of(nn.Dense(3), (1, 2))["params"]
    assert {name: leaf.shape for name, leaf in shapes.items()} == {"kernel": (2, 3), "bias": (3,)}


def test_a_second_file_of_a_kind_is_refused_and_the_first_stays(weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    convert(config(source=str(weights), output=str(output)), KINDS, ("line",))
    before = (output / "config.json").read_bytes()
    np.savez(tmp_path / "second.npz", **{"line.weight": np.ones((5, 2), np.float32)})
    with pytest.raises(UserError, match=r"line: holds weights of weights.npz already; name another --output"):
        convert(config(source=str(tmp_path / "second.npz"), output=str(output)), KINDS, ("line",))
    assert (output / "config.json").read_bytes() == before
    assert load_meta(output / "line/checkpoints")["converted_from"] == "weights.npz"

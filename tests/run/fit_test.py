"""Laws of training what a stage describes: weights to start from, the folder, the summary, examples as said."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from tests.training.tiny import TinyTask
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.fit import earlier, fit, run_training
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.settings import shared
from vis2sound_jax.run.training import Material, Training
from vis2sound_jax.training.checkpoint import digest, load_params
from vis2sound_jax.training.task import TrainState

SHAPES = {"x": ((4,), np.float32)}


def config(**changes: Any) -> ConfigDict:
    made = shared("demo", "tests.run.demo_system", "small")
    made.stage = "tiny"
    made.mesh.data = 1
    made.update_from_flattened_dict(changes)
    return made


def example(item: int, rng: np.random.Generator) -> dict[str, Any]:
    return {"x": rng.normal(size=4).astype(np.float32)}


def training(steps: int = 3, folder: str = "tiny", width: int = 3, **material: Any) -> Training:
    opened = Material(range(8), example, **material)
    return Training(TinyTask(width), SHAPES, 4, steps, folder, lambda workdir: opened)


def doubled(state: TrainState) -> TrainState:
    return state.replace(params=jax.tree.map(lambda leaf: 2 * leaf + 1, state.params))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workdir of a short training."""
    workdir = tmp_path_factory.mktemp("fit")
    fit(config(), workdir, training())
    return workdir


def test_a_run_says_where_how_long_and_what(finished: Path, tmp_path: Path) -> None:
    said = run_training(lambda given: training(), config(), tmp_path)
    assert said["checkpoints"] == str(tmp_path / "tiny/checkpoints") and said["steps"] == 3
    # The same seed and folder give the same parameters; another folder gives others.
    assert said["digest"] == digest(load_params(finished / "tiny/checkpoints"))[:16]
    other = run_training(lambda given: training(folder="other"), config(), tmp_path)
    assert other["checkpoints"] == str(tmp_path / "other/checkpoints") and other["digest"] != said["digest"]


def test_training_goes_on_from_an_earlier_runs_weights_unless_it_is_to_start_fresh(
    finished: Path, tmp_path: Path
) -> None:
    before = load_params(finished / "tiny/checkpoints")
    given = config(init_from=str(finished))
    np.testing.assert_array_equal(_start(given, tmp_path / "a", training())["kernel"], before["layer"]["kernel"])
    assert (_start(given, tmp_path / "b", training(fresh=True))["kernel"] != before["layer"]["kernel"]).any()
    with pytest.raises(UserError, match="the weights of config.init_from have other sizes than this config's network"):
        fit(given, tmp_path / "c", training(width=5))
    with pytest.raises(UserError, match="other/checkpoints: there are no weights to start from; finish the run named"):
        earlier(given, "other")


def test_what_only_the_training_needs_goes_when_it_is_finished(tmp_path: Path) -> None:
    needed = tmp_path / "needed"
    needed.touch()
    planned = training(finished=needed.unlink)
    with pytest.raises(UserError, match="config.training.profile"):
        fit(config(**{"training.profile": "no"}), tmp_path, planned)
    assert needed.exists()
    fit(config(), tmp_path, planned)
    assert not needed.exists()


def _start(given: ConfigDict, workdir: Path, planned: Training) -> Any:
    """The parameters before the first step."""
    return fit(given, workdir, planned._replace(steps=0)).params["layer"]


def test_given_weights_win_over_earlier_ones_and_these_over_what_the_stage_does(finished: Path, tmp_path: Path) -> None:
    ones = jax.tree.map(jnp.ones_like, load_params(finished / "tiny/checkpoints"))
    given = config(init_from=str(finished))
    assert (_start(given, tmp_path / "a", training(params=ones, begin=doubled))["kernel"] == 1).all()
    earlier_kernel = _start(given, tmp_path / "b", training(begin=doubled))["kernel"]
    np.testing.assert_array_equal(earlier_kernel, load_params(finished / "tiny/checkpoints")["layer"]["kernel"])
    plain, begun = (
        _start(config(), tmp_path / name, training(begin=begin)) for name, begin in (("c", None), ("d", doubled))
    )
    np.testing.assert_array_equal(begun["kernel"], 2 * plain["kernel"] + 1)


def test_held_out_examples_are_measured_in_the_end(tmp_path: Path) -> None:
    fit(config(), tmp_path, training(held=Held(range(8), example, batches=1, size=4)))
    assert "held_out/total" in (tmp_path / "tiny/metrics.jsonl").read_text()


def test_examples_of_other_shapes_are_a_fault_of_the_stage(tmp_path: Path) -> None:
    wrong = training()._replace(example_shapes={"x": ((5,), np.float32)})
    with pytest.raises(
        ValueError, match=r"tiny: array 'x' of an example is float32 \[4\]; `training` says float32 \[5\]"
    ):
        fit(config(), tmp_path, wrong)
    assert not list(tmp_path.rglob("checkpoints"))


def test_checkpoints_may_lie_elsewhere(tmp_path: Path) -> None:
    fit(config(**{"training.checkpoints": str(tmp_path / "bucket")}), tmp_path / "run", training())
    assert (tmp_path / "bucket/tiny/checkpoints/3").is_dir()
    assert load_params(tmp_path / "run/tiny/checkpoints")["layer"]["bias"].shape == (3,)


@pytest.mark.parametrize("profile", ["5", "0:2", "3:2", "2:9"])
def test_a_trace_lies_within_the_steps(tmp_path: Path, profile: str) -> None:
    with pytest.raises(
        UserError, match=f"config.training.profile is '{profile}'; give the first and the last of 3 steps"
    ):
        fit(config(**{"training.profile": profile}), tmp_path, training())

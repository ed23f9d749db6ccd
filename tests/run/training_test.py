"""What a training says of itself before there is data: shapes, and what does not fit."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from tests.training.tiny import TinyTask
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.training import Material, NotTrained, Training, check_example, training_of

SHAPES = {"x": ((4,), np.float32), "late": ((), np.int32)}
TRAINING = Training(TinyTask(), SHAPES, 8, 3, "tiny", lambda workdir: Material([], lambda item, rng: {}))


def config(accumulate: int = 1) -> ConfigDict:
    return ConfigDict({"stage": "tiny", "training": {"accumulate": accumulate}})


def test_a_batch_has_its_examples_along_a_first_axis() -> None:
    batch = TRAINING.batch_shapes(8)
    assert {name: (leaf.shape, leaf.dtype) for name, leaf in batch.items()} == {
        "x": ((8, 4), np.float32),
        "late": ((8,), np.int32),
    }


def test_an_example_that_is_as_said_passes() -> None:
    check_example(TRAINING, {"x": np.zeros(4, np.float32), "late": np.int32(3)})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"x": np.zeros(5, np.float32)}, r"array 'x' of an example is float32 \[5\]; `training` says float32 \[4\]"),
        ({"x": np.zeros(4)}, r"array 'x' of an example is float64 \[4\]; `training` says float32 \[4\]"),
        ({"late": 3}, r"array 'late' of an example is int64 \[\]; `training` says int32 \[\]"),
        ({"mask": np.ones(2)}, r"array 'mask' of an example is float64 \[2\]; `training` says not there"),
    ],
)
def test_another_example_names_the_array(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"tiny: {problem}"):
        check_example(TRAINING, {"x": np.zeros(4, np.float32), "late": np.int32(3)} | change)


def test_a_missing_array_is_named() -> None:
    with pytest.raises(ValueError, match="array 'late' of an example is not there; `training` says int32"):
        check_example(TRAINING, {"x": np.zeros(4, np.float32)})


@dataclasses.dataclass(frozen=True)
class InParts(TinyTask):
    """Takes a batch in parts."""

    accumulate: int = 1


def test_a_batch_is_taken_in_parts_only_where_the_task_can() -> None:
    assert training_of(config(), lambda given: TRAINING) is TRAINING
    parts = TRAINING._replace(task=InParts(accumulate=2))
    assert training_of(config(2), lambda given: parts) is parts
    with pytest.raises(
        UserError, match=r"config\.training\.accumulate is 2, but stage tiny takes its batch whole; set"
    ):
        training_of(config(2), lambda given: TRAINING)


def test_what_is_not_trained_is_a_users_mistake() -> None:
    def refuse(given: Any) -> Training:
        raise NotTrained("config.vocoder.kind is 'griffin_lim', which is not trained; set it to 'melgan'")

    with pytest.raises(UserError, match="which is not trained; set it to 'melgan'"):
        training_of(config(), refuse)

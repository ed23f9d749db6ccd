"""ImageNet weights come through unchanged, and what is no kind of this system is told."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.vis import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.alexnet import AlexNet
from vis2sound_jax.run.stage import settings_for
from vis2sound_jax.systems.vis import convert
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.weights.convert import state_dict_from_params


def test_alexnet_comes_through_unchanged(tmp_path: Path) -> None:
    variables = AlexNet((2, 3, 4, 3, 2), 5).init(jax.random.key(0), jnp.zeros((1, 64, 64, 3)))
    source = tmp_path / "alexnet.npz"
    np.savez(source, **state_dict_from_params(variables, "alexnet"))
    asked = {"kind": "alexnet", "source": str(source), "output": str(tmp_path / "out")}
    done = convert.run(settings_for(get_config("paper"), "convert", **asked), tmp_path)
    assert done == {"weights": str(tmp_path / "out" / "alexnet")}
    found = load_params(tmp_path / "out" / "alexnet" / "checkpoints")
    jax.tree.map(np.testing.assert_array_equal, dict(found), variables["params"])


def test_kinds_of_other_systems_are_refused(tmp_path: Path) -> None:
    asked = {"kind": "melgan", "source": "a.pt", "output": str(tmp_path / "out")}
    with pytest.raises(UserError, match="--kind=melgan: vis has no such kind; it must be one of alexnet"):
        convert.run(settings_for(get_config(), "convert", **asked), tmp_path)

"""Laws of the row of style transfer: made when asked for, and its name says with which filters and what it is given."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs import condfoley
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.condfoley.scoring.style import PRETRAINED, RANDOM, style_row

PLACES = (0, 2, 5, 7, 10, 12)


def config(**settings: Any) -> Any:
    made = condfoley.get_config("smoke")
    made.evaluate.update(settings)
    return made


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """VGG19 with 4 channels as torchvision names it, with a later convolution and the classifier."""
    rng = np.random.default_rng(0)
    arrays = {f"features.{k}.weight": rng.standard_normal((4, 4 if k else 3, 3, 3)) for k in PLACES}
    arrays |= {f"features.{k}.bias": rng.standard_normal(4) for k in PLACES}
    np.savez(tmp_path / "vgg19.npz", **arrays, **{"classifier.0.weight": np.zeros((2, 2))})
    return tmp_path / "vgg19.npz"


def test_no_row_unless_asked_for() -> None:
    assert style_row(config()) is None


def test_the_name_says_what_the_row_is(weights: Path) -> None:
    row = style_row(config(style_transfer=True))
    assert row is not None and row.name == RANDOM and "random" in row.name and "true sound" in row.name
    row = style_row(config(style_transfer=True, style_weights=str(weights), style_iterations=2))
    assert row is not None and row.name == PRETRAINED and row.maker.net.widths == (4,) * 5
    with np.load(weights) as arrays:
        np.testing.assert_array_equal(
            row.params["conv3"]["kernel"], arrays["features.5.weight"].transpose(2, 3, 1, 0).astype(np.float32)
        )
    mels = np.random.default_rng(1).uniform(size=(2, 2, 16, 20)).astype(np.float32)
    assert row.pictures(mels[0], mels[1]).shape == (2, 16, 20)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", **{"features.0.weight": np.zeros((4, 3, 11, 11))})
    with pytest.raises(UserError, match="no vgg19 model: features.2.weight is missing"):
        style_row(config(style_transfer=True, style_weights=str(tmp_path / "other.npz")))

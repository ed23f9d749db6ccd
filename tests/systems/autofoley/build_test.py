"""Settings that fit nothing get one line that says what would."""

import numpy as np
import pytest

from configs.autofoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.stage import settings_for
from vis2sound_jax.systems.autofoley import build, foley
from vis2sound_jax.systems.autofoley.scoring.rows import Pairs
from vis2sound_jax.systems.autofoley.scoring.shift import Later
from vis2sound_jax.video.files import decode_jpeg, encode_jpeg


def test_unknown_words_are_named_with_those_that_exist() -> None:
    config = get_config("smoke")
    config.eye.kind = "resnet"
    with pytest.raises(UserError, match="config.eye.kind is 'resnet'; it must be one of small"):
        foley.training(settings_for(config, "sequence"))
    config.sound.mean = "row"
    with pytest.raises(UserError, match="config.sound.mean is 'row'; it must be one of bin, column"):
        build.mean_kind(config)
    config.sound.domain = "dB"
    with pytest.raises(UserError, match="sound.domain is 'dB'; choose one of log1p, linear"):
        build.amplitude_spec(config)


def test_the_number_of_classes_is_that_of_the_clips() -> None:
    config = get_config("smoke")
    build.check_classes(config, ["x"] * 12)
    with pytest.raises(UserError, match=r"config.sound.classes is 12, .* of 2 classes \(dog, rain\); set it to 2"):
        build.check_classes(config, ["dog", "rain"])


def test_a_training_says_what_its_examples_are() -> None:
    for model in build.MODELS:
        training = foley.training(settings_for(get_config("smoke"), model))
        assert training.folder == model and training.steps == 4
        assert training.example_shapes["residual"][0] == (100, 257)
        assert training.example_shapes["frames"][0] == (15, 32, 48)


def test_a_later_film_holds_its_first_frame() -> None:
    record = {"frames": [encode_jpeg(np.full((8, 8, 3), level, np.uint8), 100) for level in (0, 80, 160, 240)]}
    pairs = Pairs(record)  # type: ignore[arg-type]
    assert len(pairs) == 4 and next(iter(pairs))[1].shape == (8, 8, 3)
    later = Later(pairs, 2)
    levels = [round(float(grey.mean())) for grey, _ in later]
    assert len(later) == 4 and levels == [0, 0, 0, 80]
    assert decode_jpeg(record["frames"][1]).mean() == pytest.approx(80, abs=2)

"""Laws of training the streams: examples are as said, and AlexNet's convolutions are not trained."""

from pathlib import Path

import numpy as np
import pytest

from configs.vis import get_config
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.training import NotTrained, check_example
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.vis import streams


def test_alexnets_convolutions_are_not_trained() -> None:
    with pytest.raises(NotTrained, match="config.streams.kind is 'alexnet', whose convolutions are not trained"):
        streams.training(get_config("paper"))


@pytest.mark.parametrize("every", [3, 5])
def test_examples_of_all_recordings_are_as_said(tiny_vis_run: Path, every: int) -> None:
    """Also where the last frame in colour stands for fewer frames than the others."""
    config = settings_of(tiny_vis_run)
    config.streams.every, config.training.decoded_gb = every, 0
    training = training_named(config, "streams")
    assert training.example_shapes["stills"][0][0] == -(-config.streams.clip_frames // every)
    material, rng = training.open(tiny_vis_run), np.random.default_rng(0)
    for film in material.source:
        check_example(training, material.example(film, rng))
    held, plain = material.held, set(training.example_shapes) - {"view", "view_seed"}
    assert held is None or all(set(held.example(film, rng)) == plain for film in held.source)

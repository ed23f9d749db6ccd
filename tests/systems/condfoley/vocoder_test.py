"""Laws of training the vocoder: pieces of sound lie beside their log-mel, and Griffin-Lim has nothing to train."""

from pathlib import Path

import numpy as np
import pytest

from configs.condfoley import get_config
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.training import NotTrained, check_example
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import vocoder


def test_griffin_lim_is_not_trained() -> None:
    with pytest.raises(NotTrained, match="config.vocoder.kind is 'griffin_lim', which is not trained; set it to 'mel"):
        vocoder.training(get_config("smoke"))


def test_examples_are_sound_and_the_log_mel_of_the_same_place(tiny_run: Path) -> None:
    config = settings_of(tiny_run)
    config.vocoder.update(kind="melgan", frames=8)
    training = training_named(config, "vocoder")
    material = training.open(tiny_run)
    example = material.example(material.source[0], np.random.default_rng(0))
    check_example(training, example)
    assert example["wav"].size == 8 * config.mel.hop and len(material.source) >= 4

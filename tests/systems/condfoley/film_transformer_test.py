"""Laws of training on frames: as published, sound becomes tokens within the step, at one level for a batch."""

from typing import Any

import jax
import numpy as np
import pytest

from configs.condfoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.systems.condfoley import film_transformer
from vis2sound_jax.systems.condfoley.film_transformer import Listener


def published() -> Any:
    config = get_config("paper_smoke")
    config.compat = True
    config.codebook.update(levels=(1, 1, 1, 1, 1), blocks=0)
    return config


def listener(training: Any) -> Listener:
    return training.task.listen


def test_sound_becomes_the_tokens_of_the_middle_of_its_image() -> None:
    config = published()
    training = training_named(config, "transformer")
    hear, codes = listener(training), config.codebook.rows * config.transformer.columns
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: 0.1 * rng.standard_normal(leaf.shape, np.float32), training.frozen_shapes)
    wavs = rng.uniform(-0.5, 0.5, (2, *training.example_shapes["target_wav"][0])).astype(np.float32)
    tokens = np.asarray(hear(params, jax.numpy.asarray(wavs)))
    assert tokens.shape == (2, codes) and tokens.dtype == np.int32
    assert tokens.min() >= 0 and tokens.max() < config.codebook.codes


def test_greatest_hits_has_one_level_a_batch_and_other_recordings_their_own() -> None:
    config = published()
    assert listener(training_named(config, "transformer")).level
    config.data.builder = "countix_av"
    assert not listener(training_named(config, "transformer")).level


def test_where_codes_are_cached_nothing_is_frozen() -> None:
    training = training_named(get_config("paper_smoke"), "transformer")
    assert training.frozen_shapes is None and listener(training) is None
    clips = {f"{name}_{array}" for name in ("condition", "target") for array in ("frames", "view")}
    assert set(training.example_shapes) == {"condition", "target", *clips}
    config = get_config("paper_smoke")
    plain = training_named(config, "no_augmentation").example_shapes
    assert set(training.example_shapes) - set(plain) == {"condition_view", "target_view"}
    assert plain["target_frames"][0][1:3] == (training.task.size, training.task.size) == (112, 112)


def test_recordings_that_are_too_short_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(film_transformer, "training_records", lambda *_: [])
    with pytest.raises(UserError, match="no training recording is 20 columns long, two windows of 10; give longer rec"):
        training_named(published(), "transformer").open(tmp_path)

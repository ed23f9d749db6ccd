"""Laws of learning the codes: what each kind is trained with, and a perceptual distance only with a user's weights."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from configs.condfoley import get_config
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.training import NotTrained, check_example
from vis2sound_jax.systems.condfoley import codebook
from vis2sound_jax.tasks.codebook import CodebookTask
from vis2sound_jax.tasks.vqgan import VqganTask

GOLDEN = Path(__file__).parents[2] / "golden" / "lpaps_seed0.npz"


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The paper's codebook, and one recording that is heard already."""
    given = get_config("paper_smoke")
    monkeypatch.setattr(codebook, "heard_mels", lambda *_: [np.zeros((given.mel.n_mels, 400), np.float16)])
    return given


def test_a_patch_coder_is_fitted_and_not_trained() -> None:
    with pytest.raises(NotTrained, match="config.codebook.kind is 'patch_coder', which is not trained by steps"):
        codebook.training(get_config("smoke"))


def test_a_vqgan_sees_as_much_as_a_window_of_the_transformer(config: Any, tmp_path: Path) -> None:
    training = training_named(config, "codebook")
    assert isinstance(training.task, VqganTask) and training.frozen_shapes is None
    assert training.example_shapes["mel"][0] == (config.mel.n_mels, config.transformer.columns * config.codebook.frames)
    material = training.open(tmp_path)
    check_example(training, material.example(material.source[0], np.random.default_rng(0)))
    assert material.frozen is None


def test_as_published_the_discriminator_weighs_the_same_throughout(config: Any) -> None:
    plain = training_named(config, "codebook").task
    config.compat = True
    published = training_named(config, "codebook").task
    assert (plain.adaptive_limits, published.adaptive_limits) == ((0.0, 1e4), (1.0, 1.0))
    assert published.perceptual_dropout and not plain.perceptual_dropout


def test_a_perceptual_distance_has_the_sizes_and_weights_of_its_file(config: Any, tmp_path: Path) -> None:
    with np.load(GOLDEN) as golden:
        weights = {name.removeprefix("sd/"): golden[name] for name in golden.files if name.startswith("sd/")}
    np.savez(tmp_path / "lpaps.npz", **weights)
    config.codebook.perceptual = str(tmp_path / "lpaps.npz")
    training = training_named(config, "codebook")
    frozen = training.open(tmp_path).frozen
    shapes = jax.tree.map(lambda leaf: leaf.shape, (training.frozen_shapes, frozen))
    assert shapes[0] == shapes[1] and jax.tree.leaves(frozen)
    state = jax.eval_shape(training.task.init, jax.random.key(0), training.batch_shapes(2))
    measured = jax.eval_shape(training.task.eval_step, state, training.batch_shapes(2), training.frozen_shapes)
    assert "perceptual" in measured.sums


def test_a_band_coder_without_a_warm_up_starts_from_nothing(config: Any, tmp_path: Path) -> None:
    config.codebook.update(kind="band_coder", warmup_steps=0, width=8, latent=4, blocks=1)
    training = training_named(config, "codebook")
    assert isinstance(training.task, CodebookTask) and training.folder == "codebook"
    assert training.open(tmp_path).params is None

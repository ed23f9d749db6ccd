"""Laws of training the transformer: ablations differ in one thing, and what changes nothing is refused at once."""

from pathlib import Path

import numpy as np
import pytest

from configs.condfoley import get_config
from tests.tiny_run import call, command
from vis2sound_jax.errors import UserError
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.training import check_example
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import transformer
from vis2sound_jax.systems.condfoley.trained import checkpoints


def test_an_ablation_that_cannot_be_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    answer = call(*command(tmp_path / "run", "--config.ablations=('no_augmentation',)"))
    assert answer.code == 2 and "'no_augmentation' changes nothing with" in answer.err
    assert answer.out == "" and [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]


def test_an_ablation_has_a_folder_of_its_own() -> None:
    stages = ("transformer", "no_condition", "no_augmentation")
    folders = [checkpoints(Path("run"), stage).parent.name for stage in stages]
    assert folders == ["transformer", "transformer_no_condition", "transformer_no_augmentation"]
    assert [training_named(get_config("paper_smoke"), stage).folder for stage in stages] == folders


def test_ablations_differ_from_the_transformer_in_one_thing() -> None:
    config = get_config("paper")
    plain, hidden, unaltered = (
        transformer.transformer_task(config, name) for name in ("", "no_condition", "no_augmentation")
    )
    assert plain == unaltered and plain.conditioned and not hidden.conditioned
    for name in ("steps", "learning_rate", "weight_decay", "drop_condition", "condition_weight", "rows", "book"):
        assert getattr(plain, name) == getattr(hidden, name)


@pytest.mark.parametrize("conditioning", ["aligned", "prefix"])
def test_examples_are_as_said_whatever_way_the_film_is_shown(tiny_run: Path, conditioning: str) -> None:
    config = settings_of(tiny_run)
    config.transformer.conditioning = conditioning
    training = training_named(config, "transformer")
    material = training.open(tiny_run)
    check_example(training, material.example(material.source[0], np.random.default_rng(0)))
    assert material.held is not None and ("style" in training.example_shapes) == (conditioning == "aligned")


def test_recordings_that_are_too_short_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(transformer, "token_recordings", lambda *_: [])
    training = training_named(get_config("smoke"), "transformer")
    with pytest.raises(UserError, match="no training recording is 40 columns long, two windows of 20; give longer rec"):
        training.open(tmp_path)

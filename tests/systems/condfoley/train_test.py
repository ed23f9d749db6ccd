"""Laws of training by name: what cannot be trained is refused at the first training, and nothing is written."""

from pathlib import Path

import pytest

from configs.condfoley import get_config
from vis2sound_jax.errors import UserError
from vis2sound_jax.systems.condfoley import tasks as stage_tasks
from vis2sound_jax.systems.condfoley import train
from vis2sound_jax.systems.condfoley.trained import checkpoints


@pytest.mark.parametrize(
    ("ablations", "stage", "problem"),
    [
        (("no_condition", "no_augmentation"), "encoder", "'no_augmentation' changes nothing with"),
        ((), "no_augmentation", "'no_augmentation' changes nothing with"),
        (("no_sound",), "encoder", "config.ablations holds 'no_sound'; it may hold no_condition, no_augmentation"),
    ],
)
def test_ablations_that_cannot_be_are_refused_before_anything_is_trained(
    tmp_path: Path, ablations: tuple[str, ...], stage: str, problem: str
) -> None:
    config = get_config("smoke")
    config.ablations, config.stage = ablations, stage
    with pytest.raises(UserError, match=problem):
        train.run(config, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_ablation_has_a_folder_of_its_own() -> None:
    stages = ("transformer", "no_condition", "no_augmentation")
    folders = [checkpoints(Path("run"), stage).parent.name for stage in stages]
    assert folders == ["transformer", "transformer_no_condition", "transformer_no_augmentation"]


def test_ablations_differ_from_the_transformer_in_one_thing() -> None:
    config = get_config("paper")
    plain, hidden, unaltered = (
        stage_tasks.transformer_task(config, name) for name in ("", "no_condition", "no_augmentation")
    )
    assert plain == unaltered and plain.conditioned and not hidden.conditioned
    for name in ("steps", "learning_rate", "weight_decay", "drop_condition", "condition_weight", "rows", "book"):
        assert getattr(plain, name) == getattr(hidden, name)

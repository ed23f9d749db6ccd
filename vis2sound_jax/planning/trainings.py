"""The training of a stage, found by its name: what is planned is what would be trained."""

import contextlib
from typing import Any

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.nearest import nearest
from vis2sound_jax.run.stage import Stage, listed, settings_for, system_module
from vis2sound_jax.run.training import NotTrained, Training, training_of


def training_named(config: Any, name: str) -> Training:
    """Builds what a stage trains, without its data.

    Args:
      config: the settings.
      name: of a stage of its system.

    Returns:
      The training.

    Raises:
      UserError: if there is no such training, with these settings or at all: then it lists those that there are.
    """
    stage = listed(config).get(name)
    if stage is None or stage.training() is None:
        known = _plannable(config)
        raise UserError(
            f"--stage={name}: there is no training step of that name; it must be one of {', '.join(known)}"
            f"{'' if stage else nearest(name, known)}"
        )
    try:
        return _built(config, stage)
    except NotTrained as error:
        raise UserError(f"--stage={name}: {error}, or plan one of {', '.join(_plannable(config))}") from None


def _built(config: Any, stage: Stage) -> Training:
    build = stage.training()
    if build is None:
        raise NotTrained(f"stage {stage.name} is not trained by steps")
    return training_of(settings_for(config, stage.name), build)


def _plannable(config: Any) -> list[str]:
    names = []
    for stage in system_module(config).STAGES:
        # An ablation that would change nothing with these settings, for instance, is no choice either.
        with contextlib.suppress(UserError):
            _built(config, stage)
            names.append(stage.name)
    return names

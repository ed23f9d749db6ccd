"""The weights that come with the package stand in for a run where there is none and none is named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from vis2sound_jax.run import hosts
from vis2sound_jax.run.card import PAGE, is_packed
from vis2sound_jax.run.stage import Stage
from vis2sound_jax.run.workdir import config_path, settings_of
from vis2sound_jax.shipped import pretrained_dir


def stand_in(
    stage: Stage, config: ConfigDict, workdir: Path, given: Mapping[str, Any], changed: Mapping[str, Any]
) -> tuple[ConfigDict, Path]:
    """Finds the run that a job works with, for a job whose user named none; says so where it is none of theirs.

    Args:
      stage: the job.
      config: the settings; `config.pretrained` names the weights.
      workdir: where a run of the config would be.
      given: flags of the job that were given.
      changed: settings that were changed on the command line, by dotted name; they count for the weights, too.

    Returns:
      Settings and folder: as they came in where there is a run or the job needs more than weights, else those of the
      weights that come with the package.

    Raises:
      UserError: if these are damaged.
    """
    folder = pretrained_dir(config.pretrained)
    needs_weights_alone = any(name in given for name in stage.weights_for)
    if not (needs_weights_alone and config.pretrained and is_packed(folder)) or config_path(workdir).exists():
        return config, workdir
    settings = settings_of(folder)
    settings.update_from_flattened_dict(dict(changed))
    if hosts.is_first():
        page = folder / PAGE
        print(f"no run in {workdir}: using the weights that ship with vis2sound_jax, see {page}", flush=True)
    return settings, folder

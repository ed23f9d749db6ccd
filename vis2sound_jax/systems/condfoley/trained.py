"""The weights of a run, as the networks that `build` makes take them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from vis2sound_jax.audio.mel import MelSpec
from vis2sound_jax.audio.synthesis import GriffinLim, Vocoder
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.vocode import NetVocoder
from vis2sound_jax.run.marks import plain
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.training.checkpoint import is_kept, load_meta, load_params

STAGES = ("encoder", "codebook", "events", "transformer", "vocoder", "sync")
"""Stages that leave checkpoints; a run need not have all of them."""


def folder(stage: str) -> str:
    """Names the folder of a training; an ablation's says what it is one of."""
    return f"transformer_{stage}" if stage in build.ABLATIONS else stage


def checkpoints(workdir: Path, stage: str) -> Path:
    """Where a stage keeps its weights.

    Args:
      workdir: of the run.
      stage: that left them.

    Returns:
      The folder.
    """
    return checkpoints_dir(workdir, folder(stage))


def steps_of(workdir: Path) -> dict[str, int]:
    """Returns the updates that each stage with weights made."""
    found = [stage for stage in STAGES if is_kept(checkpoints(workdir, stage))]
    return {stage: load_meta(checkpoints(workdir, stage))["step"] for stage in found}


def encoder_variables(config: Any, workdir: Path) -> dict[str, Any]:
    """Loads the video encoder: the averaged weights of an `ImpactNet`, or a `VideoOnsetNet` with its statistics.

    Args:
      config: the settings.
      workdir: of the run.

    Raises:
      UserError: if it was not trained.
    """
    place = checkpoints(workdir, "encoder")
    if config.encoder.kind == "impact_net":
        return {"params": load_params(place, item="variables")["ema"]}
    return {"params": load_params(place), **load_params(place, item="variables")}


def codebook_params(workdir: Path) -> Any:
    """Loads the codebook; of a VQGAN the generator, its discriminator has no more to do."""
    params = load_params(checkpoints(workdir, "codebook"))
    return params.get("generator", params)


def transformer_params(config: Any, workdir: Path, stage: str = "transformer") -> tuple[Any, dict[str, Any] | None]:
    """Loads the transformer or that of an ablation, and the variables of its own video network if it has one.

    Args:
      config: the settings.
      workdir: of the run.
      stage: "transformer" or the name of an ablation.

    Raises:
      UserError: if it was not trained.
    """
    place = checkpoints(workdir, stage)
    params = load_params(place)
    if build.video_net(config) is None:
        return params, None
    statistics = load_params(place, item="variables")["video"]
    return params["transformer"], {"params": params["video"], "batch_stats": statistics}


def check_trained(workdir: Path, stages: Iterable[str]) -> None:
    """Asks for weights without loading them.

    Args:
      workdir: of the run.
      stages: that must have some.

    Raises:
      UserError: if one was not trained.
    """
    for stage in stages:
        load_meta(checkpoints(workdir, stage))


class Weights(Mapping[str, Any]):
    """The weights of a run by network, each loaded when it is first asked for and kept."""

    def __init__(self, config: Any, workdir: Path) -> None:
        """Loads nothing yet.

        Args:
          config: the settings.
          workdir: of the run.
        """
        self._found: dict[str, Any] = {}
        self._load: dict[str, Callable[[], Any]] = {
            "encoder": lambda: encoder_variables(config, workdir),
            "codebook": lambda: codebook_params(workdir),
            "events": lambda: reader_params(workdir),
            "transformer": lambda: transformer_params(config, workdir)[0],
            "video": lambda: transformer_params(config, workdir)[1],
            "sync": lambda: scorer_params(workdir),
        }

    def __getitem__(self, name: str) -> Any:
        """Returns the weights of a network."""
        if name not in self._found:
            self._found[name] = self._load[name]()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        """Names of all networks that a run can have."""
        return iter(self._load)

    def __len__(self) -> int:
        """Number of networks that a run can have."""
        return len(self._load)


def scorer_params(workdir: Path) -> Any:
    """Loads the averaged weights of the scorer of synchronisation."""
    return load_params(checkpoints(workdir, "sync"), item="variables")["ema"]


def reader_params(workdir: Path) -> Any:
    """Loads the averaged weights of the event reader."""
    return load_params(checkpoints(workdir, "events"), item="variables")["ema"]


def vocoder(config: Any, spec: MelSpec, workdir: Path) -> Vocoder:
    """Makes the vocoder that the config names; a network's weights are those of the stage "vocoder".

    Args:
      config: the settings.
      spec: of the log-mels.
      workdir: of the run.

    Raises:
      UserError: if a network is named and was not trained.
    """
    net = build.vocoder_net(config)
    if net is None:
        return GriffinLim(spec, config.decoding.griffin_lim_iterations)
    params = load_params(checkpoints(workdir, "vocoder"))
    return NetVocoder(net, params.get("generator", params))


def check_same(workdir: Path, known: ConfigDict, config: ConfigDict) -> None:
    """Compares what the weights of a run depend on.

    Args:
      workdir: of the run.
      known: the settings of the run.
      config: the settings to be used.

    Raises:
      UserError: if a config has other values than the run, or an earlier version wrote the run without one of them.
    """
    sections = ("mel", "encoder", "codebook", "transformer")
    for section in sections + ("sync",) * ("sync" in known):
        for key, value in json.loads(config[section].to_json()).items():
            before = plain(known[section][key])
            if before != value:
                raise UserError(
                    f"{workdir}: its weights were trained with config.{section}.{key}={before!r}, but it is "
                    f"{value!r} now; use the config that they were trained with, or another --workdir"
                )
    for key in ("rate_hz", "fps", "height", "width"):
        if known.data[key] != config.data[key]:
            raise UserError(
                f"{workdir}: its weights were trained at config.data.{key}={known.data[key]!r}, but it is "
                f"{config.data[key]!r} now; set --config.data.{key}={known.data[key]!r}"
            )

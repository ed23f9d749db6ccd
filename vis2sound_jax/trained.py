"""The weights of a run, as the networks that `build` makes take them."""

from pathlib import Path
from typing import Any

from vis2sound_jax import build
from vis2sound_jax.audio.mel import MelSpec
from vis2sound_jax.audio.synthesis import GriffinLim, Vocoder
from vis2sound_jax.generation.vocode import NetVocoder
from vis2sound_jax.training.checkpoint import load_meta, load_params

STAGES = ("encoder", "codebook", "transformer", "vocoder", "sync")
"""Stages that leave checkpoints; a run need not have all of them."""


def checkpoints(workdir: Path, stage: str) -> Path:
    """Where a stage keeps its weights."""
    return workdir / stage / "checkpoints"


def steps_of(workdir: Path) -> dict[str, int]:
    """Returns the updates that each stage with weights made."""
    found = [stage for stage in STAGES if checkpoints(workdir, stage).is_dir()]
    return {stage: load_meta(checkpoints(workdir, stage))["step"] for stage in found}


def encoder_variables(config: Any, workdir: Path) -> dict[str, Any]:
    """Loads the video encoder: the averaged weights of an `ImpactNet`, or a `VideoOnsetNet` with its statistics.

    Raises:
      UserError: if it was not trained.
    """
    folder = checkpoints(workdir, "encoder")
    if config.encoder.kind == "impact_net":
        return {"params": load_params(folder, item="variables")["ema"]}
    return {"params": load_params(folder), **load_params(folder, item="variables")}


def codebook_params(workdir: Path) -> Any:
    """Loads the codebook; of a VQGAN the generator, its discriminator has no more to do."""
    params = load_params(checkpoints(workdir, "codebook"))
    return params.get("generator", params)


def transformer_params(config: Any, workdir: Path) -> tuple[Any, dict[str, Any] | None]:
    """Loads the transformer, and the variables of its own video network if it has one."""
    folder = checkpoints(workdir, "transformer")
    params = load_params(folder)
    if build.video_net(config) is None:
        return params, None
    statistics = load_params(folder, item="variables")["video"]
    return params["transformer"], {"params": params["video"], "batch_stats": statistics}


def scorer_params(workdir: Path) -> Any:
    """Loads the averaged weights of the scorer of synchronisation."""
    return load_params(checkpoints(workdir, "sync"), item="variables")["ema"]


def vocoder(config: Any, spec: MelSpec, workdir: Path) -> Vocoder:
    """Makes the vocoder that the config names; a network's weights are those of the stage "vocoder".

    Raises:
      UserError: if a network is named and was not trained.
    """
    net = build.vocoder_net(config)
    if net is None:
        return GriffinLim(spec, config.decoding.griffin_lim_iterations)
    params = load_params(checkpoints(workdir, "vocoder"))
    return NetVocoder(net, params.get("generator", params))

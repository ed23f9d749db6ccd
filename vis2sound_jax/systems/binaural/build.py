"""From settings to networks, and from a finished run to networks that know their weights."""

from pathlib import Path
from typing import Any

from jaxtyping import Array, Float

from vis2sound_jax.audio.binaural import SPEC, WINDOW, as_pairs
from vis2sound_jax.audio.stft import stft
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.upmix import Upmixer
from vis2sound_jax.models.audio_unet import AudioUNet
from vis2sound_jax.models.resnet import ResNet
from vis2sound_jax.run.workdir import checkpoints_dir
from vis2sound_jax.tasks.binaural import BinauralTask
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.world.spatial.clip import SceneForm


def eye(config: Any) -> ResNet:
    """The network that looks.

    Raises:
      UserError: if its levels have no widths, or the other way round.
    """
    section = config.upmix
    if len(section.blocks) != len(section.widths):
        raise UserError(
            f"config.upmix.blocks has {len(section.blocks)} levels and config.upmix.widths {len(section.widths)}; "
            "give as many of both"
        )
    return ResNet(tuple(section.blocks), tuple(section.widths), section.bottleneck)


def audio_unet(config: Any) -> AudioUNet:
    """The network that listens.

    Raises:
      UserError: if a window's frames cannot be halved so often.
    """
    section, frames = config.upmix, SPEC.frames_for(WINDOW)
    if not 1 <= section.depth <= 6:
        raise UserError(
            f"config.upmix.depth is {section.depth}, but the {frames} frames of a window can be halved 1 to 6 times"
        )
    return AudioUNet(section.width, section.depth, section.reduced)


def analyse(wav: Float[Array, "b n"]) -> Float[Array, "b f t 2"]:
    """Spectra as the networks hear them."""
    return as_pairs(stft(wav, SPEC))


def task(config: Any, *, blind: bool) -> BinauralTask:
    """What is trained.

    Args:
      config: the settings.
      blind: without sight.
    """
    section = config.upmix
    return BinauralTask(
        eye(config),
        audio_unet(config),
        analyse,
        section.steps,
        section.learning_rate,
        section.eye_rate,
        section.weight_decay,
        blind=blind,
    )


def form(config: Any) -> SceneForm:
    """Size of a scene of one window, seen with one picture.

    Raises:
      UserError: if the rate is none that the networks hear.
    """
    data = config.data
    if data.rate_hz != 16000:
        raise UserError(f"config.data.rate_hz is {data.rate_hz}; the networks hear 16000 Hz")
    sources: Any = tuple(config.scenes.sources)
    return SceneForm(WINDOW / data.rate_hz, 1.0, data.height, data.width, data.rate_hz, sources, moving=False)


def trained(config: Any, workdir: Path, stage: str = "upmix") -> tuple[Upmixer, dict[str, Any]]:
    """Opens the networks of a finished run, or of converted weights.

    Args:
      config: the settings.
      workdir: of the run.
      stage: whose networks.

    Returns:
      The networks, and their variables.

    Raises:
      UserError: if there are none.
    """
    place = checkpoints_dir(workdir, stage)
    params, statistics = load_params(place), load_params(place, item="variables")["batch_stats"]
    variables = {name: {"params": params[name], "batch_stats": statistics[name]} for name in params}
    return Upmixer(eye(config), audio_unet(config), compat=config.upmix.compat), variables

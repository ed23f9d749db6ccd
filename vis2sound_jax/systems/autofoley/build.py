"""From a configuration to the networks of AutoFoley: the only place that reads their sizes."""

from collections.abc import Sequence
from typing import Any

from vis2sound_jax.audio.amplitudes import AmplitudeSpec
from vis2sound_jax.data.class_means import KINDS
from vis2sound_jax.data.foley_clips import FoleyWindow
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.autofoley import AutoFoley, FilmEye, FrameRelation, FrameSequence
from vis2sound_jax.run.choices import unknown_choice

MODELS = ("sequence", "relation")
EYES = ("small",)


def amplitude_spec(config: Any) -> AmplitudeSpec:
    """Reads `config.sound`: how sound becomes a spectrogram."""
    sound = config.sound
    return AmplitudeSpec(config.data.rate_hz, sound.n_fft, sound.hop, sound.domain, sound.gain)


def window(config: Any, seconds: float | None = None) -> FoleyWindow:
    """Reads the size of a window.

    Args:
      config: the settings.
      seconds: its length; by default `config.sound.window_s`.

    Returns:
      The size.
    """
    columns_hz = config.data.rate_hz / config.sound.hop
    return FoleyWindow.of(config.sound.window_s if seconds is None else seconds, config.data.fps, columns_hz)


def mean_kind(config: Any) -> str:
    """Reads which mean of a class residuals are added to.

    Raises:
      UserError: if there is none of that name.
    """
    if config.sound.mean not in KINDS:
        raise unknown_choice("sound", config.sound.mean, KINDS, "mean")
    return str(config.sound.mean)


def check_classes(config: Any, classes: Sequence[str]) -> None:
    """Compares the classes that were found with the number that networks are built for.

    Args:
      config: the settings.
      classes: of the training clips.

    Raises:
      UserError: if there are more or fewer.
    """
    if len(classes) != config.sound.classes:
        raise UserError(
            f"config.sound.classes is {config.sound.classes}, but the training clips are of {len(classes)} classes "
            f"({', '.join(classes)}); set it to {len(classes)}"
        )


def foley_net(config: Any, model: str, size: FoleyWindow, classes: int) -> AutoFoley:
    """Builds a network.

    Args:
      config: the settings.
      model: "sequence" or "relation".
      size: of the windows it gets.
      classes: how many there are.

    Returns:
      The network.

    Raises:
      UserError: for an unknown kind of eye.
    """
    eye = config.eye
    if eye.kind not in EYES:
        raise unknown_choice("eye", eye.kind, EYES)
    bands = config.sound.n_fft // 2 + 1
    a_column = size.fps / size.columns_hz
    return AutoFoley(
        eye=FilmEye(tuple(eye.spacetime_widths), tuple(eye.colour_widths), eye.width),
        head=_head(config[model], model, classes, bands),
        columns=size.columns,
        frames_a_column=a_column,
        ahead=eye.ahead_s * size.fps,
        blend_pixels=eye.blend_pixels,
    )


def _head(section: Any, model: str, classes: int, bands: int) -> FrameSequence | FrameRelation:
    if model == "sequence":
        return FrameSequence(
            classes,
            bands,
            width=section.width,
            fast=section.fast,
            keep_h=section.keep_h,
            keep_c=section.keep_c,
            dropout=section.dropout,
            last=section.last,
        )
    return FrameRelation(
        classes,
        bands,
        width=section.width,
        bottleneck=section.bottleneck,
        frames=section.frames,
        every=section.every,
        dropout=section.dropout,
    )

"""The task of a stage and the shapes of its examples, for those who look at a step without data."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from vis2sound_jax.audio.moments import MOMENTS
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.run.fit import check_accumulates
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.tasks.codebook import CodebookTask
from vis2sound_jax.tasks.encoder import EncoderTask
from vis2sound_jax.tasks.film_transformer import FilmTransformerTask
from vis2sound_jax.tasks.sync import SyncTask
from vis2sound_jax.tasks.transformer import TransformerTask
from vis2sound_jax.tasks.video_onset import VideoOnsetTask
from vis2sound_jax.tasks.vocoder import VocoderTask
from vis2sound_jax.tasks.vqgan import VqganTask
from vis2sound_jax.training.task import Task

_KEPT = 7 / 8  # of each side of a frame, by the paper's alterations
_ALIGNED_FEATURES, _ALIGNED_ONSETS = 2, 4  # moments of a column at which the video is looked up
_STYLES = 3  # summaries of the example's bands

Shapes = dict[str, tuple[tuple[int, ...], Any]]


class StageTask(NamedTuple):
    """What a stage trains.

    Attributes:
      task: as the stage trains it.
      example: name → shape without the batch axis, and type.
    """

    task: Task
    example: Shapes

    def batch(self, size: int) -> dict[str, jax.ShapeDtypeStruct]:
        """Shapes [size, ...] of a batch."""
        return {name: jax.ShapeDtypeStruct((size, *shape), dtype) for name, (shape, dtype) in self.example.items()}


def stage_task(config: Any, stage: str) -> StageTask:
    """Builds what a stage trains.

    Args:
      config: the settings.
      stage: "encoder", "codebook", "transformer", "vocoder" or "sync".

    Returns:
      The task and its examples.

    Raises:
      UserError: if no network is trained there by steps, or not as the config asks.
    """
    if stage not in _STAGES:
        raise UserError(
            f"--stage={stage}: there is no training step of that name; it must be one of {', '.join(_STAGES)}"
        )
    found = _STAGES[stage](config)
    check_accumulates(config, stage, found.task)
    return found


def transformer_task(config: Any, ablation: str = "") -> TransformerTask:
    """Builds the task of the transformer over codes, without a video network, or of an ablation of it."""
    section = config.transformer
    return TransformerTask(
        build.transformer_net(config, ablation),
        section.conditioning,
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.drop_condition,
        section.condition_weight,
        rows=config.codebook.rows,
        book=build.book_size(config),
        maskable=build.maskable(config, ablation),
        conditioned=ablation != "no_condition",
        compat=config.compat,
        accumulate=config.training.accumulate,
    )


def sync_task(config: Any) -> SyncTask:
    """Builds the task of the scorer of synchronisation."""
    section = config.sync
    return SyncTask(
        build.sync_net(config),
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        accumulate=config.training.accumulate,
    )


def _transformer(config: Any) -> StageTask:
    inner, video, section = transformer_task(config), build.video_net(config), config.transformer
    tokens = config.codebook.rows * section.columns
    example: Shapes = {name: ((tokens,), jnp.int32) for name in ("condition", "target")}
    if video is not None:
        if config.compat:
            raise UserError("config.compat computes codes within the step, which is not planned; set it to False")
        frames = (build.PREFIX_FRAMES, *_kept(config), 3)
        example |= {f"{name}_frames": (frames, jnp.uint8) for name in ("condition", "target")}
        return StageTask(FilmTransformerTask(inner, video, section.video == "trained"), example)
    prefix = build.prefix_frames(config)
    aligned = (tokens, _ALIGNED_FEATURES * config.encoder.width + _ALIGNED_ONSETS)
    shape = (prefix, config.encoder.width) if prefix else aligned
    example |= {f"{name}_video": (shape, jnp.float32) for name in ("condition", "target")}
    if not prefix:
        example["style"] = ((_STYLES * config.mel.n_mels,), jnp.float32)
    return StageTask(inner, example)


def _encoder(config: Any) -> StageTask:
    net, section = build.encoder_net(config), config.encoder
    curve = ((section.clip_frames,), jnp.float32)
    if isinstance(net, ImpactNet):
        task: Task = EncoderTask(
            net,
            section.steps,
            section.learning_rate,
            section.weight_decay,
            section.ema,
            accumulate=config.training.accumulate,
        )
        frames = ((section.clip_frames, config.data.height, config.data.width), jnp.uint8)
        bands = ((section.clip_frames, section.bands), jnp.float32)
        return StageTask(task, {"frames": frames, "onset": curve, "bands": bands, "mask": curve})
    task = VideoOnsetTask(net, section.steps, section.learning_rate, section.weight_decay)
    return StageTask(task, {"frames": ((section.clip_frames, *_kept(config), 3), jnp.uint8), "onset": curve})


def _codebook(config: Any) -> StageTask:
    net, section = build.codebook_net(config), config.codebook
    example: Shapes = {"mel": ((config.mel.n_mels, config.transformer.columns * section.frames), jnp.float32)}
    if isinstance(net, BandCoder):
        return StageTask(CodebookTask(net, section.steps, learning_rate=section.learning_rate), example)
    if not isinstance(net, VQGAN):
        raise UserError(
            f"config.codebook.kind is {section.kind!r}, which is not trained by steps; plan another --stage"
        )
    judge = PatchDiscriminator(section.disc_width)
    return StageTask(VqganTask(net, section.disc_start, judge, learning_rate=section.learning_rate), example)


def _vocoder(config: Any) -> StageTask:
    net, section = build.vocoder_net(config), config.vocoder
    if net is None:
        raise UserError("config.vocoder.kind is 'griffin_lim', which is not trained; set it to 'melgan'")
    mel = ((config.mel.n_mels, section.frames), jnp.float32)
    wav = ((section.frames * config.mel.hop,), jnp.float32)
    return StageTask(VocoderTask(net, learning_rate=section.learning_rate), {"mel": mel, "wav": wav})


def _sync(config: Any) -> StageTask:
    frames = build.sync_frames(config)
    curve = ((frames,), jnp.float32)
    features = ((frames, config.encoder.width), jnp.float32)
    sound = ((frames, MOMENTS, config.mel.n_mels), jnp.float32)
    late: Shapes = {"late": ((), jnp.int32)}
    return StageTask(sync_task(config), {"features": features, "onset": curve, "sound": sound, "mask": curve, **late})


def _kept(config: Any) -> tuple[int, int]:
    """Height and width of frames after the paper's alterations, which make squares of the height."""
    side = round(_KEPT * config.data.height)
    return side, side


_STAGES: Mapping[str, Callable[[Any], StageTask]] = {
    "encoder": _encoder,
    "codebook": _codebook,
    "transformer": _transformer,
    "vocoder": _vocoder,
    "sync": _sync,
}

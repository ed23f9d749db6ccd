"""Trains the recurrent network from what is seen to the sound of single impacts or whole films, or an ablation."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.impacts import Clip, centred_clips, impact_example, sequences
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.training import Material, Shapes, Training
from vis2sound_jax.systems.vis import build
from vis2sound_jax.systems.vis.pretrained import load_alexnet, with_full_layers
from vis2sound_jax.systems.vis.seen import open_streams
from vis2sound_jax.systems.vis.sounds import has_split, open_pca, open_sounds
from vis2sound_jax.tasks.impacts import ImpactTask
from vis2sound_jax.training.keys import named_key


def training(config: Any) -> Training:
    """Says how the network that `config.stage` names is trained."""
    name, _ = build.predictor_parts(config.stage)
    section = config[name]
    task = ImpactTask(
        build.predictor_net(config, config.stage),
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        section.clip_norm,
        robust=section.robust,
        warmup=section.warmup,
        aligned=section.aligned,
        accumulate=config.training.accumulate,
    )
    shapes = _shapes(config)
    open_data = functools.partial(_open, config, task, shapes)
    return Training(task, shapes, section.batch, section.steps, config.stage, open_data)


def _shapes(config: Any) -> Shapes:
    name, ablation = build.predictor_parts(config.stage)
    motion, colour = build.seen_widths(config)
    frames = config[name].frames
    steps = build.STEPS * frames
    return {
        "motion": ((frames, colour if ablation == "no_spacetime" else motion), np.float32),
        "still": ((colour,), np.float32),
        "target": ((steps, config.sound.components), np.float32),
        "norm": ((steps,), np.float32),
        "mask": ((steps,), np.float32),
    }


def _open(config: Any, task: ImpactTask, shapes: Shapes, workdir: Path) -> Material:
    held, params = None, None
    if has_split(workdir, "validation"):
        held = Held(*_examples(config, workdir, "validation"))
    if config.streams.kind == "alexnet" and config[build.predictor_parts(config.stage)[0]].head == "alexnet":
        params = _with_imagenet(config, task, shapes)
    # Its targets are principal components of this run's own sounds, so that no earlier weights fit.
    return Material(*_examples(config, workdir, "train"), held, params, fresh=True)


def _with_imagenet(config: Any, task: ImpactTask, shapes: Shapes) -> Any:
    """Fresh parameters with AlexNet's full layers over both streams."""
    _, alexnet = load_alexnet(config.streams.weights)
    batch = {name: np.zeros((1, *shape), dtype) for name, (shape, dtype) in shapes.items()}
    return with_full_layers(task.init_params(named_key(config.seed, "train", config.stage), batch), alexnet)


def _examples(config: Any, workdir: Path, split: str) -> tuple[list[Clip], Any]:
    """The clips of a split and what makes examples of them."""
    name, ablation = build.predictor_parts(config.stage)
    section = config[name]
    sounds, films = open_sounds(workdir, split)
    clips = centred_clips(films, section.frames) if name == "prediction" else sequences(films, section.frames)
    if not clips:
        raise UserError(
            f"no {split} recording has {'an annotated event' if name == 'prediction' else 'enough frames'} for a clip "
            f"of {section.frames} frames; give longer or annotated recordings, or lower config.{name}.frames"
        )
    spacetime = ablation != "no_spacetime"
    views = [open_streams(workdir, split, spacetime=spacetime)]
    if split == "train" and spacetime:
        views += [open_streams(workdir, split, view=k) for k in range(config.streams.views)]
    example = functools.partial(
        impact_example, views=views, sounds=sounds, pca=open_pca(workdir), frames=section.frames, lag=section.lag
    )
    return clips, example

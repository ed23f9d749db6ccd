"""Trains the network that `config.stage` names: from film to a class of sound and a residual spectrum."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.foley_clips import STILLS, FoleyClip, foley_clips, foley_example
from vis2sound_jax.data.rows import Rows, has_rows
from vis2sound_jax.models.views import GREY_NUMBERS
from vis2sound_jax.run.decoded import decoded_films, removal
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.training import Material, Training
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.autofoley import build
from vis2sound_jax.systems.autofoley.sounds import open_means, sounds_dir
from vis2sound_jax.tasks.autofoley import FoleyTask


def training(config: Any) -> Training:
    """Says how the network is trained."""
    section, size = config[config.stage], build.window(config, config[config.stage].clip_s)
    task = FoleyTask(
        build.foley_net(config, config.stage, size, config.sound.classes),
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        section.clip_norm,
        class_weight=section.class_weight,
        loud_weight=section.loud_weight,
        accumulate=config.training.accumulate,
    )
    picture = (config.data.height, config.data.width)
    shapes = {
        "frames": ((size.frames, *picture), np.uint8),
        "stills": ((STILLS, *picture, 3), np.uint8),
        "residual": ((size.columns, config.sound.n_fft // 2 + 1), np.float32),
        "label": ((), np.int32),
        "view": ((GREY_NUMBERS,), np.float32),
        "view_seed": ((), np.uint32),
    }
    return Training(task, shapes, section.batch, section.steps, config.stage, functools.partial(_open, config, size))


def _open(config: Any, size: Any, workdir: Path) -> Material:
    means = open_means(workdir)
    build.check_classes(config, means.classes)
    example = functools.partial(foley_example, size=size, means=means, kind=build.mean_kind(config))

    def clips(split: str) -> list[FoleyClip]:
        records = open_split(config, prepared_dir(workdir), split)
        return foley_clips(records, Rows(sounds_dir(workdir), split), means.classes)

    known = clips("train")
    held = clips("validation") if has_rows(sounds_dir(workdir), "validation") else []
    shown = decoded_films(config, workdir, config.stage, [clip.record for clip in known])
    source = [clip._replace(film=film) for clip, film in zip(known, shown, strict=True)]
    return Material(
        source, example, Held(held, functools.partial(example, augment=False)), finished=removal(workdir, config.stage)
    )

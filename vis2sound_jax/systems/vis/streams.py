"""Trains the streams of motion and colour from the sound, in place of ImageNet."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.film_clips import HeardFilm, find_timbres, heard_films, stream_example
from vis2sound_jax.models.views import GREY_NUMBERS
from vis2sound_jax.run.decoded import decoded_films, removal
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.training import Material, NotTrained, Training
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.vis import build
from vis2sound_jax.systems.vis.sounds import has_split, open_pca, open_sounds
from vis2sound_jax.tasks.streams import StreamsTask


def training(config: Any) -> Training:
    """Says how the small streams are trained.

    Raises:
      NotTrained: if AlexNet's convolutions stand in their place.
    """
    section, t = config.streams, config.streams.clip_frames
    if section.kind == "alexnet":
        raise NotTrained("config.streams.kind is 'alexnet', whose convolutions are not trained; set it to 'small'")
    task = StreamsTask(
        build.streams_net(config),
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        timbre_weight=section.timbre_weight,
        accumulate=config.training.accumulate,
    )
    size = (config.data.height, config.data.width)
    shapes = {
        "frames": ((t, *size), np.uint8),
        "stills": ((-(-t // section.every), *size, 3), np.uint8),
        "onset": ((t,), np.float32),
        "sound": ((t, build.STEPS * config.sound.components), np.float32),
        "timbre": ((t,), np.int32),
        "mask": ((t,), np.float32),
        "view": ((GREY_NUMBERS,), np.float32),
        "view_seed": ((), np.uint32),
    }
    return Training(task, shapes, section.batch, section.steps, "streams", functools.partial(_open, config))


def _open(config: Any, workdir: Path) -> Material:
    section, pca = config.streams, open_pca(workdir)
    timbres = find_timbres(*open_sounds(workdir, "train"), section.timbres, config.seed)
    example = functools.partial(
        stream_example, frames=section.clip_frames, every=section.every, spread_s=section.onset_spread_s
    )

    def films(split: str) -> list[HeardFilm]:
        return heard_films(open_split(config, prepared_dir(workdir), split), *open_sounds(workdir, split), pca, timbres)

    held = films("validation") if has_split(workdir, "validation") else []
    known = films("train")
    shown = decoded_films(config, workdir, "streams", [film.record for film in known])
    source = [film._replace(film=grey) for film, grey in zip(known, shown, strict=True)]
    return Material(
        source, example, Held(held, functools.partial(example, augment=False)), finished=removal(workdir, "streams")
    )

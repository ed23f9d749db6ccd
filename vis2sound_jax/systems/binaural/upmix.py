"""Trains the two networks on procedural scenes, of which every example is a new one."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.audio.binaural import LEVEL, WINDOW
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.training import Material, Training
from vis2sound_jax.systems.binaural import build
from vis2sound_jax.world.spatial.clip import SceneForm, draw_clip
from vis2sound_jax.world.spatial.splits import ranges_of

_SCENES = 4096  # the stream's order has that length; scenes do not repeat
_HELD = 256
_SILENCE = 1e-4


def training(config: Any) -> Training:
    """Says how the networks are trained, with sight or without as the stage is called."""
    section, data, blind = config.upmix, config.data, config.stage == "upmix_blind"
    form = build.form(config)
    shapes = {
        "ears": ((2, WINDOW), np.float32),
        "pictures": ((data.height, data.width, 3), np.uint8),
    }
    opened = functools.partial(_open, form, section.compat)
    task = build.task(config, blind=blind)
    return Training(task, shapes, section.batch, section.steps, config.stage, opened)


def _open(form: SceneForm, compat: bool, workdir: Path) -> Material:
    example = functools.partial(scene_example, form=form, split="train", compat=compat)
    held = functools.partial(scene_example, form=form, split="test", compat=compat)
    return Material(range(_SCENES), example, Held(range(_HELD), held, batches=4))


def scene_example(
    index: int, rng: np.random.Generator, *, form: SceneForm, split: str, compat: bool = False
) -> dict[str, Any]:
    """Draws a scene as the networks see and hear it.

    Args:
      index: not used; the generator alone says which scene it is.
      rng: source of randomness.
      form: size of the scene.
      split: what it is drawn from.
      compat: whether the level is that of the true channels, as the reference took it, which nobody knows of a mono
        sound; otherwise that of half their sum.

    Returns:
      `ears` [2, n] and the picture in their middle.
    """
    clip = draw_clip(rng, ranges_of(split), form)
    heard = clip.ears if compat else clip.ears.sum(axis=0) / 2
    gain = LEVEL / max(float(np.sqrt(np.mean(heard**2))), _SILENCE)
    return {"ears": (gain * clip.ears).astype(np.float32), "pictures": clip.frames[0]}

"""One clip of a class, from its seed to frames, sound and times of contacts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from vis2sound_jax.errors import UserError
from vis2sound_jax.video.form import MediaForm
from vis2sound_jax.world.sounds12 import CLASSES, IMPULSIVE, struck, textural
from vis2sound_jax.world.sounds12.canvas import Canvas
from vis2sound_jax.world.sounds12.voices import draw_contacts, draw_level, struck_sound, textural_sound

SPLITS = {"train": 0, "test": 1}
LEAST_S = 1.0
"""Shortest clip in seconds."""


@dataclass(frozen=True)
class SoundClip:
    """A film with its sound.

    Attributes:
      name: of its class.
      frames: RGB, [t, h, w, 3]; frame k is exposed at k / fps.
      wav: [n] mono sound in [-1, 1].
      contact_s: [e] when things touch, in seconds; empty for classes that go on.
    """

    name: str
    frames: UInt8[np.ndarray, "t h w 3"]
    wav: Float32[np.ndarray, "n"]
    contact_s: Float[np.ndarray, "e"]


def render_clip(seed: int, split: str, name: str, index: int, seconds: float, form: MediaForm) -> SoundClip:
    """Renders a clip. The same arguments give the same clip; train and test differ in looks, pitch and tempo.

    Args:
      seed: of the world.
      split: "train" or "test".
      name: a class.
      index: number of the clip in its class and split, >= 0.
      seconds: length.
      form: rates and picture size; height and width even.

    Returns:
      The clip.

    Raises:
      UserError: for an unknown class or split, a clip too short or a size that cannot be stored.
    """
    if name not in CLASSES or split not in SPLITS:
        known = f"classes {', '.join(CLASSES)} and splits {', '.join(SPLITS)}"
        raise UserError(f"procedural clip: class {name!r}, split {split!r}; there are {known}")
    if seconds < LEAST_S or form.height % 2 or form.width % 2:
        size = f"{seconds:g} s, {form.height} x {form.width}"
        raise UserError(f"procedural clips: {size}; take at least {LEAST_S:g} s and even numbers of pixels")
    rng = np.random.default_rng([seed, SPLITS[split], CLASSES.index(name), index])
    plan_rng, look_rng, sound_rng = rng.spawn(3)
    canvas = Canvas(look_rng, seconds, form.fps, form.height, form.width)
    if name in IMPULSIVE:
        contacts = draw_contacts(plan_rng, name, seconds, split)
        struck.PAINTERS[name](canvas, contacts, split)
        wav = struck_sound(sound_rng, name, contacts, seconds, form.rate_hz, split)
    else:
        contacts, level = np.zeros(0), draw_level(plan_rng, name, seconds)
        textural.PAINTERS[name](canvas, np.interp(canvas.times_s, *level), split)
        wav = textural_sound(sound_rng, name, level, seconds, form.rate_hz, split)
    return SoundClip(name, canvas.film(), wav, contacts)

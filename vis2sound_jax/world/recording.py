"""One recording, from its seed to frames, sound and labels."""

from dataclasses import astuple, dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from vis2sound_jax.errors import UserError
from vis2sound_jax.world.film import draw_still, make_tracks
from vis2sound_jax.world.motion import plan_strokes
from vis2sound_jax.world.render import render
from vis2sound_jax.world.scene import draw_scene
from vis2sound_jax.world.sound import render_sound

SPLITS = {"train": 0, "test": 1}

_LIMITS = {
    "seconds": (3, 120),
    "fps": (5, 120),
    "height": (24, 720),
    "width": (24, 1280),
    "rate_hz": (8000, 96000),
}


@dataclass(frozen=True)
class Event:
    """A contact that is heard: time in seconds on the film's clock, and its labels."""

    time_s: float
    material: str
    action: str
    reaction: str


@dataclass(frozen=True)
class Recording:
    """A film with its sound and labels.

    Attributes:
      frames: RGB, [t, h, w, 3]; frame k is exposed around k / fps.
      wav: mono sound in [-1, 1], [n].
      events: what was heard, in order.
      fps: frames per second.
      rate_hz: sample rate.
    """

    frames: UInt8[np.ndarray, "t h w 3"]
    wav: Float32[np.ndarray, "n"]
    events: tuple[Event, ...]
    fps: float
    rate_hz: int


@dataclass(frozen=True)
class Measures:
    """Size of a recording.

    Attributes:
      seconds: length.
      fps: frames per second.
      height: frame height in pixels, even.
      width: frame width in pixels, even.
      rate_hz: sample rate of the sound.
      close_up: whether one target fills much of the frame.
    """

    seconds: float = 10.0
    fps: float = 30.0
    height: int = 72
    width: int = 128
    rate_hz: int = 22050
    close_up: bool = False

    def check(self) -> None:
        """Checks the values.

        Raises:
          UserError: one of them is outside what the world can draw.
        """
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserError(f"procedural recordings: {name} is {value}; choose from {low} to {high}")
        if self.height % 2 or self.width % 2:
            size = f"{self.height} x {self.width}"
            raise UserError(f"procedural recordings: height x width is {size}; H.264 needs even numbers")


_DEFAULT = Measures()


def recording_rng(seed: int, split: str, index: int) -> np.random.Generator:
    """The one source of randomness of a recording.

    Args:
      seed: of the whole set.
      split: "train" or "test".
      index: number of the recording in its split, from 0.

    Raises:
      UserError: the split is unknown.
    """
    if split not in SPLITS:
        raise UserError(f"procedural recording: split is {split!r}; use one of {', '.join(SPLITS)}")
    return np.random.default_rng([seed, SPLITS[split], index])


def render_recording(seed: int, split: str, index: int, measures: Measures = _DEFAULT) -> Recording:
    """Renders one recording of the procedural world.

    The same arguments give the same bytes on the same kind of device. Train and test draw from other seeds,
    and the sizes of their objects come from bands that do not meet.

    Args:
      seed: the world.
      split: "train" or "test".
      index: number of the recording in its split, >= 0.
      measures: length, frame rate, picture size and sample rate.

    Returns:
      The recording.

    Raises:
      UserError: a measure is out of range or the split unknown.
    """
    measures.check()
    seconds, fps, height, width, rate_hz, close_up = astuple(measures)
    still_rng, plan_rng, move_rng, sound_rng = recording_rng(seed, split, index).spawn(4)
    scene = draw_scene(still_rng, split, height, width, close_up=close_up)
    strokes = plan_strokes(plan_rng, scene.targets, seconds, rate_hz, reach=scene.reach)
    still = draw_still(still_rng, scene, height, width)
    tracks = make_tracks(move_rng, scene, strokes, round(seconds * fps), fps, height, width)
    frames = np.asarray(render(still, tracks, height=height, width=width))
    wav = render_sound(sound_rng, scene.targets, strokes, seconds, rate_hz)
    events = tuple(
        Event(stroke.time_s, scene.targets[stroke.target].material, stroke.action, stroke.reaction)
        for stroke in strokes
        if stroke.action != "miss"
    )
    return Recording(frames, wav, events, fps, rate_hz)

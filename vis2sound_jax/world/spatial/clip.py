"""One scene, from its seed to frames, two channels, and what is true of it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8

from vis2sound_jax.audio.head import Head
from vis2sound_jax.audio.room import Room
from vis2sound_jax.errors import UserError
from vis2sound_jax.world.spatial.kinds import KINDS, Kind, sound_of
from vis2sound_jax.world.spatial.picture import SHAPES, Look, background, coloured, draw
from vis2sound_jax.world.spatial.splits import Ranges, Rng, band_of, draw_head, draw_room, ranges_of, scene_rng, within

VERSION = 1
"""Of the drawing rules: raised when the same seed gives other scenes."""

FIELD_DEG = 80.0
"""Azimuth of the right edge of the picture; the place across the picture grows evenly with the azimuth."""

_LEVEL = 0.05
_BYSTANDERS = 0.3  # share of scenes with a dull thing that makes no sound


@dataclass(frozen=True)
class SceneForm:
    """Size of a scene.

    Attributes:
      seconds: its length.
      fps: frames a second.
      height: of the frame in pixels.
      width: of the frame in pixels.
      rate_hz: of the sound.
      sources: fewest and most things that sound, 1 to 3.
      moving: whether they move; in a window of less than a second they hardly do.

    Raises:
      UserError: for a size that cannot be drawn.
    """

    seconds: float = 3.0
    fps: float = 10.0
    height: int = 56
    width: int = 112
    rate_hz: int = 16000
    sources: tuple[int, int] = (1, 2)
    moving: bool = True

    def __post_init__(self) -> None:
        """Checks the measures."""
        least, most = self.sources
        if not 1 <= least <= most <= 3:
            raise UserError(f"a scene has {least} to {most} sources; choose 1 to 3")
        if self.height < 16 or self.width < 16 or self.seconds <= 0:
            raise UserError(
                f"a scene is {self.height} x {self.width} pixels and {self.seconds} s; "
                "choose 16 x 16 or larger, and some time"
            )

    @property
    def samples(self) -> int:
        """Samples of the sound."""
        return round(self.seconds * self.rate_hz)

    @property
    def frames(self) -> int:
        """Frames of the film, >= 1."""
        return max(1, round(self.seconds * self.fps))


@dataclass(frozen=True)
class Thing:
    """A thing that sounds.

    Attributes:
      kind: what it is.
      tone: of its timbre.
      middle_deg: azimuth around which it swings.
      swing_deg: how far to either side.
      turns_hz: swings a second.
      phase: of the swing, radians.
      distance_m: from the head.
      gain: of its sound.
      look: how it is drawn.
      down: where it is drawn, share of the height.
    """

    kind: Kind
    tone: float
    middle_deg: float
    swing_deg: float
    turns_hz: float
    phase: float
    distance_m: float
    gain: float
    look: Look
    down: float

    def azimuth_deg(self, times_s: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """Where it is over time, in degrees; negative is left."""
        return self.middle_deg + self.swing_deg * np.sin(2 * np.pi * self.turns_hz * times_s + self.phase)


class SpatialClip(NamedTuple):
    """A scene as it is seen and heard.

    Attributes:
      frames: [t, h, w, 3] RGB; frame k is shown from k / fps on.
      ears: [2, n] left and right.
      images: [k, 2, n] what each thing alone sounds like at the ears; their sum is `ears`.
      dry: [k, n] what each thing sounds like by itself.
      azimuth_deg: [k, t] where each thing is in each frame.
      things: what sounds.
      head: who hears.
      room: where; None in the open.
    """

    frames: UInt8[np.ndarray, "t h w 3"]
    ears: Float32[np.ndarray, "2 n"]
    images: Float32[np.ndarray, "k 2 n"]
    dry: Float32[np.ndarray, "k n"]
    azimuth_deg: Float[np.ndarray, "k t"]
    things: tuple[Thing, ...]
    head: Head
    room: Room | None


def spatial_clip(seed: int, split: str, index: int, form: SceneForm) -> SpatialClip:
    """Draws a scene. The same arguments give the same scene.

    Args:
      seed: of the whole set.
      split: a name in `splits.SPLITS`.
      index: number of the scene in its split.
      form: its size.

    Returns:
      The scene.

    Raises:
      UserError: if there is no such split.
    """
    return draw_clip(scene_rng(seed, split, index), ranges_of(split), form)


def draw_clip(rng: Rng, ranges: Ranges, form: SceneForm) -> SpatialClip:
    """Draws a scene from a generator.

    Args:
      rng: source of randomness.
      ranges: what it is drawn from.
      form: its size.
    """
    head, room = draw_head(rng, ranges), draw_room(rng, ranges)
    things = _draw_things(rng, ranges, form)
    dry = [
        (thing.gain * sound_of(thing.kind, rng, thing.tone, form.samples, form.rate_hz)).astype(np.float32)
        for thing in things
    ]
    images = np.stack([_hear(head, room, wav, thing, form) for wav, thing in zip(dry, things, strict=True)])
    times_s = np.arange(form.frames) / form.fps
    azimuth_deg = np.stack([thing.azimuth_deg(times_s) for thing in things])
    frames = _film(rng, things, azimuth_deg, form)
    return SpatialClip(frames, images.sum(axis=0), images, np.stack(dry), azimuth_deg, tuple(things), head, room)


def _draw_things(rng: Rng, ranges: Ranges, form: SceneForm) -> list[Thing]:
    """Things of different kinds."""
    count = int(rng.integers(form.sources[0], form.sources[1] + 1))
    kinds = rng.choice(len(KINDS), count, replace=False)
    return [_draw_thing(rng, KINDS[kind], ranges, moving=form.moving) for kind in kinds]


def _draw_thing(rng: Rng, kind: Kind, ranges: Ranges, *, moving: bool) -> Thing:
    """A thing whose azimuth stays within one band, on the left or on the right."""
    low, high = band_of(rng, ranges.azimuths_deg)
    most = (high - low) / 2 if moving else 0.0
    swing = float(rng.uniform(0.3, 1.0) * most)
    middle = float(rng.choice([-1, 1]) * rng.uniform(low + swing, high - swing))
    colour = coloured(kind.hue + rng.normal(0, 0.015), rng.uniform(0.75, 1), rng.uniform(0.75, 1))
    return Thing(
        kind=kind,
        tone=within(rng, ranges.tones),
        middle_deg=middle,
        swing_deg=swing,
        turns_hz=float(rng.uniform(0.1, 0.35)),
        phase=float(rng.uniform(0, 2 * np.pi)),
        distance_m=float(rng.uniform(0.8, 1.2)),
        gain=_LEVEL * float(10 ** (rng.uniform(-3, 3) / 20)),
        look=Look(kind.shape, colour, float(rng.uniform(0.11, 0.19)), float(rng.normal(0, 0.1))),
        down=float(rng.uniform(0.25, 0.75)),
    )


def _hear(
    head: Head, room: Room | None, wav: Float32[np.ndarray, "n"], thing: Thing, form: SceneForm
) -> Float32[np.ndarray, "2 n"]:
    """What one thing sounds like at the ears."""
    track = (
        thing.azimuth_deg(np.arange(form.samples) / form.rate_hz) if thing.swing_deg else np.array([thing.middle_deg])
    )
    if room is None:
        return head.hear(wav, track, form.rate_hz)
    return room.hear(head, wav, room.place(track, thing.distance_m), form.rate_hz)


def _film(rng: Rng, things: list[Thing], azimuth_deg: Float[np.ndarray, "k t"], form: SceneForm) -> np.ndarray:
    wall = background(rng, form.height, form.width)
    looks, still = [thing.look for thing in things], []
    if rng.random() < _BYSTANDERS:
        shape = sorted(SHAPES)[int(rng.integers(len(SHAPES)))]
        dull = coloured(rng.uniform(), rng.uniform(0, 0.12), rng.uniform(0.2, 0.9))
        looks = [Look(shape, dull, float(rng.uniform(0.08, 0.16)), float(rng.uniform(0, 3))), *looks]
        still = [(float(rng.uniform(0.05, 0.95)), float(rng.uniform(0.2, 0.8)))]
    frames = []
    for azimuths in azimuth_deg.T:
        places = [(place_of(deg), thing.down) for deg, thing in zip(azimuths, things, strict=True)]
        frames.append(draw(wall, looks, still + places))
    return np.stack(frames)


def place_of(azimuth_deg: float) -> float:
    """Where an azimuth is across the picture, 0 at the left edge to 1 at the right one."""
    return 0.5 + azimuth_deg / (2 * FIELD_DEG)


def azimuth_of(place: float) -> float:
    """The azimuth of a place across the picture, in degrees; the inverse of `place_of`."""
    return (place - 0.5) * 2 * FIELD_DEG

"""The cast of a film: bodies with their paths, the light, and the times at which something is heard."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from numpy.typing import ArrayLike

Rng = np.random.Generator
Moments = Float[np.ndarray, "t m"]

POWERS = (2.0, 2.0, 4.0, 8.0)
"""Squareness of bodies: 2 is an ellipse, 8 nearly a rectangle; there are no others."""


class Look(NamedTuple):
    """How a body looks.

    Attributes:
      power: squareness; see `POWERS`.
      tone: grey value, about [0, 1]; above 1 it shines.
      contrast: of the pattern on it.
      pattern: spatial frequency of the pattern.
      slant: direction of the pattern, radians.
      phase: of the pattern, radians.
      softness: width of the edge in pixels.
      shade: how much darker it is below.
    """

    power: float
    tone: float
    contrast: float
    pattern: float
    slant: float
    phase: float
    softness: float
    shade: float


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draws a number whose logarithm is uniform.

    Args:
      rng: source of randomness.
      low: the least, > 0.
      high: the greatest.
    """
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_look(rng: Rng, **fixed: float) -> Look:
    """Draws a look.

    Args:
      rng: source of randomness.
      **fixed: fields of `Look` that are given.

    Returns:
      The look.
    """
    drawn = Look(
        power=float(rng.choice(POWERS)),
        tone=float(rng.uniform(0.02, 0.98)),
        contrast=float(rng.choice([0.0, rng.uniform(0.0, 0.08), rng.uniform(0.05, 0.35)])),
        pattern=log_uniform(rng, 0.5, 12),
        slant=float(rng.uniform(0, np.pi)),
        phase=float(rng.uniform(0, 2 * np.pi)),
        softness=log_uniform(rng, 0.8, 4),
        shade=float(rng.normal(0, 0.12)),
    )
    return drawn._replace(**fixed)


def draw_place(rng: Rng) -> Float[np.ndarray, "2"]:
    """Draws a place in the picture, in image heights from its middle, x right and y down."""
    return np.array([rng.uniform(-0.65, 0.65), rng.uniform(-0.35, 0.4)])


def unit(angle: ArrayLike) -> Float[np.ndarray, "*s 2"]:
    """Returns the vector of length one in a direction given in radians."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def wander(rng: Rng, moments: Moments, size: float, low_hz: float, high_hz: float) -> Moments:
    """Draws a smooth random path around zero.

    Args:
      rng: source of randomness.
      moments: times in seconds.
      size: its standard deviation.
      low_hz: slowest movement.
      high_hz: fastest movement.

    Returns:
      The path at these times.
    """
    path = np.zeros(moments.shape)
    for _ in range(4):
        wave = np.sin(2 * np.pi * log_uniform(rng, low_hz, high_hz) * moments + rng.uniform(0, 6.3))
        path += rng.normal() * wave
    return size / 2 * path


@dataclasses.dataclass
class Cast:
    """What is in a film; lengths in image heights, the middle of the picture is zero.

    Attributes:
      rng: source of all randomness of the film.
      moments: [t, m] times in seconds at which each frame is exposed.
      paths: [t, m, 6] of each body: x, y, turn, half width, half height, opacity; later bodies are in front.
      looks: of each body.
      events: times in seconds at which something is heard.
      light: [t] factor of the light.
    """

    rng: Rng
    moments: Moments
    paths: list[np.ndarray] = dataclasses.field(default_factory=list)
    looks: list[Look] = dataclasses.field(default_factory=list)
    events: list[float] = dataclasses.field(default_factory=list)
    light: np.ndarray = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        """Begins with even light."""
        self.light = np.ones(len(self.moments))

    @property
    def end_s(self) -> float:
        """The last moment of the film in seconds."""
        return float(self.moments.max())

    def put(
        self,
        at: Float[np.ndarray, "*s 2"],
        turn: ArrayLike,
        half: tuple[ArrayLike, ArrayLike],
        opacity: ArrayLike = 1.0,
        **look: float,
    ) -> Float[np.ndarray, "t m 6"]:
        """Puts a body in front of those that are there.

        Args:
          at: its middle, for all moments or each.
          turn: radians by which it is turned.
          half: half its width and height before it is turned.
          opacity: 0 hides it.
          **look: fields of `Look` that are given.

        Returns:
          Its path, which may be changed in place.
        """
        values = (at[..., 0], at[..., 1], turn, *half, opacity)
        path = np.stack(np.broadcast_arrays(*(np.asarray(v, float) for v in values), self.moments)[:6], axis=-1)
        self.paths.append(path)
        self.looks.append(draw_look(self.rng, **look))
        return path

    def limb(self, at: Float[np.ndarray, "*s 2"], angle: ArrayLike, length: float, half_width: float) -> None:
        """Puts an arm, a leg or a handle that begins at `at` and goes away in a direction.

        Args:
          at: where it begins, for all moments or each.
          angle: its direction in radians.
          length: its length.
          half_width: half its width.
        """
        self.put(at + unit(angle) * length / 2, angle, (length / 2, half_width), power=8.0)


Frames = Float32[np.ndarray, "t h w"]
"""Grey frames, 1 is white."""

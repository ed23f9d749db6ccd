"""A film as an array to paint on: bodies that move, textures that scroll, light that changes."""

import numpy as np
from jaxtyping import Float, Float32, UInt8
from numpy.typing import ArrayLike

from vis2sound_jax.world.textures import fractal_noise

Rng = np.random.Generator
Curve = Float[np.ndarray, "t"]
SLOTS, HELD_OUT = 10, (2, 6)
"""A range is cut into slots, of which the test films have two and the training films the others."""


def banded(rng: Rng, split: str, low: float, high: float) -> float:
    """Draws a number, in test films from parts of the range that training films leave out.

    Args:
      rng: source of randomness.
      split: "train" or "test".
      low: end of the range, > 0.
      high: its other end; the logarithm is uniform within a part.
    """
    slots = HELD_OUT if split == "test" else tuple(k for k in range(SLOTS) if k not in HELD_OUT)
    # A tenth at either end of a slot stays free, so that the two do not meet.
    place = (int(rng.choice(slots)) + rng.uniform(0.1, 0.9)) / SLOTS
    return float(np.exp(np.log(low) + place * (np.log(high) - np.log(low))))


class Canvas:
    """A film that is being painted; lengths in image heights, the middle is zero, x right and y down.

    Attributes:
      rng: source of all randomness of the look.
      times_s: [t] when each frame is exposed.
      frames: [t, h, w, 3] colours, 0 to 1.
    """

    def __init__(self, rng: Rng, seconds: float, fps: float, height: int, width: int) -> None:
        """Begins with black.

        Args:
          rng: source of randomness.
          seconds: length.
          fps: frames a second.
          height: of the picture in pixels.
          width: of the picture in pixels.
        """
        self.rng = rng
        self.times_s = np.arange(round(seconds * fps)) / fps
        self.height, self.width = height, width
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        self._u, self._v = (columns + 0.5 - width / 2) / height, (rows + 0.5) / height - 0.5
        self.frames: Float32[np.ndarray, "t h w 3"] = np.zeros((len(self.times_s), height, width, 3), np.float32)

    def fill(self, picture: Float[np.ndarray, "h w 3"]) -> None:
        """Covers all frames with one picture.

        Args:
          picture: colours in [0, 1].
        """
        self.frames[:] = picture

    def put(
        self,
        at: tuple[ArrayLike, ArrayLike],
        half: tuple[ArrayLike, ArrayLike],
        colour: ArrayLike,
        *,
        turn: ArrayLike = 0.0,
        opacity: ArrayLike = 1.0,
        box: bool = False,
        softness: float = 1.0,
    ) -> None:
        """Puts a body in front of what is there; every value may be one number or one a frame.

        Args:
          at: its middle.
          half: half its width and height before it is turned.
          colour: red, green and blue.
          turn: radians.
          opacity: 0 hides it.
          box: a rectangle instead of an ellipse.
          softness: width of its edge in pixels.
        """
        values = np.broadcast_arrays(*at, *half, turn, opacity, self.times_s)[:6]
        x, y, a, b, turned, shown = (np.asarray(value, np.float32)[:, None, None] for value in values)
        dx, dy = self._u - x, self._v - y
        cos, sin = np.cos(turned), np.sin(turned)
        p, q = (dx * cos + dy * sin) / a, (dy * cos - dx * sin) / b
        radius = np.maximum(np.abs(p), np.abs(q)) if box else np.sqrt(p * p + q * q)
        outside = (radius - 1) * np.minimum(a, b) * self.height / softness
        cover = np.clip(0.5 - outside, 0, 1) * shown
        self.over(cover, colour)

    def over(self, cover: Float[np.ndarray, "t h w"], colour: ArrayLike) -> None:
        """Paints with a cover for every frame.

        Args:
          cover: 0 leaves what is there, 1 hides it.
          colour: red, green and blue, or a picture [h, w, 3] or [t, h, w, 3].
        """
        self.frames += cover[..., None].astype(np.float32) * (np.asarray(colour, np.float32) - self.frames)

    def scrolled(self, speed: tuple[ArrayLike, ArrayLike], cells: float, stretch: float) -> Float[np.ndarray, "t h w"]:
        """A texture that goes on without end as it moves.

        Args:
          speed: image heights a second to the right and down; one number or one a frame.
          cells: of the texture over the height.
          stretch: above 1 draws it out along the height.

        Returns:
          Noise in [0, 1].
        """
        h, w = 2 * self.height, 2 * self.width
        texture = fractal_noise(self.rng, w, h, cells * w / h, stretch=stretch, octaves=3).T
        texture = np.concatenate([texture, texture[::-1]])
        texture = np.concatenate([texture, texture[:, ::-1]], axis=1)
        step_s = self.times_s[1] if len(self.times_s) > 1 else 0.0
        right, down = (np.cumsum(np.broadcast_to(s, self.times_s.shape)) * step_s * self.height for s in speed)
        rows = (np.arange(self.height) - np.round(down).astype(int)[:, None]) % len(texture)
        columns = (np.arange(self.width) - np.round(right).astype(int)[:, None]) % texture.shape[1]
        return texture[rows[:, :, None], columns[:, None, :]]

    def vertical(self) -> Float[np.ndarray, "h w"]:
        """How far down every pixel is, 0 to 1."""
        return self._v + 0.5

    def horizontal(self) -> Float[np.ndarray, "h w"]:
        """How far right of the middle every pixel is, in image heights."""
        return self._u

    def light(self, factor: Curve, tint: ArrayLike = (1.0, 1.0, 1.0)) -> None:
        """Changes the light of everything painted so far.

        Args:
          factor: of each frame.
          tint: what a factor above 1 adds is of this colour.
        """
        more = np.maximum(factor - 1, 0)[:, None, None, None] * np.asarray(tint, np.float32) * 0.6
        self.frames = self.frames * np.minimum(factor, 1.5)[:, None, None, None].astype(np.float32) + more

    def film(self) -> UInt8[np.ndarray, "t h w 3"]:
        """The film as a camera sees it, with noise of its sensor."""
        noise = self.rng.normal(0, self.rng.uniform(0.003, 0.015), (4, *self.frames.shape[1:])).astype(np.float32)
        shown = self.frames + noise[self.rng.integers(0, 4, len(self.frames))]
        return np.round(np.clip(shown, 0, 1) * 255).astype(np.uint8)


def pulse(times_s: Curve, contacts: Float[np.ndarray, "e"], before_s: float, after_s: float) -> Curve:
    """A curve that rises to 1 at every contact and falls again.

    Args:
      times_s: where it is wanted.
      contacts: times of the contacts in seconds.
      before_s: time of the rise.
      after_s: time of the fall, to a third.
    """
    curve = np.zeros(times_s.shape)
    for at in contacts:
        since = times_s - at
        rise = np.clip(1 + since / before_s, 0, 1) ** 2 if before_s > 0 else (since >= 0).astype(float)
        curve = np.maximum(curve, np.where(since < 0, rise, np.exp(-np.maximum(since, 0) / after_s)))
    return curve


def wandering(rng: Rng, times_s: Curve, low_hz: float, high_hz: float) -> Curve:
    """A smooth random curve between 0 and 1.

    Args:
      rng: source of randomness.
      times_s: where it is wanted.
      low_hz: its slowest movement.
      high_hz: its fastest.
    """
    curve = np.zeros(times_s.shape)
    for _ in range(4):
        hz = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz)))
        curve += rng.normal() * np.sin(2 * np.pi * hz * times_s + rng.uniform(0, 6.3))
    return 1 / (1 + np.exp(-1.2 * curve))

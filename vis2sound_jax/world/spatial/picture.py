"""Draws things: plain shapes before a soft background, at any size of frame."""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

Plane = Float[np.ndarray, "h w"]


def _bar(x: Plane, y: Plane) -> Plane:
    return np.maximum(np.abs(x) - 0.35, np.abs(y) - 1.0)


def _cross(x: Plane, y: Plane) -> Plane:
    return np.minimum(_bar(x, y), _bar(y, x))


SHAPES: dict[str, Callable[[Plane, Plane], Plane]] = {
    "bar": _bar,
    "cross": _cross,
    "disc": lambda x, y: np.hypot(x, y) - 1,
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.72) - 0.26,
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) - 0.85,
    "triangle": lambda x, y: np.maximum(np.abs(x) * 0.87 + y * 0.5, -y) - 0.6,
}
"""Signed distances from an outline within [-1, 1], negative within; x to the right, y upwards."""


@dataclass(frozen=True)
class Look:
    """How a thing looks.

    Attributes:
      shape: a name in `SHAPES`.
      colour: red, green and blue in [0, 1].
      radius: half its size, in frame heights.
      turn: by which it is turned, radians.
    """

    shape: str
    colour: tuple[float, float, float]
    radius: float
    turn: float


def coloured(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """Red, green and blue in [0, 1].

    Args:
      hue: 0 to 1, red to red; any number is wrapped.
      saturation: 0 to 1.
      value: 0 to 1.
    """
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def background(rng: np.random.Generator, height: int, width: int) -> Float[np.ndarray, "h w 3"]:
    """A dull wall with a slope of light and a few soft stains, the same at any size but for its pixels.

    Args:
      rng: source of randomness.
      height: in pixels.
      width: in pixels.

    Returns:
      Colours in [0, 1].
    """
    y, x = _grid(height, width)
    shade = rng.uniform(0.2, 0.7) + rng.uniform(-0.12, 0.12) * x + rng.uniform(-0.12, 0.12) * (y - 0.5)
    for _ in range(4):
        at, size = rng.uniform((-1, 0), (1, 1)), rng.uniform(0.1, 0.4)
        shade = shade + rng.uniform(-0.1, 0.1) * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / size**2)
    tint = rng.uniform(0.88, 1.12, 3)
    return np.clip(shade[..., None] * tint, 0, 1)


def _grid(height: int, width: int) -> tuple[Plane, Plane]:
    """Rows 0 to 1 from the top, and columns from the middle, both in frame heights."""
    y = (np.arange(height)[:, None] + 0.5) / height
    x = (np.arange(width)[None, :] + 0.5 - width / 2) / height
    return y, x


def draw(
    wall: Float[np.ndarray, "h w 3"],
    looks: list[Look],
    places: list[tuple[float, float]],
) -> UInt8[np.ndarray, "h w 3"]:
    """Draws one frame.

    Args:
      wall: the background.
      looks: of the things, the nearest last.
      places: of their middles: share of the width from the left, share of the height from the top.
    """
    height, width, _ = wall.shape
    y, x = _grid(height, width)
    image = wall.copy()
    for look, (across, down) in zip(looks, places, strict=True):
        middle_x, reach = (across - 0.5) * width / height, 1.5 * look.radius
        columns = slice(*np.searchsorted(x[0], (middle_x - reach, middle_x + reach)))
        rows = slice(*np.searchsorted(y[:, 0], (down - reach, down + reach)))
        dx, dy = (x[:, columns] - middle_x) / look.radius, (down - y[rows]) / look.radius
        cos, sin = np.cos(look.turn), np.sin(look.turn)
        distance = SHAPES[look.shape](cos * dx + sin * dy, cos * dy - sin * dx)
        # The edge is one pixel wide.
        cover = np.clip(0.5 - distance * look.radius * height, 0, 1)[..., None]
        image[rows, columns] += cover * (np.asarray(look.colour) - image[rows, columns])
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)

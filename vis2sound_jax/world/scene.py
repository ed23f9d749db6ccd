"""The still part of a recording: what stands where, how it is lit, and the layers the camera looks at."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from vis2sound_jax.world.materials import MATERIALS, Material
from vis2sound_jax.world.motion import Gesture, Target
from vis2sound_jax.world.textures import paint, smooth_noise

Rng = np.random.Generator
Plane = Float32[np.ndarray, "h w"]
Layer = Float32[np.ndarray, "4 h w"]

SIZE_RANGE = (0.6, 1.7)
MARGIN = 0.25
"""Painted border around the frame, in image heights: the camera moves within it."""

_OTHER_TEXTURE = 0.2
_CLOSE_UP = 1.8  # how much larger things are in a close-up
_HIGHEST = 0.3  # where in a close-up the stick lands at the highest, in image heights
# Bands of log object size, as shares of SIZE_RANGE: a test object has a size that no training object had.
_SIZE_BANDS = {
    "train": ((0.0, 0.28), (0.4, 0.62), (0.74, 1.0)),
    "test": ((0.28, 0.4), (0.62, 0.74)),
}


@dataclass(frozen=True)
class Scene:
    """Everything of a recording that stays as it is; lengths in image heights, x right, y down.

    Attributes:
      targets: what the stick plays; target i is painted on layer 1 + i unless it is the ground.
      gesture: how the player moves.
      reach: scale of the player's movements.
      background: the room and the ground, [3, H, W] in [0, 1]; H = height + 2 margin.
      layers: [3, 4, H, W] premultiplied colour and opacity: swaying foreground, first and second target.
      margin: border of the layers around the frame, pixels.
      light: direction in which a raised thing throws its shadow, per height.
      surface: mean colour of each target where it is played, [targets, 3].
    """

    targets: tuple[Target, ...]
    gesture: Gesture
    reach: float
    background: Float32[np.ndarray, "3 h w"]
    layers: Float32[np.ndarray, "3 4 h w"]
    margin: int
    light: tuple[float, float]
    surface: Float32[np.ndarray, "n 3"]


def draw_size(rng: Rng, split: str) -> float:
    """Draws an object size in `SIZE_RANGE`; the bands of the two splits do not meet.

    Args:
      rng: source of randomness.
      split: "train" or "test".
    """
    bands = _SIZE_BANDS[split]
    widths = np.array([high - low for low, high in bands])
    low, high = bands[int(rng.choice(len(bands), p=widths / widths.sum()))]
    return float(SIZE_RANGE[0] * (SIZE_RANGE[1] / SIZE_RANGE[0]) ** rng.uniform(low, high))


def draw_material(rng: Rng) -> Material:
    """Draws a material by its share."""
    materials = list(MATERIALS.values())
    shares = np.array([material.share for material in materials])
    return materials[int(rng.choice(len(materials), p=shares / shares.sum()))]


def _texture_name(rng: Rng, name: str) -> str:
    """The material's own texture, or now and then another's: veneer, paint, prints."""
    return str(rng.choice(list(MATERIALS))) if rng.random() < _OTHER_TEXTURE else name


def _grid(height: int, width: int, margin: int) -> tuple[Plane, Plane]:
    y, x = np.mgrid[-margin : height + margin, -margin : width + margin].astype(np.float32)
    return (y + 0.5) / np.float32(height), (x + 0.5) / np.float32(height)


@dataclass(frozen=True)
class _Shape:
    """Outline of a thing: centre, half width, half height, squareness (2 = ellipse), bumpiness, turn."""

    centre: tuple[float, float]
    half: tuple[float, float]
    power: float
    bumps: float
    turn: float

    def distance(self, rng: Rng, y: Plane, x: Plane) -> Plane:
        """Approximate signed distance to the outline, negative inside, in image heights."""
        cos, sin = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        dx, dy = x - np.float32(self.centre[0]), y - np.float32(self.centre[1])
        u, v = (dx * cos + dy * sin) / self.half[0], (dy * cos - dx * sin) / self.half[1]
        radius = (np.abs(u) ** self.power + np.abs(v) ** self.power) ** (1 / self.power)
        if self.bumps > 0:
            angle = np.arctan2(v, u)
            for count in (2, 3, 5):
                radius = radius * (1 + self.bumps / count * np.sin(count * angle + rng.uniform(0, 6.3)))
        return ((radius - 1) * min(self.half)).astype(np.float32)


def _paint_shape(
    rng: Rng, shape: _Shape, texture: str, y: Plane, x: Plane, height: int, *, softness: float = 1.2
) -> Layer:
    """Paints a thing with rounded shading, a highlight and a shadow on the ground under it."""
    distance = shape.distance(rng, y, x)
    alpha = np.clip(0.5 - distance * height / softness, 0, 1)
    colour = paint(texture, rng, y.shape[0], y.shape[1], zoom=rng.uniform(0.5, 1.6)).transpose(2, 0, 1)
    inside = np.clip(-distance / min(shape.half), 0, 1)
    slope_x, slope_y = rng.uniform(-0.5, 0.5), rng.uniform(0.0, 0.6)
    tone = 0.7 + 0.4 * inside**0.7
    tone = tone - slope_y * (y - shape.centre[1]) / shape.half[1] * 0.5 - slope_x * (x - shape.centre[0]) * 0.8
    if rng.random() < 0.5:
        hot_x, hot_y = (
            shape.centre[0] + rng.normal(0, 0.4) * shape.half[0],
            shape.centre[1] - 0.45 * shape.half[1],
        )
        tone = tone + rng.uniform(0.1, 0.8) * np.exp(-((x - hot_x) ** 2 + (y - hot_y) ** 2) / 0.02 / shape.half[0])
    fall = shape.half[1] * rng.uniform(0.1, 0.4)
    lower = np.roll(distance, (round(fall * height), round(rng.uniform(-0.5, 0.5) * fall * height)), (0, 1))
    shadow = rng.uniform(0.2, 0.6) * np.clip(0.5 - lower / rng.uniform(0.02, 0.12), 0, 1)
    opacity = alpha + (1 - alpha) * shadow
    return np.concatenate([np.clip(colour * tone, 0, 1.3) * alpha, opacity[None]]).astype(np.float32)


def _over(below: np.ndarray, layer: Layer) -> np.ndarray:
    return below * (1 - layer[3]) + layer[:3]


def _paint_ground(rng: Rng, texture: str, y: Plane, horizon: float, zoom: float, *, flat: bool) -> np.ndarray:
    """A texture that fills the frame below `horizon`; seen at a slant unless `flat`."""
    h, w = y.shape
    picture = paint(texture, rng, h, w, zoom=zoom)
    if not flat:
        v = np.clip((y[:, 0] - horizon) / max(0.3, y[-1, 0] - horizon), 0, 1)
        depth = 1 / (v + rng.uniform(0.35, 0.8))
        rows = (depth.max() - depth) / (depth.max() - depth.min() + 1e-6)
        picture = picture[(rows * (h - 1)).astype(int)]
    return picture.transpose(2, 0, 1)


def _paint_background(
    rng: Rng, y: Plane, x: Plane, height: int, ground: str, horizon: float, zoom: float, *, flat: bool, close_up: bool
) -> np.ndarray:
    """Wall, ground, clutter and light; [3, H, W]."""
    below = _paint_ground(rng, ground, y, horizon, zoom, flat=flat)
    wall = paint(str(rng.choice(list(MATERIALS))), rng, y.shape[0], y.shape[1], zoom=rng.uniform(0.8, 3)).transpose(
        2, 0, 1
    )
    edge = np.clip((y - horizon - (x - 0.8) * rng.normal(0, 0.12)) * height / rng.uniform(1, 5) + 0.5, 0, 1)
    picture = below * edge + wall * (1 - edge) * rng.uniform(0.4, 1.1)
    for _ in range(int(rng.integers(0, 1 if close_up else 4))):
        centre = (
            float(rng.uniform(-0.1, x.max())),
            float(rng.choice([rng.uniform(-0.1, 0.25), rng.uniform(0.8, 1.1)])),
        )
        half = tuple(rng.uniform(0.06, 0.35, 2))
        shape = _Shape(centre, half, rng.choice([2.0, 5.0]), rng.choice([0.0, 0.25]), rng.uniform(-0.5, 0.5))
        texture = str(rng.choice(list(MATERIALS)))
        picture = _over(picture, _paint_shape(rng, shape, texture, y, x, height, softness=rng.uniform(1, 4)))
    light = 1 + rng.uniform(-0.35, 0.35) * (x - 0.9) + rng.uniform(-0.4, 0.4) * (y - 0.5)
    light = light + rng.uniform(-0.3, 0.3) * (smooth_noise(rng, y.shape[0], y.shape[1], 2, 3) - 0.5)
    return np.clip(picture * light, 0, 1.2).astype(np.float32)


def _paint_sway(rng: Rng, y: Plane, x: Plane, height: int) -> Layer:
    """Leaves, grass or a curtain that reach into the frame from a border; empty in most recordings."""
    layer = np.zeros((4, *y.shape), np.float32)
    if rng.random() > 0.25:
        return layer
    for _ in range(int(rng.integers(1, 4))):
        centre = (
            float(rng.choice([-0.1, rng.uniform(0, x.max()), x.max()])),
            float(rng.choice([-0.1, 1.05])),
        )
        shape = _Shape(centre, tuple(rng.uniform(0.12, 0.35, 2)), 2.0, 0.5, rng.uniform(0, 3))
        blob = _paint_shape(rng, shape, str(rng.choice(["leaf", "grass", "cloth"])), y, x, height, softness=3)
        layer = layer * (1 - blob[3]) + blob
    return layer


def _draw_gesture(rng: Rng, view: str, scale: float) -> Gesture:
    """Draws a player for a view; the hand may come in over any border."""
    steep = {
        "side": rng.uniform(0.85, 1.0),
        "quarter": rng.uniform(0.55, 0.9),
        "top": rng.uniform(0.4, 0.7),
    }[view]
    lean = rng.normal(0, {"side": 0.12, "quarter": 0.3, "top": 0.9}[view])
    border = rng.choice(["right", "left", "bottom", "top"], p=[0.36, 0.32, 0.24, 0.08])
    angle = {"right": 0.0, "left": np.pi, "bottom": np.pi / 2, "top": -np.pi / 2}[str(border)] + rng.normal(0, 0.3)
    return Gesture(
        up=(float(steep * np.sin(lean)), float(-steep * np.cos(lean))),
        entry=(float(np.cos(angle)), float(np.sin(angle))),
        stick=float(rng.uniform(0.3, 0.6) * scale),
        tilt=float(rng.uniform(0.0, 0.25) * scale),
        follow=float(rng.uniform(0.2, 1.1)),
        withdraw=float(rng.choice([0.0, rng.uniform(0.1, 0.4), rng.uniform(0.6, 1.2)], p=[0.4, 0.25, 0.35])),
        sway=float(rng.uniform(0.0, 0.04)),
    )


def _place_thing(
    rng: Rng, material: str, size: float, aspect: float, slot: int, count: int, view: str, *, close_up: bool
) -> tuple[_Shape, Target]:
    """Draws the outline of one thing and where on it the stick lands."""
    middle = aspect * ((slot + 0.5) / count + rng.uniform(-0.1, 0.1))
    near = _CLOSE_UP if close_up else 1.0
    half = (near * float(0.24 * size * rng.uniform(0.8, 1.3)), near * float(0.19 * size * rng.uniform(0.7, 1.3)))
    centre = (float(middle), float(rng.uniform(0.45, 0.7)))
    shape = _Shape(centre, half, rng.choice([2.0, 3.0, 6.0]), rng.choice([0.0, 0.15]), rng.normal(0, 0.15))
    if view == "side":
        # The top of a thing seen near may lie outside of the frame, but the stick is always seen to land.
        top = max(centre[1] - 0.85 * half[1], _HIGHEST) if close_up else centre[1] - 0.85 * half[1]
        spot, reach = (centre[0], top), (0.55 * half[0], 0.06 * half[1])
    else:
        spot, reach = (centre[0], centre[1] - 0.2 * half[1]), (0.55 * half[0], 0.4 * half[1])
    return shape, Target(material, spot, reach, size)


def _draw_targets(
    rng: Rng,
    split: str,
    view: str,
    horizon: float,
    y: Plane,
    x: Plane,
    height: int,
    layers: np.ndarray,
    *,
    close_up: bool,
) -> tuple[str, list[Target]]:
    """Draws one or two targets, paints the things into their layers, and names the texture of the ground."""
    count = 1 if close_up else int(rng.choice([1, 2], p=[0.6, 0.4]))
    aspect = float(x[0, 0] + x[0, -1])  # the margins on both sides cancel
    targets: list[Target] = []
    ground = str(rng.choice(list(MATERIALS)))
    for slot in range(count):
        material, size = draw_material(rng), draw_size(rng, split)
        if slot == 0 and (material.ground or rng.random() < 0.25):
            ground = _texture_name(rng, material.name)
            middle = float(rng.uniform(max(horizon + 0.1, 0.4), max(horizon + 0.15, 0.74)))
            centre = (float(aspect * rng.uniform(0.3, 0.7)), middle)
            targets.append(Target(material.name, centre, (0.3, 0.1), size))
        else:
            shape, target = _place_thing(rng, material.name, size, aspect, slot, count, view, close_up=close_up)
            layers[1 + slot] = _paint_shape(rng, shape, _texture_name(rng, material.name), y, x, height)
            targets.append(target)
    return ground, targets


def _surface(target: Target, background: np.ndarray, layers: np.ndarray, y: Plane, x: Plane) -> np.ndarray:
    """Mean colour of the region in which a target is played."""
    picture = background
    for layer in layers[1:]:
        picture = _over(picture, layer)
    near = ((x - target.centre[0]) / (target.reach[0] + 0.1)) ** 2 + ((y - target.centre[1]) / 0.15) ** 2 < 1
    return picture[:, near].mean(axis=1)


def draw_scene(rng: Rng, split: str, height: int, width: int, *, close_up: bool = False) -> Scene:
    """Draws the still part of a recording.

    Args:
      rng: source of randomness.
      split: "train" or "test"; decides the object sizes.
      height: frame height in pixels.
      width: frame width in pixels.
      close_up: one target that fills much of the frame, and no clutter, as in most films of Greatest Hits.

    Returns:
      The scene with its painted layers.
    """
    margin = int(np.ceil(MARGIN * height))
    y, x = _grid(height, width, margin)
    view = str(rng.choice(["side", "quarter", "top"], p=[0.3, 0.48, 0.22]))
    horizon = {"side": rng.uniform(0.45, 0.75), "quarter": rng.uniform(-0.2, 0.35), "top": -1.0}[view]
    horizon -= 0.3 * close_up
    layers = np.zeros((3, 4, *y.shape), np.float32)
    layers[0] = _paint_sway(rng, y, x, height)
    ground, targets = _draw_targets(rng, split, view, horizon, y, x, height, layers, close_up=close_up)
    scale = float(rng.uniform(0.85, 1.5))
    zoom = float(rng.uniform(0.7, 1.6) * scale)
    background = _paint_background(rng, y, x, height, ground, horizon, zoom, flat=view == "top", close_up=close_up)
    light = (float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.1, 0.5)))
    gesture = _draw_gesture(rng, view, scale)
    reach = float(rng.uniform(0.8, 1.2) * scale)
    surface = np.stack([_surface(target, background, layers, y, x) for target in targets])
    return Scene(tuple(targets), gesture, reach, background, layers, margin, light, surface)

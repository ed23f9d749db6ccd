"""The looks of the five classes that go on: how much there is to see goes with how loud it is.

Each function paints a film by a curve of loudness, 0 to 1, one value a frame.
"""

from collections.abc import Callable

import numpy as np

from vis2sound_jax.world.sounds12.canvas import Canvas, Curve, banded, pulse
from vis2sound_jax.world.textures import fractal_noise, paint


def paint_rain(canvas: Canvas, level: Curve, split: str) -> None:
    """Streaks fall in front of a wet street; the harder it rains, the more there are.

    Args:
      canvas: to paint on.
      level: loudness of each frame.
      split: "train" or "test".
    """
    rng = canvas.rng
    name = ("rock", "tile", "leaf", "grass")[int(rng.integers(4))]
    picture = paint(name, rng, canvas.height, canvas.width, rng.uniform(0.8, 1.5))
    grey = np.asarray((0.42, 0.47, 0.52), np.float32) * rng.uniform(0.6, 1.2)
    canvas.fill(0.5 * picture * (canvas.vertical() > rng.uniform(0.4, 0.7))[..., None] + 0.5 * grey)
    speed, slant = banded(rng, split, 2.5, 5.0), rng.uniform(-0.25, 0.25)
    for layer in (0, 1):
        noise = canvas.scrolled((slant * speed, speed * (1 + 0.4 * layer)), 30 - 10 * layer, 7)
        edge = np.quantile(noise[0], 0.97 - 0.32 * level)[:, None, None]
        canvas.over(0.55 * np.clip((noise - edge) * 14, 0, 1), (0.8, 0.85, 0.9))
    rings = canvas.scrolled((0, 0), 26, 0.5)[0]
    flicker = rng.random(len(level))[:, None, None] > (rings * 1.7) % 1
    splash = flicker & (rings > 0.62) & (canvas.vertical() > 0.78)
    canvas.over(0.5 * splash * level[:, None, None], (0.85, 0.88, 0.92))


def paint_fire(canvas: Canvas, level: Curve, split: str) -> None:
    """Flames rise and flicker, higher where they are louder.

    Args:
      canvas: to paint on.
      level: loudness of each frame.
      split: "train" or "test".
    """
    rng = canvas.rng
    dark = paint("rock", rng, canvas.height, canvas.width, 1.2) * rng.uniform(0.1, 0.4)
    canvas.fill(dark)
    middle, spread = rng.uniform(-0.2, 0.2), banded(rng, split, 0.25, 0.6)
    noise = canvas.scrolled((0, -banded(rng, split, 0.9, 1.8)), 7, 2.0)
    height = 0.25 + 0.75 * level[:, None, None]
    across = 1 - ((canvas.horizontal() - middle) / spread) ** 2
    heat = across - (0.95 - canvas.vertical()) / height + 1.3 * (noise - 0.5)
    canvas.over(np.clip(3 * heat, 0, 1), (0.9, 0.3, 0.05))
    canvas.over(np.clip(3 * (heat - 0.3), 0, 1), (1.0, 0.65, 0.1))
    canvas.over(np.clip(3 * (heat - 0.6), 0, 1), (1.0, 0.95, 0.6))
    for x in (-0.25, 0.05, 0.2):
        canvas.put((middle + x, 0.43), (0.22, 0.04), (0.15, 0.09, 0.05), turn=rng.normal(0, 0.25), box=True)
    canvas.light(0.85 + 0.3 * level, (1.0, 0.6, 0.3))


def paint_waterfall(canvas: Canvas, level: Curve, split: str) -> None:
    """White water falls down a cliff into a pool.

    Args:
      canvas: to paint on.
      level: loudness of each frame; the water swells with it.
      split: "train" or "test".
    """
    rng = canvas.rng
    canvas.fill(paint(("rock", "grass", "leaf")[int(rng.integers(3))], rng, canvas.height, canvas.width, 1.3) * 0.8)
    middle, half = rng.uniform(-0.3, 0.3), banded(rng, split, 0.15, 0.45)
    noise = canvas.scrolled((0, banded(rng, split, 1.2, 2.2)), 16, 5)
    edge = half * (0.85 + 0.25 * level[:, None, None]) - np.abs(canvas.horizontal() - middle) + 0.12 * (noise - 0.5)
    water = (0.75, 0.87, 0.95) * rng.uniform(0.8, 1.1, 3)
    canvas.over(np.clip(12 * edge, 0, 1) * (0.45 + 0.55 * noise), water)
    foam = canvas.scrolled((0.15, 0.1), 10, 0.6)
    pool = np.clip((canvas.vertical() - 0.8) * 8, 0, 1)
    canvas.over(0.8 * pool, (0.15, 0.4, 0.45))
    canvas.over(pool * np.clip(3 * (foam - 0.75 + 0.35 * level[:, None, None]), 0, 1), (0.95, 0.97, 1.0))


def paint_car(canvas: Canvas, level: Curve, split: str) -> None:
    """A car comes near and drives away, louder the larger it is.

    Args:
      canvas: to paint on.
      level: loudness of each frame.
      split: "train" or "test".
    """
    rng, h, w = canvas.rng, canvas.height, canvas.width
    scene = paint("rock", rng, h, w, 1.5) * 0.5
    sky = np.asarray((0.6, 0.72, 0.85), np.float32) * rng.uniform(0.6, 1.15)
    hills = fractal_noise(rng, h, w, 3)[:1] * 0.25 + 0.15
    down = canvas.vertical()
    canvas.fill(np.where((down > 0.45)[..., None], scene, np.where((down < hills)[..., None], sky, (0.25, 0.4, 0.22))))
    canvas.over(0.2 * (canvas.scrolled((-2.0, 0), 8, 0.2) > 0.55) * (down > 0.78), (0.8, 0.8, 0.75))
    size, colour = banded(rng, split, 0.13, 0.24) * (0.4 + 1.1 * level), rng.uniform(0.05, 0.95, 3)
    x = np.linspace(-0.25, 0.25, len(level)) * rng.choice([-1, 1]) + 0.02 * np.sin(9 * canvas.times_s)
    y = 0.28 - 0.4 * size + 0.006 * np.sin(2 * np.pi * 7 * canvas.times_s)
    canvas.put((x, y), (1.9 * size, 0.5 * size), colour, box=True)
    canvas.put((x, y - 0.75 * size), (1.05 * size, 0.35 * size), colour * 0.8, box=True)
    canvas.put((x, y - 0.75 * size), (0.9 * size, 0.25 * size), (0.55, 0.7, 0.8), box=True)
    roll = 16 * canvas.times_s
    for side in (-1, 1):
        at = (x + 1.15 * side * size, y + 0.5 * size)
        canvas.put(at, (0.38 * size, 0.38 * size), (0.05, 0.05, 0.05))
        spoke = (at[0] + 0.2 * size * np.cos(roll), at[1] + 0.2 * size * np.sin(roll))
        canvas.put(spoke, (0.1 * size, 0.1 * size), (0.8, 0.8, 0.82))
        canvas.put(
            (x + 1.8 * side * size, y), (0.12 * size, 0.1 * size), (1.0, 0.95, 0.6) if side > 0 else (0.8, 0.1, 0.1)
        )


def paint_thunder(canvas: Canvas, level: Curve, split: str) -> None:
    """Lightning over dark clouds; it flashes where the rumbling begins.

    Args:
      canvas: to paint on.
      level: loudness of each frame; it jumps up where there is a flash.
      split: "train" or "test".
    """
    rng = canvas.rng
    tint = np.asarray((0.2, 0.22, 0.3), np.float32) * rng.uniform(0.6, 1.3)
    canvas.fill(np.broadcast_to(tint, (canvas.height, canvas.width, 3)))
    clouds = canvas.scrolled((rng.uniform(-0.1, 0.1), 0), banded(rng, split, 2, 5), 0.5)
    canvas.over(0.75 * clouds, (0.4, 0.42, 0.5))
    canvas.over(np.broadcast_to(canvas.vertical() > rng.uniform(0.8, 0.9), clouds.shape), (0.04, 0.05, 0.05))
    flashes = canvas.times_s[np.diff(level, prepend=0.0) > 0.2]
    glow = pulse(canvas.times_s, flashes, 0.0, 0.1)
    for at in flashes:
        x, y = rng.uniform(-0.5, 0.5), -0.5
        shown = pulse(canvas.times_s, np.array([at]), 0.0, 0.06)
        for _ in range(6):
            to = (x + rng.normal(0, 0.08), y + rng.uniform(0.1, 0.2))
            turn = np.arctan2(to[1] - y, to[0] - x)
            length = np.hypot(to[0] - x, to[1] - y) / 2
            canvas.put(((x + to[0]) / 2, (y + to[1]) / 2), (length, 0.012), (0.95, 0.95, 1.0), turn=turn, opacity=shown)
            x, y = to
    canvas.light(1 + 1.2 * glow, (0.8, 0.85, 1.0))


PAINTERS: dict[str, Callable[[Canvas, Curve, str], None]] = {
    "car": paint_car,
    "fire": paint_fire,
    "rain": paint_rain,
    "thunder": paint_thunder,
    "waterfall": paint_waterfall,
}

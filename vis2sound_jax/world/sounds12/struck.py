"""The looks of the seven classes that strike: every contact that is heard is seen.

Each function paints a film and takes the times of its contacts. What a class looks like in one film is drawn from
ranges of which test films have parts of their own (`canvas.banded`).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from vis2sound_jax.world.sounds12.canvas import Canvas, Curve, banded, pulse
from vis2sound_jax.world.textures import paint

Times = Float[np.ndarray, "e"]


def _ground(canvas: Canvas, materials: tuple[str, ...], horizon: float, sky: tuple[float, float, float]) -> None:
    """A wall or sky above, a floor of some material below."""
    rng = canvas.rng
    name = materials[int(rng.integers(len(materials)))]
    picture = paint(name, rng, canvas.height, canvas.width, rng.uniform(0.7, 1.6))
    wall = np.asarray(sky, np.float32) * rng.uniform(0.6, 1.2) + rng.normal(0, 0.06, 3).astype(np.float32)
    below = (canvas.vertical() > horizon)[..., None]
    canvas.fill(np.clip(np.where(below, picture, wall), 0.02, 1))


def _colour(rng: np.random.Generator, low: float = 0.1, high: float = 0.9) -> Float[np.ndarray, "3"]:
    return rng.uniform(low, high, 3)


def paint_break(canvas: Canvas, contacts: Times, split: str) -> None:
    """Cups, plates and panes fall, hit the floor and fly apart.

    Args:
      canvas: to paint on.
      contacts: times in seconds.
      split: "train" or "test".
    """
    rng, floor = canvas.rng, 0.3
    _ground(canvas, ("tile", "wood", "rock"), 0.5 + floor, (0.55, 0.55, 0.6))
    for at in contacts:
        size, x = banded(rng, split, 0.06, 0.16), rng.uniform(-0.45, 0.45)
        colour, gravity = _colour(rng, 0.55, 1.0), rng.uniform(3, 6)
        since = canvas.times_s - at
        up = 0.5 * gravity * np.minimum(since, 0) ** 2
        whole = ((since < 0) & (since > -0.6)).astype(float)
        box = rng.random() < 0.4
        canvas.put(
            (x, floor - size - up), (size, size * rng.uniform(0.5, 1)), colour, turn=3 * since, opacity=whole, box=box
        )
        after, gone = np.maximum(since, 0), (since >= 0) * np.exp(-np.maximum(since - 0.5, 0) / 0.3)
        for _ in range(6):
            vx, vy, piece = rng.normal(0, 0.7), rng.uniform(0.3, 1.4), size * rng.uniform(0.15, 0.45)
            height = np.maximum(vy * after - 2.5 * after**2, 0)
            slid = vx * np.minimum(after, 0.5)
            canvas.put(
                (x + slid, floor - height), (piece, piece * 0.5), colour * rng.uniform(0.7, 1.1),
                turn=rng.normal(0, 9) * np.minimum(after, 0.5), opacity=gone, box=True,
            )  # fmt: skip


def paint_cutting(canvas: Canvas, contacts: Times, split: str) -> None:
    """A knife goes down on a board and takes slices off something.

    Args:
      canvas: to paint on.
      contacts: times in seconds.
      split: "train" or "test".
    """
    rng, board = canvas.rng, 0.22
    _ground(canvas, ("cloth", "tile", "plastic"), 0.0, (0.6, 0.6, 0.6))
    canvas.put((0, board + 0.09), (0.7, 0.09), (0.7, 0.52, 0.32) * rng.uniform(0.6, 1.2, 3), box=True)
    colour = np.array([(0.85, 0.4, 0.1), (0.3, 0.65, 0.2), (0.8, 0.15, 0.15), (0.85, 0.8, 0.5)][int(rng.integers(4))])
    cut = np.searchsorted(contacts, canvas.times_s, side="right") / max(len(contacts), 1)
    left, length = -0.5, banded(rng, split, 0.5, 0.9)
    edge = left + length * (1 - 0.7 * cut)
    canvas.put(((left + edge) / 2, board - 0.07), ((edge - left) / 2, 0.075), colour)
    for k in range(3):
        canvas.put(
            (edge + 0.1 + 0.07 * k, board - 0.02), (0.03, 0.05), colour * 0.9, opacity=np.clip(9 * cut - k, 0, 1)
        )
    down = pulse(canvas.times_s, contacts, 0.12, 0.05)
    lift = banded(rng, split, 0.12, 0.3)
    y, tilt = board - lift * (1 - down), rng.uniform(-0.15, 0.15) + 0.15 * (1 - down)
    steel = (0.75, 0.77, 0.8) * rng.uniform(0.75, 1.2, 3)
    canvas.put((edge + 0.02, y - 0.16), (0.035, 0.16), steel, turn=tilt, box=True)
    canvas.put((edge + 0.02 + 0.3 * tilt, y - 0.38), (0.04, 0.09), _colour(rng, 0.05, 0.3), turn=tilt, box=True)
    canvas.put((edge + 0.1, y - 0.42), (0.1, 0.07), (0.8, 0.6, 0.5) * rng.uniform(0.5, 1.1, 3))


def paint_footstep(canvas: Canvas, contacts: Times, split: str) -> None:
    """Two legs walk on the spot, the ground passes below.

    Args:
      canvas: to paint on.
      contacts: times in seconds, of the left and the right foot in turn.
      split: "train" or "test".
    """
    rng, floor = canvas.rng, 0.36
    _ground(canvas, ("gravel", "wood", "tile", "grass", "dirt", "leaf"), 0.72, (0.6, 0.65, 0.7))
    trousers, shoe = _colour(rng, 0.05, 0.7), _colour(rng, 0.02, 0.5)
    stride, size = banded(rng, split, 0.15, 0.32), banded(rng, split, 0.05, 0.09)
    for side in (0, 1):
        own = contacts[side::2]
        lift = 1 - _grounded(canvas.times_s, own)
        swing = np.interp(canvas.times_s, own, np.zeros(len(own))) if len(own) else np.zeros(len(canvas.times_s))
        swing = swing + stride * np.sin(np.pi * lift) * (1 if side else -1)
        x = (0.14 if side else -0.14) + 0.5 * swing
        y = floor - 0.16 * lift
        canvas.put((x, y - 0.36), (size * 0.9, 0.34), trousers * (1 - 0.15 * side), box=True)
        canvas.put((x + size * 0.6, y - 0.02), (size * 1.9, size * 0.7), shoe * (1 - 0.2 * side))
        dust = pulse(canvas.times_s, own, 0.0, 0.07)
        canvas.put(
            (x + size, floor + 0.03), (0.1 + 0.08 * dust, 0.025), (0.8, 0.75, 0.7), opacity=0.5 * dust, softness=3
        )


def _grounded(times_s: Curve, contacts: Times) -> Curve:
    """1 while a foot stands, 0 at the height of its step: it comes down fast and rises slowly."""
    curve = np.zeros(times_s.shape)
    for k, at in enumerate(contacts):
        until = contacts[k + 1] if k + 1 < len(contacts) else at + 1.0
        since = (times_s - at) / max(until - at, 1e-3)
        down = np.clip(1 + (times_s - at) / 0.12, 0, 1) ** 2
        stays = np.clip((0.75 - since) / 0.25, 0, 1)
        curve = np.maximum(curve, np.where(times_s < at, down, stays))
    return curve


def paint_gunshot(canvas: Canvas, contacts: Times, split: str) -> None:
    """A barrel flashes, recoils and smokes.

    Args:
      canvas: to paint on.
      contacts: times in seconds.
      split: "train" or "test".
    """
    rng, size = canvas.rng, banded(rng=canvas.rng, split=split, low=0.05, high=0.11)
    _ground(canvas, ("grass", "dirt", "rock", "metal"), rng.uniform(0.55, 0.8), (0.35, 0.42, 0.5))
    glow = pulse(canvas.times_s, contacts, 0.0, 0.05)
    recoil = pulse(canvas.times_s, contacts, 0.0, 0.12)
    x, y, steel = rng.uniform(-0.35, -0.1), rng.uniform(-0.1, 0.15), np.full(3, rng.uniform(0.05, 0.3))
    for at in contacts[:8]:
        since = np.maximum(canvas.times_s - at, 0)
        puff = (canvas.times_s >= at) * 0.4 * np.exp(-since / 0.5)
        wide = size * (1 + 2 * since)
        at_now = (x + 5 * size + 0.3 * since, y - 0.15 * since)
        canvas.put(at_now, (wide, wide), (0.75, 0.75, 0.75), opacity=puff, softness=5)
    canvas.put((x + 2 * size - 0.08 * recoil, y), (3 * size, size * 0.5), steel, turn=-0.2 * recoil, box=True)
    canvas.put((x - size - 0.08 * recoil, y + size), (size * 0.6, size * 1.3), steel * 1.2, turn=0.3, box=True)
    canvas.put(
        (x - 2 * size - 0.08 * recoil, y + 2 * size), (2 * size, size), (0.7, 0.55, 0.45) * rng.uniform(0.5, 1.1, 3)
    )
    shine = np.clip(1.5 * glow, 0, 1)
    canvas.put(
        (x + 6 * size, y),
        (size * (0.4 + 2 * glow), size * (0.3 + 1.2 * glow)),
        (1.0, 0.9, 0.5),
        opacity=shine,
        softness=4,
    )
    canvas.light(1 + rng.uniform(0.1, 0.6) * glow, (1.0, 0.9, 0.7))


def paint_typing(canvas: Canvas, contacts: Times, split: str) -> None:
    """Fingers come down on keys.

    Args:
      canvas: to paint on.
      contacts: times in seconds.
      split: "train" or "test".
    """
    rng = canvas.rng
    _ground(canvas, ("wood", "cloth", "plastic"), 0.0, (0.5, 0.5, 0.5))
    key, body = banded(rng, split, 0.05, 0.075), _colour(rng, 0.05, 0.8)
    canvas.put((0, 0.12), (0.75, 0.28), body, box=True)
    columns, light = int(0.66 / key), _colour(rng, 0.3, 1.0)
    middles = (np.arange(columns) - (columns - 1) / 2) * 2 * key
    for row in range(3):
        wave = np.abs((canvas.horizontal() - middles[0] + key) % (2 * key) - key) < 0.8 * key
        within = np.abs(canvas.horizontal()) < columns * key
        line = np.abs(canvas.vertical() - 0.5 - (-0.03 + 0.15 * row)) < 0.055
        canvas.over(np.broadcast_to(wave & within & line, canvas.frames.shape[:3]), light * (1 - 0.1 * row))
    skin, fingers = (0.85, 0.65, 0.55) * rng.uniform(0.45, 1.1, 3), int(rng.integers(3, 6))
    by = rng.integers(fingers, size=len(contacts))
    for finger in range(fingers):
        own = contacts[by == finger]
        down = pulse(canvas.times_s, own, 0.07, 0.05)
        x = middles[int((finger + 0.5) * columns / fingers)] + rng.uniform(-0.5, 0.5) * key
        top = -0.03 + 0.15 * int(rng.integers(3))
        canvas.put((x, top), (0.8 * key, 0.055), light * 0.5, opacity=down > 0.9, box=True)
        canvas.put((x, top + 0.2 - 0.12 * (1 - down)), (0.4 * key + 0.012 * down, 0.22), skin, softness=1.5)


def paint_clock(canvas: Canvas, contacts: Times, split: str) -> None:
    """A dial whose hand jumps at every tick, and a pendulum.

    Args:
      canvas: to paint on.
      contacts: times in seconds.
      split: "train" or "test".
    """
    rng = canvas.rng
    _ground(canvas, ("wood", "paper", "cloth"), 0.0, (0.5, 0.5, 0.5))
    size, x, y = banded(rng, split, 0.2, 0.33), rng.uniform(-0.25, 0.25), rng.uniform(-0.14, -0.05)
    canvas.put((x, y), (1.15 * size, 1.15 * size), _colour(rng, 0.05, 0.6))
    canvas.put((x, y), (size, size), _colour(rng, 0.75, 1.0))
    for hour in range(12):
        mark = hour * np.pi / 6
        at = (x + 0.85 * size * np.sin(mark), y - 0.85 * size * np.cos(mark))
        canvas.put(at, (0.05 * size, 0.05 * size), (0.1, 0.1, 0.1))
    ticks = np.searchsorted(contacts, canvas.times_s, side="right")
    # The hand overshoots a little, as stepped hands do.
    angle = rng.uniform(0, 6.3) + ticks * np.pi / 15 + 0.08 * pulse(canvas.times_s, contacts, 0.0, 0.04)
    reach = 0.42 * size
    canvas.put(
        (x + reach * np.sin(angle), y - reach * np.cos(angle)),
        (0.045 * size, reach),
        (0.7, 0.1, 0.1),
        turn=angle,
        box=True,
    )
    if len(contacts) > 1:
        phase = np.interp(canvas.times_s, contacts, np.arange(len(contacts)) * np.pi)
        swing = 0.35 * np.cos(phase)
        canvas.put((x + 0.45 * np.sin(swing), y + 0.42 * np.cos(swing)), (0.07, 0.07), (0.85, 0.7, 0.25))


def paint_horse(canvas: Canvas, contacts: Times, split: str) -> None:
    """A horse runs on the spot: four legs, each beat that of one of them; the ground passes.

    Args:
      canvas: to paint on.
      contacts: times in seconds, of the legs in turn.
      split: "train" or "test".
    """
    rng, floor = canvas.rng, 0.34
    _ground(canvas, ("grass", "dirt", "gravel"), 0.76, (0.55, 0.7, 0.9))
    passing = canvas.scrolled((-1.5, 0.0), 14, 0.5) > 0.6
    canvas.over(0.3 * passing * (canvas.vertical() > 0.8), (0.2, 0.15, 0.1))
    coat = np.array([(0.35, 0.2, 0.1), (0.15, 0.1, 0.08), (0.75, 0.7, 0.65), (0.55, 0.35, 0.2)][int(rng.integers(4))])
    size = banded(rng, split, 0.8, 1.2)
    bob = 0.03 * pulse(canvas.times_s, contacts, 0.1, 0.1)
    y = -0.08 + bob
    for leg, x in enumerate((-0.26, -0.18, 0.16, 0.24)):
        grounded = _grounded(canvas.times_s, contacts[leg::4])
        lean = 0.7 * (1 - grounded) * (1 if leg % 2 else -1)
        foot = floor - 0.13 * (1 - grounded)
        half = (0.028, (foot - y) / 2 - 0.02)
        at = (size * x + 0.1 * lean, (y + foot) / 2 + 0.06)
        canvas.put(at, half, coat * (0.7 + 0.1 * leg), turn=-lean * 0.5, box=True)
        canvas.put((size * x + 0.16 * lean, foot), (0.04, 0.025), (0.08, 0.07, 0.06))
        dust = pulse(canvas.times_s, contacts[leg::4], 0.0, 0.08)
        canvas.put(
            (size * x, floor + 0.03), (0.06 + 0.08 * dust, 0.03), (0.75, 0.68, 0.55), opacity=0.6 * dust, softness=3
        )
    canvas.put((0, y), (0.32 * size, 0.13), coat)
    canvas.put((0.36 * size, y - 0.16 + bob), (0.07, 0.17), coat, turn=0.5)
    canvas.put((0.46 * size, y - 0.28 + bob), (0.1, 0.05), coat * 0.95, turn=0.4)


PAINTERS: dict[str, Callable[[Canvas, Times, str], None]] = {
    "break": paint_break,
    "clock": paint_clock,
    "cutting": paint_cutting,
    "footstep": paint_footstep,
    "gunshot": paint_gunshot,
    "horse": paint_horse,
    "typing": paint_typing,
}

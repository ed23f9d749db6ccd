"""Things that strike: tools, fingers and fists, hands that clap, feet that walk."""

import numpy as np

from vis2sound_jax.world.everyday.cast import Cast, draw_place, log_uniform, unit, wander
from vis2sound_jax.world.everyday.contacts import draw_tremble, play


def tool(cast: Cast) -> None:
    """Hammers, sticks, knives: long things that swing about a hand; one or two of them strike one thing."""
    rng, size, at = cast.rng, log_uniform(cast.rng, 0.12, 0.9), draw_place(cast.rng)
    half = (size * log_uniform(rng, 0.3, 1.5), size * log_uniform(rng, 0.1, 0.8))
    struck = cast.put(at + [0, 0.8 * half[1]], rng.normal(0, 0.2), half) if rng.random() < 0.85 else None
    tremble = float(rng.choice([0.0, rng.uniform(0, 0.03), rng.uniform(0.02, 0.1)])) * size
    for _ in range(int(rng.choice([1, 1, 1, 2]))):
        contacts, lift = play(cast)
        if struck is not None:
            struck[..., 0] += draw_tremble(rng, cast.moments, contacts, 0.5 * tremble)
            struck[..., 1] += draw_tremble(rng, cast.moments, contacts, tremble)
        _swing(cast, at + size * np.array([rng.uniform(-0.3, 0.3), rng.uniform(-0.1, 0.1)]), size, lift)


def _swing(cast: Cast, tip: np.ndarray, size: float, lift: np.ndarray) -> None:
    """A tool whose tip is at `tip` at contact, with hand and arm."""
    rng, moments = cast.rng, cast.moments
    length = size * log_uniform(rng, 0.6, 2)
    base = rng.uniform(0, 6.3) if rng.random() < 0.5 else float(rng.choice([0, np.pi])) + rng.normal(0, 0.4)
    turn = float(rng.choice([-1, 1])) * log_uniform(rng, 0.15, 1.6)
    drift = np.stack([wander(rng, moments, 0.01, 0.2, 1.5) for _ in range(2)], axis=-1)
    follow = rng.uniform(0, 0.6) * size * np.array([rng.normal(0, 0.4), -1.0])
    hand = tip + length * unit(base) + drift + follow * lift[..., None]
    angle, thick = base + np.pi + turn * lift, size * log_uniform(rng, 0.02, 0.15)
    has_hand, hand_size = rng.random() < 0.8, size * log_uniform(rng, 0.1, 0.35)
    arm = base + rng.normal(0, 0.5)
    if has_hand:
        cast.limb(hand, arm, size * rng.uniform(0.8, 4), hand_size * rng.uniform(0.6, 1.1))
    cast.put(hand + unit(angle) * length / 2, angle, (length / 2, thick), power=float(rng.choice([2, 4, 8])))
    if rng.random() < 0.5:
        cast.put(hand + unit(angle) * length, angle, (thick * rng.uniform(1, 3), thick * rng.uniform(1, 4)))
    if has_hand:
        cast.put(hand, arm, (hand_size, hand_size * rng.uniform(0.7, 1)))


def press(cast: Cast) -> None:
    """Fingers, fists, stamps, jaws and balls that are lifted and put down, up to four at one thing."""
    rng, size, at = cast.rng, log_uniform(cast.rng, 0.04, 0.5), draw_place(cast.rng)
    up = unit(-np.pi / 2 + rng.normal(0, 0.5) if rng.random() < 0.7 else rng.uniform(0, 6.3))
    half = (size * log_uniform(rng, 0.5, 3), size * log_uniform(rng, 0.3, 1.5))
    pressed = cast.put(at - up * size, rng.normal(0, 0.2), half) if rng.random() < 0.7 else None
    count, has_arm = int(rng.choice([1, 1, 2, 3, 4])), rng.random() < 0.7
    for _ in range(count):
        contacts, lift = play(cast)
        if pressed is not None and rng.random() < 0.5:
            pressed[..., 1] += draw_tremble(rng, cast.moments, contacts, size * rng.uniform(0, 0.1))
        spot = at + 2 * size * (count > 1) * np.array([rng.uniform(-1, 1), rng.uniform(-0.3, 0.3)])
        drift = wander(rng, cast.moments, 0.15 * size, 0.2, 1) * np.clip(lift, 0, 1)
        moved = up * (size * log_uniform(rng, 0.3, 2.5)) * lift[..., None] + np.stack([drift, 0 * drift], axis=-1)
        half = (size * log_uniform(rng, 0.2, 0.8), size * log_uniform(rng, 0.2, 0.8))
        if has_arm:
            angle = np.arctan2(up[1], up[0]) + rng.normal(0, 0.4)
            cast.limb(spot + moved, angle, size * rng.uniform(2, 10), half[0] * rng.uniform(0.6, 1))
        cast.put(spot + moved, rng.normal(0, 0.5), half)


def clap(cast: Cast) -> None:
    """Two things that meet: hands, cymbals, blocks."""
    rng, size, at = cast.rng, log_uniform(cast.rng, 0.06, 0.35), draw_place(cast.rng)
    _, lift = play(cast)
    angle = rng.normal(0, 0.4) + float(rng.choice([0, np.pi / 2]))
    apart = size * log_uniform(rng, 0.5, 2.5)
    for side in (-1, 1):
        away = side * unit(angle)
        palm = at + away * (0.3 * size + apart * rng.uniform(0.6, 1) * lift[..., None])
        cast.put(palm, angle + rng.normal(0, 0.3), (0.3 * size, size), power=4.0)
        cast.put(palm + away * size + [0, size], angle + rng.normal(0, 0.5), (0.5 * size, 1.2 * size))


def steps(cast: Cast) -> None:
    """Two legs that walk or tread; a foot is heard when it is put down. The camera may go with them."""
    rng, moments, size = cast.rng, cast.moments, log_uniform(cast.rng, 0.1, 0.45)
    period_s, begin_s, swing = log_uniform(rng, 0.28, 0.8), rng.uniform(0, 0.5), rng.uniform(0.35, 0.75)
    start, ground = rng.uniform(-0.8, 0.3), rng.uniform(0.1, 0.45)
    stride = size * rng.uniform(0.3, 1.5) * float(rng.choice([-1, -1, 0, 0, 1, 1]))
    body = start + stride * (moments - begin_s) / period_s / 2
    followed = (body - start) * (rng.random() < 0.3)
    trunk = np.stack([body - followed, np.full(moments.shape, ground - 2.2 * size)], axis=-1)
    cast.put(trunk, 0.0, (0.4 * size, size * rng.uniform(0.6, 1)))
    height, quickness = size * rng.uniform(0.1, 0.5), rng.uniform(1, 1.8)
    for leg in range(2):
        phase = (moments - begin_s) / period_s / 2 + 0.5 * leg
        whole = np.floor(phase)
        part = np.clip((phase - whole - (1 - swing)) / swing, 0, 1)
        x = start + stride * (whole + part**quickness) - followed
        lift = height * np.sin(np.pi * part) ** 0.8
        foot = np.stack([x, ground - lift], axis=-1)
        cast.put(foot - [0, size], np.pi / 2 + rng.normal(0, 0.05), (size, 0.15 * size), power=8.0)
        cast.put(foot, 0.0, (0.3 * size, 0.1 * size), power=4.0)
        count = int(cast.end_s / period_s) + 3
        cast.events += [begin_s + period_s * (2 * k - leg) for k in range(-1, count)]

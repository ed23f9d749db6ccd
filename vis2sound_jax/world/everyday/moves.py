"""Things that move and stop, or begin to: what falls, closes, collides, rubs and tears."""

import numpy as np

from vis2sound_jax.world.everyday.cast import Cast, Moments, draw_place, log_uniform, unit

_QUIET = 0.25  # image heights a second; a slower bounce is not heard
_LATE_S = 0.01  # a rub or tear is heard so much after it begins


def _ease(part: Moments) -> Moments:
    """From 0 to 1, smooth at both ends."""
    return 0.5 - 0.5 * np.cos(np.pi * part)


def bounce(cast: Cast) -> None:
    """A thing that is let go, falls, and bounces lower and lower."""
    rng, moments = cast.rng, cast.moments
    begin_s, ground, size = rng.uniform(0, 2), rng.uniform(0, 0.42), log_uniform(rng, 0.03, 0.2)
    gravity, height, keep = log_uniform(rng, 1.5, 9), rng.uniform(0.2, 0.9), rng.uniform(0.25, 0.85)
    time_s, speed = begin_s + np.sqrt(2 * height / gravity), np.sqrt(2 * height * gravity)
    y, squash = np.full(moments.shape, ground - height), np.zeros(moments.shape)
    falling = (moments >= begin_s) & (moments < time_s)
    y[falling] = ground - height + 0.5 * gravity * (moments[falling] - begin_s) ** 2
    while speed / gravity > 0.02:
        if speed > _QUIET:
            cast.events.append(time_s)
        squash += 0.1 * min(speed, 2) * np.exp(-np.abs(moments - time_s) / 0.03)
        speed *= keep
        since, lasts_s = moments - time_s, 2 * speed / gravity
        flying = (since >= 0) & (since < lasts_s)
        y[flying] = ground - speed * since[flying] + 0.5 * gravity * since[flying] ** 2
        time_s += lasts_s
    y[moments >= time_s] = ground
    gone_s, x = np.maximum(moments - begin_s, 0), rng.uniform(-0.7, 0.7)
    cast.put(np.array([x, ground + 0.3 + 0.8 * size]), 0.0, (1.5 * log_uniform(rng, 0.3, 1), 0.3), power=8.0)
    if rng.random() < 0.5:
        hand = np.stack([x + 0 * gone_s, ground - height - 0.8 * size - gone_s * rng.uniform(0, 0.2)], axis=-1)
        cast.put(hand, 0.0, (1.2 * size, size))
    at = np.stack([x + rng.normal(0, 0.3) * gone_s, y - size], axis=-1)
    cast.put(at, rng.normal(0, 3) * gone_s, (size * (1 + squash), size * (1 - squash)))


def slide(cast: Cast) -> None:
    """Doors, lids and drawers: some come to a stop at once, which is heard, and some slowly."""
    rng, moments, end_s = cast.rng, cast.moments, cast.end_s
    size, at, angle = log_uniform(rng, 0.2, 1), draw_place(rng), float(rng.choice([0, np.pi / 2])) + rng.normal(0, 0.1)
    opened, now, time_s = np.zeros(moments.shape), 0.0, rng.uniform(0.1, 1)
    while time_s < end_s:
        lasts_s = log_uniform(rng, 0.12, 1)
        goal = rng.uniform(0.3, 1) if now < 0.15 else float(rng.choice([0.0, rng.uniform(0, 0.5)]))
        hard, rattles = rng.random() < (0.65 if goal == 0 else 0.25), rng.random() < 0.4
        part = np.clip((moments - time_s) / lasts_s, 0, 1)
        way = part ** rng.uniform(1, 2.2) if hard else _ease(part)
        opened = np.where(moments >= time_s, now + (goal - now) * way, opened)
        time_s += lasts_s
        if hard:
            cast.events.append(time_s)
            since = np.maximum(moments - time_s, 0)
            opened += rattles * 0.05 * abs(goal - now) * np.exp(-since / 0.06) * np.sin(60 * since)
        now = goal
        time_s += log_uniform(rng, 0.15, 1.5)
    _leaf(cast, at, angle, size, opened)


def _leaf(cast: Cast, at: np.ndarray, angle: float, size: float, opened: Moments) -> None:
    """A leaf that turns or slides over its frame, perhaps with a hand on it."""
    rng, along = cast.rng, unit(angle)
    cast.put(at, angle, (1.3 * size, 1.1 * size), power=8.0)
    turns = rng.random() < 0.5
    if turns:
        half = size * np.cos(1.4 * np.clip(opened, 0, 1.2)) + 0.01
        cast.put(at - along * (size - half)[..., None], angle, (half, size), power=8.0)
    else:
        half = (size, size * rng.uniform(0.5, 1))
        cast.put(at + along * (1.5 * size * opened)[..., None], angle, half, power=8.0)
    if rng.random() < 0.6:
        handle = at + size * np.array([rng.uniform(-0.5, 0.5), 0.3])
        hand = handle + along * (size * (0.6 if turns else 1.5) * opened)[..., None]
        cast.limb(hand, np.pi / 2 + rng.normal(0, 0.3), size * rng.uniform(0.6, 2), 0.15 * size)
        cast.put(hand, 0.0, (0.15 * size, 0.15 * size))


def collide(cast: Cast) -> None:
    """Things that run into others, which then roll on until they stop slowly."""
    rng, moments, size = cast.rng, cast.moments, log_uniform(cast.rng, 0.03, 0.15)
    for _ in range(int(rng.integers(1, 4))):
        time_s, at, angle = rng.uniform(0.3, cast.end_s), draw_place(rng), rng.uniform(0, 6.3)
        speed, kept, slows_s = log_uniform(rng, 0.4, 3), rng.uniform(0, 0.3), log_uniform(rng, 0.3, 1.5)
        cast.events.append(time_s)
        rolled = speed * slows_s * (1 - np.exp(-np.maximum(moments - time_s, 0) / slows_s))
        approach = -speed * np.clip(time_s - moments, 0, log_uniform(rng, 0.1, 0.7))
        comes = np.where(moments < time_s, approach, kept * rolled)
        first = at + unit(angle) * (comes - 2 * size)[..., None]
        second = at + unit(angle + rng.normal(0, 0.6)) * ((1 - kept) * rolled)[..., None]
        cast.put(first, 5 * comes, (size, size * rng.uniform(0.7, 1)))
        cast.put(second, 0.0, (size, size * rng.uniform(0.7, 1)))


def rub(cast: Cast) -> None:
    """Scratching, sawing, sharpening: strokes back and forth, or one way; each is heard when it begins."""
    rng, size, at, angle = cast.rng, log_uniform(cast.rng, 0.08, 0.5), draw_place(cast.rng), cast.rng.uniform(0, 6.3)
    width, both_ways = size * log_uniform(rng, 0.3, 2), rng.random() < 0.5
    moved, lift = _strokes(cast, both_ways=both_ways)
    along, across = unit(angle), unit(angle + np.pi / 2)
    across = across if across[1] < 0 else -across
    cast.put(at + along * width / 2 - across * 0.4 * size, angle, (0.8 * width + size, 0.4 * size), power=8.0)
    tip = at + along * (width * moved)[..., None] + across * (size * rng.uniform(0, 0.5) * lift)[..., None]
    away = np.arctan2(across[1], across[0]) + rng.normal(0, 0.6)
    length, hand = 2 * size * log_uniform(rng, 0.5, 2), size * log_uniform(rng, 0.15, 0.4)
    cast.limb(tip, away, length, size * log_uniform(rng, 0.05, 0.3))
    cast.put(tip + unit(away) * length, away, (hand, hand))


def _strokes(cast: Cast, *, both_ways: bool) -> tuple[Moments, Moments]:
    """How far a stroke has come, from 0 to 1, and how high the thing is lifted on its way back."""
    rng, moments = cast.rng, cast.moments
    moved, lift = np.zeros(moments.shape), np.zeros(moments.shape)
    time_s, period_s, now = rng.uniform(0.1, 0.8), log_uniform(rng, 0.15, 0.7), 0.0
    while time_s < cast.end_s + 0.5:
        lasts_s, goal = period_s * np.exp(rng.normal(0, 0.2)), 1.0 - now if both_ways else 1.0
        part = np.clip((moments - time_s) / lasts_s, 0, 1)
        way = 1 - (1 - part) ** rng.uniform(1.5, 2.3) if rng.random() < 0.6 else _ease(part)
        moved = np.where(moments >= time_s, now + (goal - now) * way, moved)
        cast.events.append(time_s + _LATE_S)
        time_s, now = time_s + lasts_s, goal
        if not both_ways:
            back_s = period_s * rng.uniform(0.6, 1.5)
            part = np.clip((moments - time_s) / back_s, 0, 1)
            moved = np.where(moments >= time_s, 1 - _ease(part), moved)
            lift += np.sin(np.pi * part)
            time_s, now = time_s + back_s, 0.0
        time_s += 0.0 if rng.random() < 0.6 else log_uniform(rng, 0.05, 1)
    return moved, lift


def tear(cast: Cast) -> None:
    """Two hands pull a thing apart in jerks; each is heard when it begins."""
    rng, moments, at, angle = cast.rng, cast.moments, draw_place(cast.rng), cast.rng.uniform(0, 6.3)
    size, apart, now, time_s = log_uniform(rng, 0.12, 0.5), np.zeros(moments.shape), 0.0, rng.uniform(0.2, 1.2)
    while time_s < cast.end_s:
        lasts_s, goal = log_uniform(rng, 0.06, 0.4), now + rng.uniform(0.2, 0.9)
        part = np.clip((moments - time_s) / lasts_s, 0, 1)
        way = 1 - (1 - part) ** rng.uniform(1, 2.5)
        apart = np.where(moments >= time_s, now + (goal - now) * way, apart)
        cast.events.append(time_s + _LATE_S)
        time_s, now = time_s + lasts_s + log_uniform(rng, 0.15, 1.2), goal
        if now > 1.5:
            back_s = rng.uniform(0.4, 0.9)
            back = 1 - _ease(np.clip((moments - time_s) / back_s, 0, 1))
            apart = np.where(moments >= time_s, now * back, apart)
            time_s, now = time_s + back_s + rng.uniform(0.1, 0.6), 0.0
    for side in (-1, 1):
        away, tilt = side * unit(angle), side * rng.uniform(0, 0.3) * apart
        half = at + away * (0.5 * size * (1 + apart))[..., None]
        cast.put(half, angle + tilt, (0.5 * size, size * rng.uniform(0.6, 1.2)), power=8.0)
        cast.put(half + 0.5 * away * size, angle, (0.3 * size, 0.25 * size))

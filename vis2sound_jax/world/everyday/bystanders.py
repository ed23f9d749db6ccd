"""What moves and is not heard: hands that wave and reach, people, passers-by, leaves, wheels."""

import numpy as np

from vis2sound_jax.world.everyday.cast import Cast, draw_place, log_uniform, unit, wander


def wave(cast: Cast) -> None:
    """A limb or thing that swings smoothly to and fro."""
    rng, moments, at, angle = cast.rng, cast.moments, draw_place(cast.rng), cast.rng.uniform(0, 6.3)
    size, rate_hz = log_uniform(rng, 0.08, 0.5), log_uniform(rng, 0.3, 3)
    strength = np.clip(0.6 + wander(rng, moments, 0.5, 0.1, 0.5), 0, 1.5)
    swing = strength * np.sin(2 * np.pi * rate_hz * moments + rng.uniform(0, 6.3))
    if rng.random() < 0.5:
        turned = angle + swing * rng.uniform(0.2, 1)
        cast.limb(np.broadcast_to(at, (*moments.shape, 2)), turned, size * log_uniform(rng, 1, 4), 0.2 * size)
    else:
        moved = unit(angle) * (size * log_uniform(rng, 0.2, 2) * swing)[..., None]
        cast.put(at + moved, angle, (size, size * log_uniform(rng, 0.2, 1)))


def pass_by(cast: Cast) -> None:
    """Somebody or something that goes through the picture."""
    rng, moments = cast.rng, cast.moments
    x = rng.uniform(-1, 1) + rng.normal(0, 0.5) * moments
    y = rng.uniform(-0.4, 0.4) + wander(rng, moments, 0.01, 1, 3)
    cast.put(np.stack([x, y], axis=-1), 0.0, (log_uniform(rng, 0.05, 0.5), log_uniform(rng, 0.1, 0.6)))


def reach(cast: Cast) -> None:
    """An arm that moves from place to place and comes to rest slowly."""
    rng, moments, at = cast.rng, cast.moments, draw_place(cast.rng)
    size, angle, hand = log_uniform(rng, 0.08, 0.4), rng.uniform(0, 6.3), np.zeros((*moments.shape, 2)) + at
    for begin_s in rng.uniform(0, cast.end_s, 4):
        part = np.clip((moments - begin_s) / log_uniform(rng, 0.3, 1.2), 0, 1)
        hand = hand + (0.5 - 0.5 * np.cos(np.pi * part))[..., None] * rng.normal(0, 0.3, 2)
    cast.limb(hand, angle, rng.uniform(0.6, 2), 0.4 * size)
    cast.put(hand, angle, (0.5 * size, 0.4 * size))


def sway(cast: Cast) -> None:
    """Leaves, cloth, water: two patterned things that never rest."""
    rng, moments = cast.rng, cast.moments
    for _ in range(2):
        moved = np.stack([wander(rng, moments, 0.03, 0.2, 2), wander(rng, moments, 0.02, 0.2, 2)], axis=-1)
        half = log_uniform(rng, 0.1, 0.5)
        turn, contrast = wander(rng, moments, 0.2, 0.2, 2), float(rng.uniform(0.1, 0.4))
        cast.put(1.3 * draw_place(rng) + moved, turn, (half, half * log_uniform(rng, 0.3, 1)), contrast=contrast)


def spin(cast: Cast) -> None:
    """A wheel or a fan."""
    rng, half = cast.rng, log_uniform(cast.rng, 0.08, 0.4)
    cast.put(draw_place(rng), rng.normal(0, 8) * cast.moments, (half, half * log_uniform(rng, 0.1, 0.9)))


def person(cast: Cast) -> None:
    """Head and shoulders of somebody who sits or stands and cannot keep still."""
    rng, moments, at, size = cast.rng, cast.moments, draw_place(cast.rng), log_uniform(cast.rng, 0.2, 0.6)
    moved = np.stack([wander(rng, moments, 0.03, 0.1, 0.8), wander(rng, moments, 0.02, 0.1, 0.8)], axis=-1)
    cast.put(at + [0, size] + moved * [1, 0], 0.0, (0.8 * size, size))
    cast.put(at - [0, 0.4 * size] + moved * [1.3, 1], 2 * moved[..., 0], (0.35 * size, 0.45 * size))


BYSTANDERS = (wave, pass_by, reach, sway, spin, person)
"""All of them, each as likely."""

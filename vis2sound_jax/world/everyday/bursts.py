"""Things that flash, recoil, burst and fly apart: shots, fireworks, what breaks."""

import numpy as np

from vis2sound_jax.world.everyday.cast import Cast, Moments, draw_place, log_uniform, unit
from vis2sound_jax.world.everyday.contacts import draw_contacts

_PUFFS = 3  # so many shots at most leave smoke


def flash(cast: Cast) -> None:
    """Shots: light that comes at once and fades, a thing that recoils, smoke; some of these may be missing."""
    rng, at, size, angle = cast.rng, draw_place(cast.rng), log_uniform(cast.rng, 0.08, 0.6), cast.rng.uniform(0, 6.3)
    times = draw_contacts(rng, cast.end_s, misses=False).heard_s
    cast.events += list(times)
    glow, recoil = _glow_and_recoil(cast, times)
    if rng.random() < 0.7:
        _barrel(cast, at, angle, size, recoil)
    whole, is_seen = float(rng.choice([0.0, rng.uniform(0.02, 0.2), rng.uniform(0.2, 1)])), rng.random() < 0.85
    if is_seen:
        half = (size * (0.3 + 0.7 * glow) * rng.uniform(0.3, 1), size * (0.2 + 0.8 * glow) * rng.uniform(0.3, 1))
        opacity = np.clip(glow * rng.uniform(0.3, 1), 0, 1)
        shine = {"tone": float(rng.uniform(0.85, 1.2)), "contrast": 0.0, "power": 2.0}
        cast.put(at, angle, half, opacity, softness=float(rng.uniform(2, 12)), **shine)
    cast.light += (whole if is_seen else max(whole, 0.15)) * glow.mean(axis=1)
    if rng.random() < 0.5:
        for time_s in times[:_PUFFS]:
            _puff(cast, at, angle, size, time_s)


def _glow_and_recoil(cast: Cast, times: np.ndarray) -> tuple[Moments, Moments]:
    """How bright the light is, and how far the thing has been thrown back."""
    rng, moments, fades_s = cast.rng, cast.moments, log_uniform(cast.rng, 0.015, 0.2)
    glow, recoil = np.zeros(moments.shape), np.zeros(moments.shape)
    for time_s in times:
        since, gone = np.maximum(moments - time_s, 0), moments >= time_s
        glow = np.maximum(glow, gone * np.exp(rng.normal(0, 0.3) - since / fades_s))
        recoil += gone * np.exp(-since / 0.08) * np.minimum(since / 0.02, 1) * rng.uniform(0.5, 1.5)
    return glow, recoil


def _barrel(cast: Cast, at: np.ndarray, angle: float, size: float, recoil: Moments) -> None:
    rng, length = cast.rng, size * cast.rng.uniform(0.6, 2)
    middle = at - unit(angle) * (length + size * rng.uniform(0.02, 0.3) * recoil)[..., None]
    turn = angle + recoil * rng.normal(0, 0.15)
    cast.put(middle, turn, (length, size * log_uniform(rng, 0.05, 0.3)), power=8.0)
    cast.put(middle - unit(angle) * length + [0, 0.3 * size], angle + 1, (0.4 * size, 0.3 * size))


def _puff(cast: Cast, at: np.ndarray, angle: float, size: float, time_s: float) -> None:
    rng, since = cast.rng, np.maximum(cast.moments - time_s, 0)
    thick = rng.uniform(0.1, 0.5) * np.exp(-since / rng.uniform(0.3, 1.5)) * (cast.moments >= time_s)
    drift = unit(angle) * 0.2 * since[..., None] - np.array([0, rng.uniform(0, 0.2)]) * since[..., None]
    half = (size * (0.2 + 0.5 * since), size * (0.2 + 0.4 * since))
    cast.put(at + drift, 0.0, half, thick, softness=8.0, power=2.0, contrast=0.05)


def burst(cast: Cast) -> None:
    """Things that fly apart: they break, splash, or glow and fade as fireworks do."""
    rng, moments = cast.rng, cast.moments
    for _ in range(int(rng.integers(1, 4))):
        time_s, at, size = rng.uniform(0.2, cast.end_s), draw_place(rng), log_uniform(rng, 0.1, 0.8)
        cast.events.append(time_s)
        since, after = np.maximum(moments - time_s, 0), moments >= time_s
        was_whole, fades = rng.random() < 0.5, rng.random() < 0.5
        tone, gravity = rng.uniform(0, 1.1), rng.uniform(0, 2)
        for _ in range(int(rng.integers(3, 6))):
            speed, drag_s = size * log_uniform(rng, 0.5, 4), log_uniform(rng, 0.1, 1)
            flown = speed * drag_s * (1 - np.exp(-since / drag_s))
            fall = 0.5 * gravity * since**2
            at_now = at + unit(rng.uniform(0, 6.3)) * flown[..., None] + np.stack([0 * fall, fall], axis=-1)
            lasting = np.exp(-since / log_uniform(rng, 0.2, 1.5)) if fades else 1.0
            half = (size * log_uniform(rng, 0.05, 0.3), size * log_uniform(rng, 0.05, 0.3))
            opacity = np.where(after, lasting, float(was_whole))
            cast.put(at_now, rng.normal(0, 8) * since, half, opacity, tone=tone + rng.normal(0, 0.1))
        if fades and rng.random() < 0.6:
            cast.light += rng.uniform(0, 0.5) * (after * np.exp(-since / 0.12)).mean(axis=1)

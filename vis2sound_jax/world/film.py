"""From a scene and its strokes to what the camera sees: colours, light, and one row of positions a frame."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float64

from vis2sound_jax.world.motion import Stroke, contact_at, noise_path, tip_and_hand
from vis2sound_jax.world.render import Still, Tracks
from vis2sound_jax.world.scene import Scene

Rng = np.random.Generator
Times = Float64[np.ndarray, "t"]

MOMENTS = 4
"""Moments of the exposure at which the stick is drawn."""
PARTICLES = 24

_STICKS = ((0.78, 0.6, 0.38), (0.62, 0.42, 0.22), (0.9, 0.82, 0.66), (0.08, 0.08, 0.09), (0.7, 0.71, 0.73))
_LUMA = np.array([0.299, 0.587, 0.114])
# Brightness by which a stick differs from what it plays; one that nobody sees teaches nothing.
_STICK_CONTRAST = 0.2
_SKINS = ((0.93, 0.72, 0.6), (0.84, 0.6, 0.46), (0.66, 0.44, 0.31), (0.42, 0.27, 0.19), (0.27, 0.17, 0.12))


def _colour(rng: Rng, choices: Sequence[tuple[float, float, float]]) -> Float[np.ndarray, "3"]:
    return np.clip(np.asarray(choices[int(rng.integers(len(choices)))]) * rng.normal(1, 0.08, 3), 0.02, 1)


def draw_still(rng: Rng, scene: Scene, height: int, width: int) -> Still:
    """Draws the colours, the lens and the light of a recording.

    Args:
      rng: source of randomness.
      scene: what is filmed.
      height: frame height in pixels.
      width: frame width in pixels.

    Returns:
      The renderer's still input, float32.
    """
    values = {**_draw_lens(rng, height, width), **_draw_player(rng, scene), **_draw_things(rng)}
    values |= {"background": scene.background, "layers": scene.layers}
    return Still(used=jnp.asarray(scene.layers[:, 3].any((1, 2))), **_as_float32(values))


def _as_float32(values: dict[str, np.ndarray]) -> dict[str, Array]:
    return {name: jnp.asarray(np.asarray(value, np.float32)) for name, value in values.items()}


def _draw_lens(rng: Rng, height: int, width: int) -> dict[str, np.ndarray]:
    """Focus, vignette, tone curve and sensor noise."""
    y, x = np.mgrid[0:height, 0:width]
    oval = ((y / height - 0.5) ** 2 + (x / width - 0.5) ** 2) * 2
    near = rng.choice([0.0, rng.uniform(0.0, 0.12), rng.uniform(0.12, 0.18)], p=[0.4, 0.5, 0.1])
    level = rng.choice([rng.uniform(0, 0.01), rng.uniform(0.01, 0.04)])
    return {
        "noise": level * rng.standard_normal((3, 2 * height, 2 * width), dtype=np.float32),
        "vignette": 1 - rng.uniform(0, 0.35) * oval,
        "blur": np.array([near, max(0.0, near - 0.15)]),
        "tone": np.array([rng.uniform(0.75, 1.25), rng.uniform(-0.3, 0.7), rng.uniform(-0.06, 0.06)]),
    }


def _draw_stick(rng: Rng, scene: Scene) -> Float[np.ndarray, "3"]:
    """A colour that stands out from what is played: of up to eight the first that does, or the one that does most."""
    surface, best, contrast = scene.surface, np.zeros(3), -1.0
    for _ in range(8):
        colour = _colour(rng, _STICKS) if rng.random() < 0.85 else rng.uniform(0.1, 0.9, 3)
        found = float(np.abs(surface @ _LUMA - colour @ _LUMA).min())
        if found > contrast:
            best, contrast = colour, found
        if contrast > _STICK_CONTRAST:
            break
    return best


def _draw_player(rng: Rng, scene: Scene) -> dict[str, np.ndarray]:
    """Thickness and colours of stick, hand and sleeve, and the softness of their shadow."""
    scale = scene.gesture.stick / 0.45
    thick, fist = rng.uniform(0.014, 0.026) * scale, rng.uniform(0.06, 0.12) * scale
    head = thick * rng.choice([1.0, 1.5, 3.5], p=[0.5, 0.38, 0.12])  # bare, tipped, mallet
    elbow, cuff = fist * rng.uniform(0.9, 1.5), fist * rng.uniform(0.1, 0.5)
    sleeve = rng.uniform(0.03, 0.85) * rng.normal(1, 0.35, 3)
    other = sleeve * rng.uniform(0.3, 0.8) if rng.random() < 0.3 else sleeve
    return {
        "stick": _draw_stick(rng, scene),
        "skin": _colour(rng, _SKINS),
        "sleeve": np.clip(np.stack([sleeve, other]), 0.01, 1),
        "weave": rng.uniform(2, 10, 2) * np.array([1.0, 2.0]),
        "radii": np.array([thick, head, fist, 0.7 * fist, elbow, cuff]),
        "sleeve_from": np.array(rng.choice([0.08, rng.uniform(0.05, 0.5), 2.0], p=[0.5, 0.35, 0.15])),
        "shadow": np.array([rng.uniform(0.1, 0.6), rng.uniform(0.01, 0.04), rng.uniform(0.05, 0.4)]),
    }


def _draw_things(rng: Rng) -> dict[str, np.ndarray]:
    """Looks of dents, particles, and of what moves without a sound."""
    turn, strength = rng.uniform(0, np.pi), rng.uniform(0.2, 0.5) if rng.random() < 0.2 else 0.0
    return {
        "dent_radius": np.array(rng.uniform(0.08, 0.22)),
        "grain": np.append(rng.uniform(0.1, 0.8) * rng.normal(1, 0.15, 3), rng.uniform(0.01, 0.022)),
        "stranger": np.append(rng.uniform(0.05, 0.95, 3), rng.uniform(0.05, 0.2, 2)),
        "passing": np.array([np.cos(turn), np.sin(turn), rng.uniform(0.15, 0.5), strength]),
    }


def _camera(
    rng: Rng, scene: Scene, times: Times, shakes: Sequence[Float64[np.ndarray, "t 2"]], height: int
) -> Float64[np.ndarray, "t 4 2"]:
    """Corner of the frame in each layer, pixels (x, y)."""
    style = rng.choice(["tripod", "hand", "pan"], p=[0.5, 0.4, 0.1])
    path = np.zeros((len(times), 2))
    if style != "tripod":
        path += noise_path(rng, times, rng.uniform(0.002, 0.02), 0.2, 1.5)
        path += noise_path(rng, times, rng.uniform(0.0, 0.003), 3.0, 9.0)
    if style == "pan":
        u = times / max(times[-1], 1e-6) * rng.uniform(0.5, 1.5) + rng.uniform(0, 0.5)
        path += np.sin(np.pi * u)[:, None] * rng.uniform(-0.15, 0.15, 2)
    sway = noise_path(rng, times, rng.uniform(0.004, 0.03), 0.2, 1.6)
    paths = np.stack([path, path + sway, path - shakes[0], path - shakes[1]], 1) * height + scene.margin
    return np.clip(paths, 0, 2 * scene.margin - 1.001)


def _ringing(times: Times, start_s: float, pace_hz: float, decay_s: float) -> Times:
    since = times - start_s
    return np.where(since >= 0, np.exp(-np.maximum(since, 0) / decay_s) * np.cos(2 * np.pi * pace_hz * since), 0)


def _shakes(rng: Rng, strokes: Sequence[Stroke], times: Times) -> list[Float64[np.ndarray, "t 2"]]:
    """Displacement of both things by the hits that jolt them, image heights."""
    paths = [np.zeros((len(times), 2)) for _ in range(2)]
    pace, decay = rng.uniform(4, 9, 2), rng.uniform(0.06, 0.16, 2)
    for stroke in strokes:
        if stroke.reaction == "rigid-motion":
            way = np.array([rng.uniform(-1, 1), rng.uniform(0.3, 1)]) * min(0.05, 0.008 + 0.005 * stroke.speed)
            jolt = _ringing(times, stroke.time_s, pace[stroke.target % 2], decay[stroke.target % 2])
            paths[stroke.target % 2] += jolt[:, None] * way
    return paths


def _dents(rng: Rng, scene: Scene, strokes: Sequence[Stroke], times: Times) -> Float64[np.ndarray, "t 4"]:
    """Where the surface gives way and by how much: x, y and displacement, image heights."""
    out = np.zeros((len(times), 4))
    out[:, :2] = contact_at(strokes, times)
    pace, decay = rng.uniform(3, 8), rng.uniform(0.06, 0.2)
    for stroke in strokes:
        if stroke.reaction == "deform":
            depth = min(0.045, 0.01 + 0.005 * stroke.speed)
            held = (times >= stroke.time_s) & (times < stroke.time_s + stroke.stay_s)
            give = depth * (_ringing(times, stroke.time_s, pace, decay) + 0.5 * held)
            out[:, 2:] -= give[:, None] * np.asarray(scene.gesture.up)
    return out


def _particles(rng: Rng, strokes: Sequence[Stroke], times: Times) -> Float64[np.ndarray, "t p 3"]:
    """Bits that fly up from a contact and fall back within half a second: x, y, opacity."""
    out = np.zeros((len(times), PARTICLES, 3))
    for stroke in strokes:
        if stroke.reaction != "scatter":
            continue
        since = times - stroke.time_s
        alive = (since >= 0) & (since < 0.5)
        t = since[alive][:, None]
        force = min(1.5, 0.3 + 0.2 * stroke.speed)
        out_x, out_y = rng.normal(0, 0.5, PARTICLES) * force, -np.abs(rng.normal(0.5, 0.4, PARTICLES)) * force
        out[alive, :, 0] = stroke.point[0] + out_x * t
        out[alive, :, 1] = stroke.point[1] + out_y * t + 2.2 * t * t
        out[alive, :, 2] = rng.uniform(0.4, 1, PARTICLES) * np.clip(2 - 4 * t, 0, 1)
    return out


def _stranger(rng: Rng, times: Times, aspect: float) -> Float64[np.ndarray, "t 2"]:
    """Path of a thing that moves in fits and starts and is never heard; in most recordings there is none."""
    if rng.random() > 0.12:
        return np.full((len(times), 2), -9.0)
    place = np.array([rng.uniform(0, aspect), rng.uniform(0, 1)])
    stops = np.sort(rng.uniform(0, times[-1], 5))
    steps = rng.normal(0, 0.25, (5, 2))
    pace = rng.uniform(1.5, 8, 5)
    moved = np.clip((times[:, None] - stops) * pace, 0, 1)
    return place + (moved * moved * (3 - 2 * moved)) @ steps


def _helper(rng: Rng, scene: Scene, times: Times, aspect: float) -> Float64[np.ndarray, "t 4"]:
    """A second hand that holds or rests (hand x, y, elbow x, y); in most recordings there is none."""
    if rng.random() > 0.1:
        return np.tile(np.array([-9.0, -9.0, -9.5, -9.0]), (len(times), 1))
    side = -np.sign(scene.gesture.entry[0]) or 1.0
    base = np.array([aspect / 2 + side * aspect * rng.uniform(0.3, 0.5), rng.uniform(0.55, 1.0)])
    hand = base + noise_path(rng, times, rng.uniform(0.002, 0.05), 0.1, 1.2)
    return np.concatenate([hand, hand + np.array([side * 1.2, rng.uniform(0.2, 0.8)])], 1)


def _gains(rng: Rng, times: Times, near: Times) -> Float64[np.ndarray, "t 3"]:
    """Exposure and white balance: flicker, slow drift, the camera's answer to a hand in the frame."""
    flicker = rng.choice([0.0, rng.uniform(0.0, 0.04)]) * np.sin(2 * np.pi * rng.uniform(0.5, 12) * times)
    drift = noise_path(rng, times, rng.uniform(0, 0.05), 0.05, 0.25)[:, 0]
    level = rng.uniform(0.75, 1.3) * (1 + flicker + drift + rng.normal(0, 0.02) * near)
    return level[:, None] * rng.normal(1, 0.05, 3)


def make_tracks(
    rng: Rng, scene: Scene, strokes: Sequence[Stroke], n_frames: int, fps: float, height: int, width: int
) -> Tracks:
    """Works out all positions of a film.

    Args:
      rng: source of randomness.
      scene: what is filmed.
      strokes: what happens.
      n_frames: number of frames; frame k is exposed around k / fps.
      fps: frames per second.
      height: frame height in pixels.
      width: frame width in pixels.

    Returns:
      The renderer's moving input, float32 (noise_at int32).
    """
    times, aspect = np.arange(n_frames) / fps, width / height
    camera = _camera(rng, scene, times, _shakes(rng, strokes, times), height)
    shift = (camera[:, 0] - scene.margin) / height
    moments = times[:, None] + rng.uniform(0.1, 0.95) / fps * np.linspace(-0.5, 0.5, MOMENTS)
    values = _player(rng, scene, strokes, moments, shift)
    grains, dent = _particles(rng, strokes, times), _dents(rng, scene, strokes, times)
    values |= {
        "camera": camera,
        "dent": np.concatenate([dent[:, :2] - shift, dent[:, 2:]], 1),
        "grains": np.concatenate([grains[..., :2] - shift[:, None], grains[..., 2:]], -1),
        "stranger": _stranger(rng, times, aspect) - shift,
        "passing": np.interp(times, np.sort(rng.uniform(0, times[-1], 4)), rng.uniform(-1, 2.5, 4)),
        "helper": _helper(rng, scene, times, aspect) - np.tile(shift, 2),
        "gain": _gains(rng, times, np.exp(-values["shadow_tip"][:, 2])),
    }
    noise_at = rng.integers(0, (height, width), (n_frames, 2), dtype=np.int32)
    return Tracks(noise_at=jnp.asarray(noise_at), **_as_float32(values))


def _player(
    rng: Rng,
    scene: Scene,
    strokes: Sequence[Stroke],
    moments: Float64[np.ndarray, "t s"],
    shift: Float64[np.ndarray, "t 2"],
) -> dict[str, np.ndarray]:
    """Stick, hand and elbow in the moving picture, and the shadow that meets the tip at contact."""
    gesture = scene.gesture
    up, light, entry = np.asarray(gesture.up), np.asarray(scene.light), np.asarray(gesture.entry)
    tip, hand, lift = tip_and_hand(rng, strokes, gesture, moments)
    bend = (rng.normal(0, 0.4) + 0.6 * rng.normal() * lift)[..., None]
    arm = entry * np.cos(bend) + entry[::-1] * np.array([-1.0, 1.0]) * np.sin(bend)
    tip_lift = lift.mean(1)[:, None]
    hand_lift = gesture.tilt + gesture.follow * tip_lift
    # What is lifted goes `up` in the picture; its shadow goes along `light` over the ground instead.
    shadow_tip = tip.mean(1) + tip_lift * (light - up) - shift
    return {
        "tip": tip - shift[:, None],
        "hand": hand - shift[:, None],
        "elbow": (hand + 1.6 * arm).mean(1) - shift,
        "shadow_tip": np.concatenate([shadow_tip, tip_lift], 1),
        "shadow_hand": hand.mean(1) + hand_lift * (light - up) - shift,
    }

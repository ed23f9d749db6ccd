"""The camera: when it exposes, how it moves, and what sensor and codec do to its pictures."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from vis2sound_jax.world.everyday.cast import Cast, Frames, Rng, log_uniform, wander

_SOURCE_FPS = (12.0, 15.0, 20.0, 21.5, 24.0, 25.0, 25.0, 29.97, 30.0, 30.0, 50.0, 60.0)
_MOMENTS = 2  # of an exposure that are drawn and averaged
_HOLDS = ((0.45, 0.0), (0.3, 0.004), (0.15, 0.01), (0.1, 0.015))  # share, and how far the camera wanders
_MOVING = 2  # place of the camera in _HOLDS that also pans and zooms
_BLOCK, _KEY_FRAME = 8, 50


class Clock(NamedTuple):
    """When a film's frames were exposed.

    Attributes:
      moments: [t, m] times in seconds.
      picture: [t] number of the source's picture; two frames that show the same one are equal.
      first_s: time of the first frame.
    """

    moments: Float[np.ndarray, "t m"]
    picture: Int[np.ndarray, "t"]
    first_s: float


def draw_clock(rng: Rng, frames: int, fps: float) -> Clock:
    """Draws the frame rate and exposure of a source that is shown at another rate.

    Args:
      rng: source of randomness.
      frames: number of frames that are shown, t.
      fps: their rate.

    Returns:
      The clock.
    """
    source_fps = float(rng.choice(_SOURCE_FPS))
    shutter_s, shown_s = rng.uniform(0.05, 0.9) / source_fps, np.arange(frames) / fps + rng.uniform(0, 1 / fps)
    picture = np.floor(shown_s * source_fps).astype(int)
    exposed = np.linspace(-0.5, 0.5, _MOMENTS) * shutter_s
    return Clock(picture[:, None] / source_fps + exposed, picture, float(shown_s[0]))


def draw_camera(cast: Cast) -> Float[np.ndarray, "t m 4"]:
    """Draws where the camera looks: x, y, zoom and roll; hits may shake it.

    Args:
      cast: of the film, with its events.

    Returns:
      The path of the camera.
    """
    rng, moments = cast.rng, cast.moments
    kind = int(rng.choice(len(_HOLDS), p=[share for share, _ in _HOLDS]))
    size = _HOLDS[kind][1]
    x, y, roll = (wander(rng, moments, size, 0.2, rate) for rate in (4, 4, 3))
    zoom = np.ones(moments.shape)
    if kind == _MOVING:
        part = np.clip((moments - rng.uniform(-1, 3)) / log_uniform(rng, 0.6, 4), 0, 1)
        way = 0.5 - 0.5 * np.cos(np.pi * part)
        x, y, zoom = x + way * rng.normal(0, 0.4), y + way * rng.normal(0, 0.2), np.exp(way * rng.normal(0, 0.4))
    if rng.random() < 0.2:
        jolt = log_uniform(rng, 0.003, 0.03)
        for time_s in cast.events:
            since = np.maximum(moments - time_s, 0)
            y = y + jolt * np.exp(-since / 0.07) * np.sin(50 * since)
    return np.stack([x, y, zoom, roll], axis=-1)


def draw_light(cast: Cast) -> Float[np.ndarray, "t"]:
    """Draws the light of every frame: the cast's flashes, the camera's exposure, now and then flicker."""
    rng, times = cast.rng, cast.moments[:, 0]
    drift = wander(rng, times[:, None], float(rng.choice([0.0, 0.02, 0.08])), 0.1, 0.6)[:, 0]
    flicker = rng.uniform(0, 0.06) * (rng.random() < 0.1)
    return cast.light * np.exp(drift) * (1 + flicker * np.sin(2 * np.pi * rng.uniform(1, 12) * times))


def record(rng: Rng, pictures: Frames, clock: Clock) -> UInt8[np.ndarray, "t h w"]:
    """Does to pictures what sensor and codec do: tone, noise, and blocks that are left alone.

    Args:
      rng: source of randomness.
      pictures: as they are drawn.
      clock: of the film.

    Returns:
      Grey frames from 0 to 255.
    """
    curve, contrast = log_uniform(rng, 0.6, 1.7), rng.uniform(0.4, 1.1)
    toned = contrast * np.clip(pictures, 0, 1.2) ** curve + rng.uniform(0, 0.25)
    frames = (np.clip(toned + _noise(rng, pictures.shape, clock.picture), 0, 1) * 255).astype(np.uint8)
    return _coded(frames, log_uniform(rng, 0.5, 5)) if rng.random() < 0.6 else frames


def _noise(rng: Rng, shape: tuple[int, ...], picture: Int[np.ndarray, "t"]) -> Float32[np.ndarray, "t h w"]:
    """Noise of the sensor, the same in frames that show the same picture."""
    size = float(rng.choice([0.0, log_uniform(rng, 0.002, 0.03)]))
    if not size:
        return np.zeros(shape, np.float32)
    _, place = np.unique(picture, return_inverse=True)
    return (size * rng.standard_normal((place.max() + 1, *shape[1:]), np.float32))[place]


def _coded(frames: UInt8[np.ndarray, "t h w"], least: float) -> UInt8[np.ndarray, "t h w"]:
    """Leaves blocks as they were in the frame before where they change by less than `least` on average."""
    out, (height, width) = frames.copy(), frames.shape[1:]
    for k in range(1, len(frames)):
        if k % _KEY_FRAME:
            change = np.abs(frames[k].astype(np.int16) - out[k - 1])
            means = change.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).mean(axis=(1, 3))
            same = np.kron(means < least, np.ones((_BLOCK, _BLOCK), bool))
            out[k] = np.where(same, out[k - 1], frames[k])
    return out

"""Motion energy of a film: how much its pictures change, where, and how that goes on over time."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Float32, UInt8

MAP_SHAPE = (9, 16)
"""Rows and columns of a map of motion."""
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_LEAST = 1e-3  # of the full range; below it there is only noise
_CURVES = 4


def motion_maps(
    frames: Iterable[UInt8[np.ndarray, "h w *c"]], before: UInt8[np.ndarray, "h w *c"] | None = None
) -> Float32[np.ndarray, "t r c"]:
    """Measures where each picture differs from the one before it.

    Args:
      frames: pictures in order, grey or in colour, of any size; read once.
      before: the picture before the first one, if there is one.

    Returns:
      For each picture a map of `MAP_SHAPE`: mean absolute difference of every block, in [0, 1]; zeros where there is
      no picture before.
    """
    maps, last = [], None if before is None else _grey(before)
    for frame in frames:
        grey = _grey(frame)
        maps.append(np.zeros(MAP_SHAPE, np.float32) if last is None else _blocks(np.abs(grey - last)))
        last = grey
    return np.stack(maps) / 255.0 if maps else np.zeros((0, *MAP_SHAPE), np.float32)


def motion_curves(maps: Float32[np.ndarray, "t r c"]) -> Float32[np.ndarray, "t m"]:
    """Summarises maps of motion, relative to the film's own motion.

    Args:
      maps: as `motion_maps` gives them.

    Returns:
      [t, 4]: log of the mean, of the root mean square, of the 90th percentile and of the maximum over blocks, each
      less its median over the film.
    """
    if not len(maps):
        return np.zeros((0, _CURVES), np.float32)
    blocks = maps.reshape(len(maps), -1)
    rms = np.sqrt(np.mean(blocks**2, axis=1))
    parts = [blocks.mean(axis=1), rms, np.percentile(blocks, 90, axis=1), blocks.max(axis=1)]
    curves = np.log(np.stack(parts, axis=1) + _LEAST)
    return (curves - np.median(curves, axis=0)).astype(np.float32)


def stops_of_motion(
    motion: Float[np.ndarray, "t"], fps: float
) -> tuple[Float[np.ndarray, "k"], Float[np.ndarray, "k"]]:
    """Finds where motion stops. An impact ends a movement, so its mark is a fall of motion over two frames.

    Args:
      motion: how much each frame differs from the one before it; the first has none before it and does not count.
      fps: frames per second.

    Returns:
      Times in seconds of the frame after which motion falls, and by how much it falls there.
    """
    if len(motion) < 4:
        return np.zeros(0), np.zeros(0)
    padded = np.pad(np.asarray(motion[1:], float), 2, mode="edge")
    before = (padded[1:-3] + padded[2:-2]) / 2  # mean motion of steps i - 1 and i
    after = (padded[3:-1] + padded[4:]) / 2  # of steps i + 1 and i + 2
    fall = np.maximum(before - after, 0.0)
    left = np.concatenate([[0.0], fall[:-1]])
    right = np.concatenate([fall[1:], [0.0]])
    peaks = np.flatnonzero((fall > left) & (fall >= right) & (fall > 0))
    return (peaks + 1) / fps, fall[peaks]


def places_of_motion(
    maps: Float32[np.ndarray, "t r c"], fps: float, times_s: Float[np.ndarray, "k"]
) -> Float32[np.ndarray, "k 2"]:
    """Says where in the picture it moves around given times.

    Args:
      maps: as `motion_maps` gives them.
      fps: their rate.
      times_s: times in seconds.

    Returns:
      Centre of the motion within 0.1 s of each time, as x from left and y from top, both in [0, 1]; the middle of the
      picture where nothing moves.
    """
    reach, places = max(round(0.1 * fps), 1), []
    rows, columns = ((np.arange(size) + 0.5) / size for size in MAP_SHAPE)
    for time_s in times_s:
        k = int(np.clip(time_s * fps, 0, max(len(maps) - 1, 0)))
        near = maps[max(k - reach, 0) : k + reach + 1].sum(axis=0)
        # What moves everywhere, such as noise, says nothing of the place.
        weight = np.maximum(near - np.median(near), 0.0) ** 2 if len(maps) else np.zeros(MAP_SHAPE)
        total = weight.sum()
        x, y = (weight.sum(axis=0) @ columns, weight.sum(axis=1) @ rows) if total > 0 else (0.5, 0.5)
        places.append((x / total, y / total) if total > 0 else (x, y))
    return np.array(places, np.float32).reshape(-1, 2)


def _grey(frame: UInt8[np.ndarray, "h w *c"]) -> Float32[np.ndarray, "h w"]:
    return frame.astype(np.float32) if frame.ndim == 2 else frame @ _GREY


def _blocks(difference: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "r c"]:
    """Averages blocks of a picture whose sizes need not divide evenly; of a small one, blocks share pixels."""
    sizes = zip(difference.shape, MAP_SHAPE, strict=True)
    edges = [np.linspace(0, size, parts + 1).astype(int) for size, parts in sizes]
    sums = np.add.reduceat(np.add.reduceat(difference, edges[0][:-1], axis=0), edges[1][:-1], axis=1)
    counts = np.outer(*(np.maximum(np.diff(each), 1) for each in edges))
    return (sums / counts).astype(np.float32)

"""Texture generators: one small numpy painter per material, each returning an albedo picture."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32

Rng = np.random.Generator
Grey = Float[np.ndarray, "h w"]
Picture = Float[np.ndarray, "h w 3"]


def smooth_noise(rng: Rng, h: int, w: int, rows: float, columns: float) -> Grey:
    """Value noise: a random grid, linearly interpolated with smoothed weights.

    Args:
      rng: source of randomness.
      h: height in pixels.
      w: width in pixels.
      rows: cells of the grid over the height (>= 1; more is finer).
      columns: cells over the width.

    Returns:
      Noise [h, w] in [0, 1].
    """
    rows_n, columns_n = max(1, min(int(rows), h)), max(1, min(int(columns), w))
    grid = rng.random((rows_n + 1, columns_n + 1), dtype=np.float32)
    return _stretch(_stretch(grid, h).T, w).T


def _stretch(grid: Float32[np.ndarray, "rows w"], n: int) -> Float32[np.ndarray, "n w"]:
    """Interpolates the first axis from cell corners to n pixels, without a threaded product for so little."""
    place = np.arange(n, dtype=np.float32) * np.float32((len(grid) - 1) / n)
    left = place.astype(np.int64)
    part = (place - np.floor(place))[:, None]
    part = part * part * (3 - 2 * part)
    return grid[left] * (1 - part) + grid[left + 1] * part


def fractal_noise(rng: Rng, h: int, w: int, cells: float, *, stretch: float = 1.0, octaves: int = 4) -> Grey:
    """Sum of value noises from coarse to fine.

    Args:
      rng: source of randomness.
      h: height in pixels.
      w: width in pixels.
      cells: cells of the coarsest noise over the height (>= 1; more is finer).
      stretch: above 1 draws the noise out along the width.
      octaves: noises to add, each twice as fine and half as strong as the one before, >= 1.

    Returns:
      Noise [h, w] in [0, 1].
    """
    out = np.zeros((h, w), np.float32)
    for octave in range(octaves):
        fine = cells * 2**octave
        out += smooth_noise(rng, h, w, fine, fine * w / h / stretch) * 0.5**octave
    return out / np.float32(2 - 0.5 ** (octaves - 1))


def cells_noise(rng: Rng, h: int, w: int, cells: float) -> tuple[Grey, Grey]:
    """Voronoi cells of a jittered grid (Worley 1996).

    Args:
      rng: source of randomness.
      h: height in pixels.
      w: width in pixels.
      cells: cells over the height.

    Returns:
      shade: a random value in [0, 1] per cell, [h, w].
      edge: how far inside its cell a pixel lies, 0 on the border, about 1 in the middle, [h, w].
    """
    step = h / max(2.0, cells)
    rows_n, columns_n = int(h / step) + 3, int(w / step) + 3
    jitter = rng.random((rows_n, columns_n, 3), dtype=np.float32)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) / np.float32(step) + 1
    row, column = y.astype(np.int64), x.astype(np.int64)
    nearest = np.full((h, w), 9.0, np.float32)
    second = nearest.copy()
    shade = np.zeros((h, w), np.float32)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            r, c = np.clip(row + dr, 0, rows_n - 1), np.clip(column + dc, 0, columns_n - 1)
            point = jitter[r, c]
            away = (r + point[..., 0] - y) ** 2 + (c + point[..., 1] - x) ** 2
            closer = away < nearest
            second = np.where(closer, nearest, np.minimum(second, away))
            shade = np.where(closer, point[..., 2], shade)
            nearest = np.where(closer, away, nearest)
    return shade, np.minimum(1, (np.sqrt(second) - np.sqrt(nearest)) * 1.5)


def _mix(grey: Grey, dark: tuple[float, float, float], light: tuple[float, float, float]) -> Picture:
    low, high = np.asarray(dark, np.float32), np.asarray(light, np.float32)
    return low + (high - low) * grey[..., None]


def _wood(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    bend = fractal_noise(rng, h, w, 2 / zoom, stretch=5, octaves=2)
    y = np.arange(h, dtype=np.float32)[:, None] / h
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (y * rng.uniform(2, 6) / zoom + bend * rng.uniform(1, 4)))
    fibre = smooth_noise(rng, h, w, h / 1.5, w / 14)
    planks = np.where((y * rng.uniform(2, 6) / zoom) % 1 < 0.06, 0.45, 1.0) if rng.random() < 0.5 else 1.0
    return _mix((0.6 * rings + 0.4 * fibre) * planks, (0.28, 0.16, 0.08), (0.72, 0.5, 0.3))


def _metal(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    brushed = smooth_noise(rng, h, w, h / 1.3, 4)
    sheen = np.sin(np.linspace(0, rng.uniform(2, 9), w, dtype=np.float32) + rng.uniform(0, 6)) * 0.5 + 0.5
    grey = 0.35 * brushed + 0.65 * sheen * (0.7 + 0.3 * smooth_noise(rng, h, w, 3 / zoom, 3))
    return _mix(grey, (0.25, 0.26, 0.28), (0.86, 0.87, 0.9))


def _glass(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) / h
    streak = np.sin((x + y * rng.uniform(-1, 1)) * rng.uniform(4, 10) / zoom + rng.uniform(0, 6))
    grey = 0.3 + 0.25 * smooth_noise(rng, h, w, 2, 3) + 0.45 * np.clip(streak, 0.6, 1) - 0.27
    return _mix(np.clip(grey, 0, 1), (0.2, 0.3, 0.33), (0.9, 0.97, 0.98))


def _ceramic(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    grey = 0.75 + 0.2 * smooth_noise(rng, h, w, 2, 3)
    grey -= 0.35 * (smooth_noise(rng, h, w, 24 / zoom, 42 / zoom) > 0.86)
    band = (np.arange(h)[:, None] / h * rng.uniform(2, 5)) % 1 < rng.choice([0.0, 0.15])
    return _mix(np.where(band, grey * 0.5, grey), (0.25, 0.3, 0.45), (0.95, 0.93, 0.88))


def _plastic(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    colour = rng.uniform(0.05, 0.95, 3)
    grey = 0.7 + 0.3 * smooth_noise(rng, h, w, 2 / zoom, 3 / zoom)
    return (colour * grey[..., None]).astype(np.float32)


def _rock(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    _, edge = cells_noise(rng, h, w, rng.uniform(2, 5) / zoom)
    speckle = rng.random((h, w), dtype=np.float32)
    grey = 0.55 * fractal_noise(rng, h, w, 5 / zoom) + 0.25 * speckle + 0.2 * np.minimum(1, edge * 6)
    return _mix(grey, (0.2, 0.19, 0.18), (0.78, 0.76, 0.72))


def _tile(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) / h
    count = rng.uniform(3, 7) / zoom
    turn = rng.uniform(-0.6, 0.6)
    u, v = (x + turn * y) * count, (y - turn * x) * count
    grout = (u % 1 < 0.09) | (v % 1 < 0.09)
    shades = rng.random((64, 64), dtype=np.float32)[v.astype(int) % 64, u.astype(int) % 64]
    grey = np.where(grout, 0.25, 0.7 + 0.2 * shades) + 0.1 * smooth_noise(rng, h, w, 3, 5)
    return _mix(grey, (0.3, 0.27, 0.25), (0.85, 0.8, 0.74))


def _cloth(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    pitch = rng.uniform(2.5, 6)
    weave = np.sin(2 * np.pi * x / pitch) * np.sin(2 * np.pi * y / pitch)
    folds = smooth_noise(rng, h, w, 3 / zoom, 5 / zoom)
    if rng.random() < 0.4:
        folds = 0.6 * folds + 0.4 * (np.sin(x * rng.uniform(0.1, 0.5) + y * rng.uniform(-0.3, 0.3)) > 0)
    return rng.uniform(0.1, 0.95, 3).astype(np.float32) * (0.55 + 0.12 * weave + 0.4 * folds)[..., None]


def _carpet(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    tuft = smooth_noise(rng, h, w, h / 1.5, w / 1.5)
    figure = (fractal_noise(rng, h, w, 7 / zoom, octaves=2) > rng.uniform(0.4, 0.6)).astype(np.float32)
    ground = _mix(figure, tuple(rng.uniform(0.1, 0.6, 3)), tuple(rng.uniform(0.3, 0.9, 3)))
    return ground * (0.65 + 0.5 * tuft)[..., None]


def _paper(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    _, crease = cells_noise(rng, h, w, rng.uniform(3, 7) / zoom)
    grey = 0.8 + 0.12 * smooth_noise(rng, h, w, 4, 7) + 0.08 * np.minimum(1, crease * 4)
    if rng.random() < 0.5:
        line = (np.arange(h)[:, None] % rng.integers(4, 8)) == 0
        grey -= 0.35 * (line & (smooth_noise(rng, h, w, h / 2, w / 3) > 0.35))
    return _mix(grey, (0.15, 0.13, 0.12), (0.97, 0.95, 0.9) if rng.random() < 0.6 else (0.76, 0.6, 0.42))


def _gravel(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    shade, edge = cells_noise(rng, h, w, rng.uniform(11, 22) / zoom)
    grey = (0.25 + 0.75 * shade) * np.minimum(1, 0.25 + 2 * edge)
    return _mix(grey, (0.14, 0.13, 0.13), (0.82, 0.79, 0.75))


def _dirt(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    grey = 0.6 * fractal_noise(rng, h, w, 4 / zoom, octaves=5) + 0.2 * rng.random((h, w), dtype=np.float32)
    twigs = smooth_noise(rng, h, w, h / 2, 9) > 0.93
    return _mix(grey + 0.35 * twigs, (0.13, 0.09, 0.06), (0.62, 0.5, 0.37))


def _grass(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    blades = np.zeros((h, w), np.float32)
    for slant in (-0.5, 0.1, 0.6):
        layer = smooth_noise(rng, h, w, 7 / zoom, w / (2.2 * zoom))
        shift = (np.arange(h)[:, None] * slant).astype(int)
        blades = np.maximum(blades, layer[np.arange(h)[:, None], (np.arange(w) + shift) % w])
    grey = np.clip((blades - 0.45) * 2, 0, 1) * (0.6 + 0.4 * smooth_noise(rng, h, w, 3, 5))
    return _mix(grey, (0.05, 0.1, 0.03), (0.5, 0.7, 0.25))


def _leaf(rng: Rng, h: int, w: int, zoom: float) -> Picture:
    shade, edge = cells_noise(rng, h, w, rng.uniform(7, 13) / zoom)
    grey = np.minimum(1, 0.35 + 1.5 * edge)[..., None]
    if rng.random() < 0.5:
        colour = _mix(shade, (0.32, 0.16, 0.07), (0.85, 0.62, 0.25))
    else:
        colour = _mix(shade, (0.07, 0.2, 0.06), (0.45, 0.68, 0.25))
    return colour * grey * (0.75 + 0.5 * rng.random((h, w, 1), dtype=np.float32))


PAINTERS: dict[str, Callable[[Rng, int, int, float], Picture]] = {
    "wood": _wood,
    "metal": _metal,
    "glass": _glass,
    "ceramic": _ceramic,
    "plastic": _plastic,
    "rock": _rock,
    "tile": _tile,
    "cloth": _cloth,
    "carpet": _carpet,
    "paper": _paper,
    "gravel": _gravel,
    "dirt": _dirt,
    "grass": _grass,
    "leaf": _leaf,
}


def paint(name: str, rng: Rng, h: int, w: int, zoom: float = 1.0) -> Picture:
    """Paints a material's texture with randomised hue, brightness and contrast.

    Args:
      name: a key of `PAINTERS`.
      rng: source of randomness.
      h: height in pixels.
      w: width in pixels.
      zoom: size of the pattern, 1 = as drawn, 2 = twice as large.

    Returns:
      Albedo [h, w, 3] in [0, 1], float32.
    """
    picture = PAINTERS[name](rng, h, w, zoom).astype(np.float32)
    mean = picture.mean((0, 1))
    grey = mean.mean()
    contrast, saturation = rng.uniform(0.6, 1.25), rng.uniform(0.4, 1.5)
    tint = rng.normal(1, 0.1, 3) * rng.uniform(0.65, 1.25)
    target = (grey + (mean - grey) * saturation) * tint
    return np.clip((picture - mean) * contrast + target, 0.01, 1).astype(np.float32)

"""What scenes are drawn from: for training, and for each way of holding something out."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vis2sound_jax.audio.head import Head
from vis2sound_jax.audio.room import Room
from vis2sound_jax.errors import UserError

Rng = np.random.Generator
Bands = tuple[tuple[float, float], ...]
"""Ranges that do not meet; a number is drawn evenly from all of them."""


@dataclass(frozen=True)
class Ranges:
    """What a split draws from. Each of the first five is held out as a whole.

    Attributes:
      tones: of timbres; see `kinds.Kind`.
      azimuths_deg: absolute; a thing stays within its band.
      roomy: share of scenes in a room; the others are in the open.
      room_widths_m: of rooms.
      absorptions: of their walls.
      head_radii_m: of the head.
    """

    tones: Bands = ((0.0, 0.3), (0.42, 0.7), (0.82, 1.0))
    azimuths_deg: Bands = ((0.0, 18.0), (27.0, 44.0), (53.0, 70.0))
    roomy: float = 0.25
    room_widths_m: Bands = ((3.0, 4.5),)
    absorptions: Bands = ((0.55, 0.8),)
    head_radii_m: Bands = ((0.084, 0.091),)


_TRAIN = Ranges()
_TIMBRES: dict[str, Any] = {"tones": ((0.32, 0.4), (0.72, 0.8))}
_AZIMUTHS: dict[str, Any] = {"azimuths_deg": ((19.0, 26.0), (45.0, 52.0))}
_ROOMS: dict[str, Any] = {"roomy": 1.0, "room_widths_m": ((5.5, 9.0),), "absorptions": ((0.25, 0.4),)}
_HEADS: dict[str, Any] = {"head_radii_m": ((0.070, 0.078), (0.097, 0.105))}

SPLITS: dict[str, Ranges] = {
    "train": _TRAIN,
    "test": _TRAIN,
    "timbres": replace(_TRAIN, **_TIMBRES),
    "azimuths": replace(_TRAIN, **_AZIMUTHS),
    "rooms": replace(_TRAIN, **_ROOMS),
    "heads": replace(_TRAIN, **_HEADS),
    "everything": replace(_TRAIN, **_TIMBRES, **_AZIMUTHS, **_ROOMS, **_HEADS),
}
"""By name. `test` has new scenes of what was trained on; the others hold out what they are called."""


def ranges_of(split: str) -> Ranges:
    """Returns what a split draws from.

    Args:
      split: a name in `SPLITS`.

    Raises:
      UserError: if there is no such split.
    """
    if split not in SPLITS:
        raise UserError(f"scenes have no split {split!r}; use one of {', '.join(SPLITS)}")
    return SPLITS[split]


def scene_rng(seed: int, split: str, index: int) -> Rng:
    """The one source of randomness of a scene.

    Args:
      seed: of the whole set.
      split: a name in `SPLITS`.
      index: number of the scene in its split, from 0.

    Raises:
      UserError: if there is no such split.
    """
    ranges_of(split)
    return np.random.default_rng([seed, list(SPLITS).index(split), index])


def band_of(rng: Rng, bands: Bands) -> tuple[float, float]:
    """Draws one of the bands, a wide one oftener.

    Args:
      rng: source of randomness.
      bands: to draw from.
    """
    widths = np.array([high - low for low, high in bands])
    return bands[int(rng.choice(len(bands), p=widths / widths.sum()))]


def within(rng: Rng, bands: Bands) -> float:
    """Draws a number from all bands, evenly.

    Args:
      rng: source of randomness.
      bands: to draw from.
    """
    return float(rng.uniform(*band_of(rng, bands)))


def draw_head(rng: Rng, ranges: Ranges) -> Head:
    """Draws who hears.

    Args:
      rng: source of randomness.
      ranges: of the split.
    """
    return Head(within(rng, ranges.head_radii_m))


def draw_room(rng: Rng, ranges: Ranges) -> Room | None:
    """Draws where the scene is; None is in the open.

    Args:
      rng: source of randomness.
      ranges: of the split.
    """
    if rng.random() >= ranges.roomy:
        return None
    width = within(rng, ranges.room_widths_m)
    size = (width, width * float(rng.uniform(0.8, 1.1)), float(rng.uniform(2.5, 3.2)))
    head = (width * float(rng.uniform(0.42, 0.58)), size[1] * float(rng.uniform(0.3, 0.4)), 1.5)
    return Room(size, head, within(rng, ranges.absorptions), order=1)

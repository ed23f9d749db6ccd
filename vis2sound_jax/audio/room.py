"""Early reflections of a room with six flat walls, by mirror images of the source (Allen & Berkley 1979).

Positions are in metres: x to the right, y to the front, z up, from the left, back, lower corner.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from vis2sound_jax.audio.head import SOUND_SPEED, Head
from vis2sound_jax.errors import UserError

_NEAREST_M = 0.2  # a source is not heard louder than from there


@dataclass(frozen=True)
class Room:
    """A room, and where in it the head is, looking to the front.

    Attributes:
      size_m: width, depth and height.
      head_m: position of the middle of the head.
      absorption: share of energy that a wall takes, 0 to 1.
      order: walls that a reflection meets at most; 0 is the direct sound alone.

    Raises:
      UserError: if the head is not in the room, or if the walls would give more than they get.
    """

    size_m: tuple[float, float, float] = (5.0, 4.0, 2.8)
    head_m: tuple[float, float, float] = (2.5, 1.5, 1.5)
    absorption: float = 0.4
    order: int = 2

    def __post_init__(self) -> None:
        """Checks the measures."""
        if not all(0 < place < size for place, size in zip(self.head_m, self.size_m, strict=True)):
            raise UserError(f"the head is at {self.head_m} m in a room of {self.size_m} m; put it between the walls")
        if not 0 <= self.absorption <= 1:
            raise UserError(f"walls absorb {self.absorption} of the sound; choose 0 to 1")

    def images(self, source_m: Float[np.ndarray, "n 3"]) -> list[tuple[Float[np.ndarray, "n 3"], float]]:
        """Mirrors a source in the walls.

        Args:
          source_m: where it is over time.

        Returns:
          Where each image is over time, and the gain of its reflections; the source itself first.
        """
        gain = np.sqrt(1 - self.absorption)
        size = np.asarray(self.size_m)
        found = []
        reach = range(-self.order, self.order + 1)
        for cells in itertools.product(reach, repeat=3):
            bounces = sum(map(abs, cells))
            if bounces <= self.order:
                # In every second cell the room is seen in a mirror.
                odd = np.asarray(cells) % 2 == 1
                place = np.asarray(cells) * size + np.where(odd, size - source_m, source_m)
                found.append((bounces, place))
        return [(place, float(gain**bounces)) for bounces, place in sorted(found, key=lambda one: one[0])]

    def hear(
        self, head: Head, wav: Float[np.ndarray, "n"], source_m: Float[np.ndarray, "m 3"], rate_hz: int
    ) -> Float32[np.ndarray, "2 n"]:
        """Renders a source that moves in the room.

        A source is heard as from 1 m where it is 1 m away, softer with the distance. Its direct sound is not late:
        sample k is heard when the source is where `source_m[k]` says, as in `Head.hear`.

        Args:
          head: who hears.
          wav: the source.
          source_m: where it is at each sample; m is n, or 1 for a source that stays.
          rate_hz: sample rate.

        Returns:
          Left and right.
        """
        heard, direct_s = np.zeros((2, len(wav)), np.float32), 0.0
        for number, (place, gain) in enumerate(self.images(source_m)):
            way = place - np.asarray(self.head_m)
            distance = np.maximum(np.linalg.norm(way, axis=1), _NEAREST_M)
            if number == 0:
                direct_s = distance / SOUND_SPEED
            # The head is a sphere: only the angle to the axis through the ears counts.
            azimuth_deg = np.rad2deg(np.arcsin(np.clip(way[:, 0] / distance, -1, 1)))
            late_s = distance / SOUND_SPEED - direct_s
            heard += (gain / distance * head.hear_late(wav, azimuth_deg, late_s, rate_hz)).astype(np.float32)
        return heard

    def place(self, azimuth_deg: Float[np.ndarray, "n"], distance_m: float) -> Float[np.ndarray, "n 3"]:
        """Positions around the head at its height, held within the walls.

        Args:
          azimuth_deg: directions.
          distance_m: from the middle of the head.
        """
        turned = np.deg2rad(np.asarray(azimuth_deg, np.float64))
        around = np.stack([np.sin(turned), np.cos(turned), np.zeros_like(turned)], axis=-1)
        margin = 0.1
        # What would lie behind a wall comes nearer on its line: the direction must stay.
        with np.errstate(divide="ignore", invalid="ignore"):
            space = np.where(
                around > 0, np.asarray(self.size_m) - margin - self.head_m, np.asarray(self.head_m) - margin
            )
            most = np.min(np.where(around == 0, np.inf, space / np.abs(around)), axis=-1)
        return np.asarray(self.head_m) + around * np.minimum(distance_m, most)[..., None]

"""Timecode as SMPTE ST 12-1 counts it: names of frames, with and without dropped names, in exact fractions."""

import dataclasses
import math
import re
from fractions import Fraction

from vis2sound_jax.errors import UserError

_NTSC = Fraction(1000, 1001)
_NEAR = 2e-4  # of a rate; 24 and 23.976 are 1e-3 apart
_FASTEST = 120
_DAY_S, _MINUTE_S = 86_400, 60
_TEXT = re.compile(r"(\d{1,2})[:;.](\d{2})[:;.](\d{2})([:;.,])(\d{2,3})")


@dataclasses.dataclass(frozen=True)
class Rate:
    """A frame rate and how its frames are named.

    Attributes:
      fps: frames a second, exactly, such as 30000/1001.
      drop: whether names of frames are left out, so that names keep up with the clock on the wall; for 29.97 and its
        multiples alone.
    """

    fps: Fraction
    drop: bool = False

    def __post_init__(self) -> None:
        """Refuses a rate of no timecode, and dropped names where there are none."""
        if not 1 <= self.fps <= _FASTEST or self.fps / _NTSC % 1 and self.fps % 1:
            raise UserError(f"{float(self.fps):g} frames a second: there is no timecode for that; give 24, 25 or 29.97")
        if self.drop and not self.may_drop:
            raise UserError(f"{float(self.fps):g} frames a second: drops no names; write timecode with colons")

    @property
    def nominal(self) -> int:
        """Names of frames in a second: 30 for 29.97."""
        return math.ceil(self.fps)

    @property
    def may_drop(self) -> bool:
        """Whether names may be dropped: 29.97, 59.94 and 119.88."""
        return self.fps % 1 != 0 and self.nominal % 30 == 0

    @property
    def day(self) -> int:
        """Frames after which names begin again."""
        return _DAY_S * self.nominal - (self._dropped * (24 * 60 - 24 * 6) if self.drop else 0)

    @property
    def _dropped(self) -> int:
        """Names left out at the beginning of each minute but every tenth."""
        return self.nominal // 15

    def __str__(self) -> str:
        """Such as "29.97 DF"."""
        return f"{float(self.fps):.3f}".rstrip("0").rstrip(".") + (" DF" if self.drop else "")

    def name(self, frame: int) -> str:
        """Names a frame.

        Args:
          frame: its number, counted from the frame 00:00:00:00; a day later names begin again.

        Returns:
          `HH:MM:SS:FF`, with a semicolon before the frames where names are dropped.
        """
        frame %= self.day
        if self.drop:
            frame += self._left_out(frame)
        second, frames = divmod(frame, self.nominal)
        width = len(str(self.nominal - 1))
        mark = ";" if self.drop else ":"
        return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{mark}{frames:0{max(width, 2)}d}"

    def number(self, name: str) -> int:
        """Finds the frame of a name.

        Args:
          name: `HH:MM:SS:FF`; colons, semicolons and stops are read alike.

        Returns:
          Its number, counted from the frame 00:00:00:00.

        Raises:
          UserError: if it is no timecode, or there is no such frame at this rate.
        """
        found = _TEXT.fullmatch(name.strip())
        if not found:
            raise UserError(f"{name!r} is no timecode; write it as 01:00:00:00")
        hour, minute, second, frames = (int(found[k]) for k in (1, 2, 3, 5))
        if hour > 23 or minute > 59 or second > 59 or frames >= self.nominal:
            raise UserError(
                f"{name!r} is no timecode at {self}; hours end at 23, minutes and seconds at 59, frames at "
                f"{self.nominal - 1}"
            )
        minutes = 60 * hour + minute
        number = (60 * minutes + second) * self.nominal + frames
        if not self.drop:
            return number
        if minute % 10 and not second and frames < self._dropped:
            first = f"{hour:02d}:{minute:02d}:00;{self._dropped:02d}"
            raise UserError(f"{name!r} is a name that {self} leaves out; the minute begins with {first}")
        return number - self._dropped * (minutes - minutes // 10)

    def frame_at(self, time_s: float | Fraction) -> int:
        """Finds the frame that begins nearest to a time.

        Args:
          time_s: seconds from the frame 0.

        Returns:
          Its number; halfway between two, the later one.
        """
        return math.floor(Fraction(time_s) * self.fps + Fraction(1, 2))

    def time_of(self, frame: int) -> Fraction:
        """Says when a frame begins.

        Args:
          frame: its number.

        Returns:
          Seconds from the frame 0, exactly.
        """
        return frame / self.fps

    def _left_out(self, frame: int) -> int:
        """How many names were left out before a frame."""
        minute = _MINUTE_S * self.nominal - self._dropped  # frames of a minute that leaves names out
        tens, rest = divmod(frame, 10 * minute + self._dropped)
        return self._dropped * (9 * tens + max(rest - self._dropped, 0) // minute)


RATES = tuple(
    [Rate(Fraction(fps)) for fps in (24, 25, 30, 48, 50, 60)]
    + [Rate(fps * _NTSC) for fps in (24, 30, 48, 60)]
    + [Rate(fps * _NTSC, drop=True) for fps in (30, 60)]
)
"""Rates in use: 23.976, 24, 25, 29.97 and 59.94 with and without dropped names, 30, 47.95, 48, 50, 60."""


def rate_of(fps: float | Fraction, *, drop: bool = False) -> Rate | None:
    """Finds the exact rate that a film's average rate stands for.

    Args:
      fps: frames a second, as a container says it.
      drop: whether names of frames are left out, where the rate has such names.

    Returns:
      The rate; None where it is none that timecode counts, as in films of a changing rate.
    """
    if not math.isfinite(fps) or not 1 - _NEAR <= fps <= _FASTEST + _NEAR:
        return None
    whole = Fraction(max(round(fps), 1))
    for exact in (whole, whole * _NTSC, Fraction(math.ceil(fps)) * _NTSC):
        if abs(float(fps) / float(exact) - 1) < _NEAR and 1 <= exact <= _FASTEST:
            rate = Rate(exact)
            return Rate(exact, drop=True) if drop and rate.may_drop else rate
    return None


def as_written(rate: Rate, name: str) -> Rate:
    """Says whether a timecode is one with dropped names, by its semicolon.

    Args:
      rate: of the film.
      name: a timecode, such as `01:00:00;00`.

    Returns:
      The rate, with dropped names where the timecode has a semicolon and the rate may have them.
    """
    return Rate(rate.fps, drop=";" in name and rate.may_drop)

"""A film, opened once: its clock, its pictures at any rate and size, and the way back into its file."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from jaxtyping import UInt8

from vis2sound_jax.errors import file_error
from vis2sound_jax.video.container import Media, PathLike, time_of
from vis2sound_jax.video.facts import FilmFacts, Orientation, read_facts

Look = Literal["grey", "colour", "both"]
"""What a picture is decoded to: luminance, red green blue, or a pair of them from one decoding."""


class Film:
    """A film that is opened once and read as often as needed.

    Its clock starts when its first picture is shown, whatever time stamps its container uses.

    Attributes:
      name: of the file, or what the maker of the film calls it.
      path: the file; None for a film of arrays.
      facts: what the container and the first picture say.
      media: the open file; None for a film of arrays.
      pixels: [t, h, w, 3] uint8 of a film of arrays; None for a file.
    """

    def __init__(
        self, name: str, facts: FilmFacts, media: Media | None = None, pixels: np.ndarray | None = None
    ) -> None:
        """Takes the parts; `open` and `of_frames` find them."""
        self.name, self.facts, self.media, self.pixels = name, facts, media, pixels
        self.path = None if media is None else media.path

    @classmethod
    def open(cls, path: PathLike) -> "Film":
        """Opens a film.

        Args:
          path: a film; a sound file is refused.

        Returns:
          The film, to be closed by `close` or a `with` block.

        Raises:
          UserError: if the file cannot be read or has no video stream.
        """
        media = Media(path)
        try:
            facts = read_facts(media)
            if facts is None:
                raise file_error(path, "has no video stream", "use a film")
        except BaseException:
            media.close()
            raise
        return cls(Path(path).name, facts, media)

    @classmethod
    def of_frames(cls, frames: UInt8[np.ndarray, "t h w 3"], fps: float, name: str = "film") -> "Film":
        """Makes a film of arrays.

        Args:
          frames: red green blue, at least one.
          fps: their rate.
          name: for messages and manifests.

        Returns:
          The film.

        Raises:
          ValueError: if there is no frame or the rate is not positive.
        """
        if not len(frames) or not fps > 0:
            raise ValueError(f"{len(frames)} frames at {fps} a second make no film; give one at least, and a rate")
        height, width = frames.shape[1:3]
        facts = FilmFacts(width, height, 0.0, 1e-6, len(frames) / fps, float(fps), Orientation(), has_sound=False)
        return cls(name, facts, pixels=frames)

    @property
    def duration_s(self) -> float:
        """From the first picture shown to the end of the last one."""
        return self.facts.duration_s

    @property
    def fps(self) -> float:
        """Average frame rate of the film itself."""
        return self.facts.fps

    def pictures(
        self,
        fps: float,
        height: int,
        width: int,
        *,
        look: Look = "colour",
        start_s: float = 0.0,
        duration_s: float | None = None,
    ) -> "Pictures":
        """Shows the film at a chosen frame rate and size.

        Picture k is the one on the screen at `start_s` + k / `fps` of the film's clock, so any constant or variable
        rate becomes the wanted one. Only those pictures are converted; they are turned as the film's rotation flag
        says and stretched to `height` x `width` with area averaging.

        Args:
          fps: wanted frame rate.
          height: wanted rows.
          width: wanted columns.
          look: grey [h, w], colour [h, w, 3], or both as a pair.
          start_s: beginning of the window in seconds.
          duration_s: length of the window in seconds; by default up to the film's end.

        Returns:
          The pictures, round(duration * fps) of them, decoded while they are iterated over. If the film ends less
          than a frame early, its last picture is held.

        Raises:
          UserError: if the window is not inside the film.
        """
        times_s = _frame_times(self.name if self.path is None else self.path, self.facts, fps, start_s, duration_s)
        return Pictures(self, times_s, height, width, look)

    def close(self) -> None:
        """Closes the file, if there is one."""
        if self.media is not None:
            self.media.close()

    def __enter__(self) -> "Film":
        """Returns itself, to be closed at the end of a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self.close()


@dataclass(frozen=True)
class Pictures:
    """The pictures of a film at given times: they have a number and can be iterated over, always from the first.

    Attributes:
      film: whose pictures they are; one iteration at a time.
      times_s: [t] times on the film's clock.
      height: rows.
      width: columns.
      look: grey, colour, or both as pairs.
    """

    film: Film
    times_s: np.ndarray
    height: int
    width: int
    look: Look

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.times_s)

    def __iter__(self) -> Iterator[np.ndarray | tuple[np.ndarray, np.ndarray]]:
        """Decodes one picture after another.

        Raises:
          UserError: if the film breaks off.
        """
        convert = functools.partial(
            _convert, turn=self.film.facts.orientation, height=self.height, width=self.width, look=self.look
        )
        if self.film.pixels is not None:
            places = np.minimum((self.times_s * self.film.fps + 1e-6).astype(int), len(self.film.pixels) - 1)
            return (convert(VideoFrame.from_ndarray(self.film.pixels[k], format="rgb24")) for k in places)
        return self._decoded(convert)

    def _decoded(self, convert: "functools.partial") -> Iterator[np.ndarray | tuple[np.ndarray, np.ndarray]]:
        film, facts = self.film, self.film.facts
        assert film.media is not None and film.path is not None  # a film of arrays is not decoded
        # A time stamp may be rounded up by half a tick; its picture still counts as shown at the exact time.
        times_s = self.times_s + facts.zero_s + min(0.5 * facts.tick_s, 1e-3) + 1e-6
        filled, shown = 0, None
        with contextlib.closing(film.media.decode_from("video", float(times_s[0]))) as decoded:
            with contextlib.suppress(FFmpegError):  # what is missing then shows below
                for picture in decoded:
                    if picture.is_corrupt or filled == len(times_s):
                        break
                    until = int(np.searchsorted(times_s, time_of(picture)))
                    if shown is not None and until > filled:
                        frame = convert(shown)
                        for _ in range(filled, until):
                            yield frame
                        filled = until
                    shown = picture
        if filled < len(times_s):
            end_s = facts.zero_s if shown is None else time_of(shown) + _length_s(shown, facts)
            if shown is None or times_s[-1] > end_s + 1.0 / facts.fps:
                problem = f"its pictures break off at {end_s - facts.zero_s:.2f} s of {facts.duration_s:.2f} s"
                raise file_error(film.path, problem, "copy the file again or read a part before that")
            frame = convert(shown)
            for _ in range(filled, len(times_s)):
                yield frame


def _frame_times(path: PathLike, facts: FilmFacts, fps: float, start_s: float, duration_s: float | None) -> np.ndarray:
    """The times of the wanted frames on the film's clock, checked against its length."""
    period_s = max(1.0 / fps, 1.0 / facts.fps)
    if duration_s is None:
        duration_s = facts.duration_s - start_s
    count = round(duration_s * fps)
    inside = start_s >= 0 and start_s + duration_s < facts.duration_s + 1.01 * period_s
    if count < 1 or start_s >= facts.duration_s or not inside:
        problem = f"no {count} frames at {fps:g} fps from {start_s:.2f} s on in a film of {facts.duration_s:.2f} s"
        raise file_error(path, problem, "choose a window inside the film")
    return start_s + np.arange(count) / fps


def _length_s(picture: VideoFrame, facts: FilmFacts) -> float:
    """How long a picture stays on the screen."""
    if picture.duration and picture.time_base:
        return float(picture.duration * picture.time_base)
    return 1.0 / facts.fps


def _convert(
    picture: VideoFrame, turn: Orientation, height: int, width: int, look: Look
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Scales, converts and turns one picture, or gives it in both looks."""
    if look == "both":
        return _turned(picture, turn, height, width, "gray"), _turned(picture, turn, height, width, "rgb24")
    return _turned(picture, turn, height, width, "gray" if look == "grey" else "rgb24")


def _turned(picture: VideoFrame, turn: Orientation, height: int, width: int, pixels: str) -> np.ndarray:
    rows, columns = (width, height) if turn.swap else (height, width)
    frame = picture.reformat(columns, rows, pixels, interpolation="AREA").to_ndarray()
    if turn.swap:
        frame = frame.swapaxes(0, 1)
    if turn.mirror_x:
        frame = frame[:, ::-1]
    return frame[::-1] if turn.mirror_y else frame

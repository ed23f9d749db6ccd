"""Film files on the host: facts, frames by time, JPEG bytes; writing and muxing live in `mux.py`."""

import contextlib
import io
from dataclasses import dataclass

import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.container import PathLike, decode_from, time_of
from vis2sound_jax.video.film import Film, Orientation, read_film
from vis2sound_jax.video.mux import mux_sound, write_film

__all__ = ["VideoInfo", "decode_jpeg", "encode_jpeg", "mux_sound", "probe", "read_frames", "write_film"]


@dataclass(frozen=True)
class VideoInfo:
    """Facts of a film.

    Attributes:
      width: columns of the picture as it is shown, after rotation.
      height: rows of the picture as it is shown, after rotation.
      fps: average frame rate.
      duration_s: from the first picture shown to the end of the last one.
      n_frames: number of pictures, duration times average rate.
      has_sound: whether there is a sound track.
      rotation_deg: clockwise turn of the stored picture for viewing: 0, 90, 180 or 270.
    """

    width: int
    height: int
    fps: float
    duration_s: float
    n_frames: int
    has_sound: bool
    rotation_deg: int


def probe(path: PathLike) -> VideoInfo:
    """Reads the facts of a film, decoding its first picture only.

    Args:
      path: a film.

    Returns:
      The facts.

    Raises:
      UserError: if the file cannot be read or has no video stream.
    """
    film = _require_film(path)
    width, height = film.width, film.height
    if film.orientation.swap:
        width, height = height, width
    return VideoInfo(
        width=width,
        height=height,
        fps=film.fps,
        duration_s=film.duration_s,
        n_frames=round(film.duration_s * film.fps),
        has_sound=film.has_sound,
        rotation_deg=film.orientation.degrees,
    )


def read_frames(
    path: PathLike,
    fps: float,
    height: int,
    width: int,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    grey: bool = False,
) -> UInt8[np.ndarray, "t h w *c"]:
    """Reads a film at a chosen frame rate and size.

    Frame k is the picture on the screen at `start_s` + k / `fps` of the film's own clock (0 = first picture
    shown), so any constant or variable rate becomes the wanted one. Only those pictures are converted; they
    are turned as the film's rotation flag says and stretched to `height` x `width` with area averaging.

    Args:
      path: a film.
      fps: wanted frame rate.
      height: wanted rows.
      width: wanted columns.
      start_s: beginning of the window in seconds.
      duration_s: length of the window in seconds; by default up to the film's end.
      grey: whether to read luminance only.

    Returns:
      round(duration * fps) frames, [t, h, w, 3] red green blue, or [t, h, w] if `grey`. If the film ends
      less than a frame early, its last picture is held.

    Raises:
      UserError: if the file cannot be read, has no video stream, the window is not inside the film, or
        the film breaks off within it.
    """
    film = _require_film(path)
    times_s = _frame_times(path, film, fps, start_s, duration_s)
    # A time stamp may be rounded up by half a tick; its picture still counts as shown at the exact time.
    times_s = times_s + film.zero_s + min(0.5 * film.tick_s, 1e-3) + 1e-6
    frames = np.empty((len(times_s), height, width) if grey else (len(times_s), height, width, 3), np.uint8)
    filled, shown = 0, None
    with contextlib.closing(decode_from(path, "video", float(times_s[0]))) as pictures:
        with contextlib.suppress(FFmpegError):  # what is missing then shows below
            for picture in pictures:
                if picture.is_corrupt or filled == len(times_s):
                    break
                until = int(np.searchsorted(times_s, time_of(picture)))
                if shown is not None and until > filled:
                    frames[filled:until] = _convert(shown, film.orientation, height, width, grey=grey)
                    filled = until
                shown = picture
    if filled < len(times_s):
        end_s = film.zero_s if shown is None else time_of(shown) + _length_s(shown, film)
        if shown is None or times_s[-1] > end_s + 1.0 / film.fps:
            problem = f"its pictures break off at {end_s - film.zero_s:.2f} s of {film.duration_s:.2f} s"
            raise file_error(path, problem, "copy the file again or read a part before that")
        frames[filled:] = _convert(shown, film.orientation, height, width, grey=grey)
    return frames


def encode_jpeg(frame: UInt8[np.ndarray, "h w *c"], quality: int = 92) -> bytes:
    """Compresses a frame, the form in which prepared records hold pictures.

    Args:
      frame: [h, w, 3] red green blue, or [h, w] grey.
      quality: 1 to 95.

    Returns:
      The bytes of a JPEG file.
    """
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()


def decode_jpeg(data: bytes, *, grey: bool = False) -> UInt8[np.ndarray, "h w *c"]:
    """Decodes the bytes of a JPEG file.

    Args:
      data: the bytes.
      grey: whether to decode luminance only, which skips the colour planes.

    Returns:
      [h, w, 3] red green blue, or [h, w] if `grey`.

    Raises:
      UserError: if the bytes are not a whole JPEG file.
    """
    mode = "L" if grey else "RGB"
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            image.draft(mode, image.size)
            return np.asarray(image.convert(mode))
    except (UnidentifiedImageError, OSError) as error:
        raise UserError(f"a record's picture ({len(data)} bytes) is not JPEG; prepare the data again") from error


def _require_film(path: PathLike) -> Film:
    film = read_film(path)
    if film is None:
        raise file_error(path, "has no video stream", "use a film")
    return film


def _frame_times(path: PathLike, film: Film, fps: float, start_s: float, duration_s: float | None) -> np.ndarray:
    """The times of the wanted frames on the film's clock, checked against its length."""
    period_s = max(1.0 / fps, 1.0 / film.fps)
    if duration_s is None:
        duration_s = film.duration_s - start_s
    count = round(duration_s * fps)
    inside = start_s >= 0 and start_s + duration_s < film.duration_s + 1.01 * period_s
    if count < 1 or start_s >= film.duration_s or not inside:
        problem = f"no {count} frames at {fps:g} fps from {start_s:.2f} s on in a film of {film.duration_s:.2f} s"
        raise file_error(path, problem, "choose a window inside the film")
    return start_s + np.arange(count) / fps


def _length_s(picture: VideoFrame, film: Film) -> float:
    """How long a picture stays on the screen."""
    if picture.duration and picture.time_base:
        return float(picture.duration * picture.time_base)
    return 1.0 / film.fps


def _convert(picture: VideoFrame, turn: Orientation, height: int, width: int, *, grey: bool) -> np.ndarray:
    """Scales, converts and turns one picture."""
    rows, columns = (width, height) if turn.swap else (height, width)
    scaled = picture.reformat(columns, rows, "gray" if grey else "rgb24", interpolation="AREA")
    frame = scaled.to_ndarray()
    if turn.swap:
        frame = frame.swapaxes(0, 1)
    if turn.mirror_x:
        frame = frame[:, ::-1]
    return frame[::-1] if turn.mirror_y else frame

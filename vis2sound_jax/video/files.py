"""Film files on the host: facts, frames by time, JPEG bytes; writing and muxing live in `mux.py`."""

import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from vis2sound_jax.errors import UserError
from vis2sound_jax.video.container import PathLike
from vis2sound_jax.video.film import Film, Look
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
    with Film.open(path) as film:
        facts = film.facts
    width, height = facts.width, facts.height
    if facts.orientation.swap:
        width, height = height, width
    return VideoInfo(
        width=width,
        height=height,
        fps=facts.fps,
        duration_s=facts.duration_s,
        n_frames=round(facts.duration_s * facts.fps),
        has_sound=facts.has_sound,
        rotation_deg=facts.orientation.degrees,
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
    """Reads a film at a chosen frame rate and size, all of it into memory; see `Film.pictures`.

    Args:
      path: a film.
      fps: wanted frame rate.
      height: wanted rows.
      width: wanted columns.
      start_s: beginning of the window in seconds.
      duration_s: length of the window in seconds; by default up to the film's end.
      grey: whether to read luminance only.

    Returns:
      round(duration * fps) frames, [t, h, w, 3] red green blue, or [t, h, w] if `grey`.

    Raises:
      UserError: if the file cannot be read, has no video stream, the window is not inside the film, or
        the film breaks off within it.
    """
    with Film.open(path) as film:
        look: Look = "grey" if grey else "colour"
        pictures = film.pictures(fps, height, width, look=look, start_s=start_s, duration_s=duration_s)
        frames = np.empty((len(pictures), height, width) if grey else (len(pictures), height, width, 3), np.uint8)
        for k, picture in enumerate(pictures):
            frames[k] = picture
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

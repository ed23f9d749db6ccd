"""The facts of a film and its clock, shared by the readers of pictures and of sound.

The film's clock starts when its first picture is shown: whatever time stamps a container uses (edit
lists, start offsets, a sound track that begins earlier), second 0 is the first picture on the screen.
"""

import contextlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import av
import numpy as np
from av.buffer import Buffer
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vis2sound_jax.errors import file_error
from vis2sound_jax.video.container import (
    Media,
    PathLike,
    is_decoded,
    seek,
    sound_stream,
    tick_of,
    time_of,
    video_stream,
)

# Pictures looked at to see whether an AVI file shows them in another order than it stores them.
_AVI_PICTURES = 24
# The end of a film is looked for in its last seconds.
_TAIL_S = 5.0


@dataclass(frozen=True)
class Orientation:
    """How a decoded picture becomes the picture shown: transpose first, then mirror.

    Attributes:
      swap: whether rows and columns change places.
      mirror_x: whether the columns are then reversed.
      mirror_y: whether the rows are then reversed.
      degrees: the same turn in degrees clockwise (0, 90, 180 or 270), mirroring aside.
    """

    swap: bool = False
    mirror_x: bool = False
    mirror_y: bool = False
    degrees: int = 0


@dataclass(frozen=True)
class FilmFacts:
    """What a container and its first picture say about a film.

    Attributes:
      width: columns of the decoded picture, before it is turned.
      height: rows of the decoded picture, before it is turned.
      zero_s: time stamp of the first picture shown, in seconds of the container's clock.
      tick_s: resolution of the time stamps in seconds.
      duration_s: from the first picture to the end of the last one.
      fps: average frame rate.
      orientation: how the pictures are turned for viewing.
      has_sound: whether the container has a sound track.
    """

    width: int
    height: int
    zero_s: float
    tick_s: float
    duration_s: float
    fps: float
    orientation: Orientation
    has_sound: bool


def read_facts(media: Media) -> FilmFacts | None:
    """Reads the facts of a film: header, first picture and last packets.

    Args:
      media: an open film or sound file; it must be rewound before it is read on.

    Returns:
      The facts, or None if the file holds sound only.

    Raises:
      UserError: if no picture can be decoded or pictures have no times.
    """
    media.rewind()
    stream = video_stream(media.container)
    if stream is None:
        return None
    picture = _first_picture(media.path, media.container, stream)
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise file_error(media.path, "its frame rate is unknown", "re-encode it to mp4")
    return FilmFacts(
        width=picture.width,
        height=picture.height,
        zero_s=time_of(picture),
        tick_s=float(tick_of(stream)),
        duration_s=_duration_s(media, time_of(picture), 1.0 / float(rate)),
        fps=float(rate),
        orientation=_orientation(picture),
        has_sound=sound_stream(media.container) is not None,
    )


def _first_picture(path: PathLike, container: InputContainer, stream: VideoStream) -> VideoFrame:
    """Decodes the first picture shown and makes sure that pictures have usable times."""
    if not is_decoded(stream):
        raise file_error(path, "its pictures are of an unknown form", "re-encode it to mp4")
    # AVI states decoding times only: where pictures are reordered, their times come out of order.
    count = _AVI_PICTURES if container.format.name == "avi" else 1
    try:
        pictures = list(itertools.islice(container.decode(stream), count))
    except FFmpegError as error:
        raise file_error(path, "its first picture cannot be decoded", "copy or re-encode it") from error
    if not pictures:
        raise file_error(path, "its video stream holds no picture", "copy it again or re-encode it")
    times_s = [time_of(picture) for picture in pictures]
    if math.inf in times_s or times_s != sorted(times_s):
        raise file_error(path, "its pictures carry no usable times", "re-encode it to mp4")
    return pictures[0]


def _duration_s(media: Media, zero_s: float, period_s: float) -> float:
    """The header's duration or the end of the last picture, whichever is later.

    Matroska states no duration per stream, mp4 one that is too short when a variable rate is reordered, and
    only the header of a cut-off file knows how long it should be.
    """
    media.rewind()
    container = media.container
    stream = cast(VideoStream, video_stream(container))
    tick_s = tick_of(stream)
    end_s = zero_s + max(float((stream.duration or 0) * tick_s), period_s)
    if container.duration:
        seek(container, stream, zero_s + container.duration / av.time_base - _TAIL_S)
    with contextlib.suppress(FFmpegError):
        for packet in container.demux(stream):
            if packet.pts is not None and not packet.is_discard:
                length_s = float((packet.duration or 0) * tick_s) or period_s
                end_s = max(end_s, float(packet.pts * tick_s) + length_s)
    return end_s - zero_s


def _orientation(picture: VideoFrame) -> Orientation:
    """The display matrix of a picture as mirrors and quarter turns.

    The matrix [a b; c d] sends column x and row y to x' = a x + c y and y' = b x + d y.
    """
    matrix = cast(Mapping[str, Buffer], picture.side_data).get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    a, b, _, c, d = np.frombuffer(bytes(matrix), dtype=np.int32)[:5].tolist()
    degrees = round(-picture.rotation / 90) % 4 * 90
    if abs(b) > abs(a):
        return Orientation(swap=True, mirror_x=c < 0, mirror_y=b < 0, degrees=degrees)
    return Orientation(swap=False, mirror_x=a < 0, mirror_y=d < 0, degrees=degrees)

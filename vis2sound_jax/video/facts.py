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
from vis2sound_jax.video.clock import RUNNING, joined_at
from vis2sound_jax.video.container import (
    Media,
    PathLike,
    is_decoded,
    seek,
    sound_streams,
    tick_of,
    time_of,
    video_stream,
)

# Pictures looked at to see whether an AVI file shows them in another order than it stores them.
_AVI_PICTURES = 24
# The end of a film is looked for in its last seconds.
_TAIL_S = 5.0

LONGEST_S = 4 * 3600.0
"""The longest film and the longest sound that are read. A few kilobytes may claim to last for years."""


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
      has_sound: whether the container has a sound track that can be decoded.
      source_zero_s: where in the source the first picture is shown: on its own clock, or, where that runs on and on as
        in a transport stream, from the file's first time stamp.
      joined_at_s: where on the film's clock the parts of a joined transport stream begin, but for the first.
    """

    width: int
    height: int
    zero_s: float
    tick_s: float
    duration_s: float
    fps: float
    orientation: Orientation
    has_sound: bool
    source_zero_s: float = 0.0
    joined_at_s: tuple[float, ...] = ()


def read_facts(media: Media) -> FilmFacts | None:
    """Reads the facts of a film: header, first picture and last packets.

    Args:
      media: an open film or sound file; it must be rewound before it is read on.

    Returns:
      The facts, or None if the file holds sound only.

    Raises:
      UserError: if no picture can be decoded, pictures have no times, or they last longer than `LONGEST_S`.
    """
    media.rewind()
    stream = video_stream(media.container)
    if stream is None:
        return None
    picture = _first_picture(media, stream)
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise file_error(media.path, "its frame rate is unknown", "re-encode it to mp4")
    zero_s, tick_s = time_of(picture), float(tick_of(stream))
    joins = media.joins.get(stream.index, ())
    duration_s = _duration_s(media, zero_s, 1.0 / float(rate))  # which may open the file again
    check_length(media.path, duration_s)
    return FilmFacts(
        width=picture.width,
        height=picture.height,
        zero_s=zero_s,
        tick_s=tick_s,
        duration_s=duration_s,
        fps=float(rate),
        orientation=_orientation(picture),
        has_sound=bool(sound_streams(media.container)),
        source_zero_s=zero_s - _origin_s(media.container),
        joined_at_s=tuple(begins_s - zero_s for begins_s in joined_at(joins)),
    )


def check_length(path: PathLike, duration_s: float) -> None:
    """Refuses what lasts too long, before any work.

    Args:
      path: of the film or sound.
      duration_s: how long it lasts, or says that it does.

    Raises:
      UserError: if that is longer than `LONGEST_S`.
    """
    if duration_s > LONGEST_S:
        problem = f"lasts {duration_s / 3600:.2f} hours by its header or time stamps, more than {LONGEST_S / 3600:g}"
        raise file_error(path, problem, "cut it into parts, or write it anew if it is shorter than that")


def _origin_s(container: InputContainer) -> float:
    """Where the file's own time begins on the container's clock."""
    return (container.start_time or 0) / av.time_base if container.format.name in RUNNING else 0.0


def _first_picture(media: Media, stream: VideoStream) -> VideoFrame:
    """Decodes the first picture shown and makes sure that pictures have usable times."""
    path = media.path
    if not is_decoded(stream):
        raise file_error(path, "its pictures are of an unknown form", "re-encode it to mp4")
    # AVI states decoding times only: where pictures are reordered, their times come out of order.
    count = _AVI_PICTURES if media.container.format.name == "avi" else 1
    try:
        pictures = list(itertools.islice(media.decode(stream), count))
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
    if media.joins:
        return (_last_s(media, stream, period_s) or zero_s + period_s) - zero_s
    end_s = zero_s + max(float((stream.duration or 0) * tick_of(stream)), period_s)
    found_s = None
    if container.duration and seek(container, stream, zero_s + container.duration / av.time_base - _TAIL_S):
        found_s = _last_s(media, stream, period_s)
        media.rewind()
        stream = cast(VideoStream, video_stream(media.container))
    if found_s is None:  # or the header claims more than there is
        found_s = _last_s(media, stream, period_s)
    return max(end_s, found_s or end_s) - zero_s


def _last_s(media: Media, stream: VideoStream, period_s: float) -> float | None:
    """The end of the last picture from where the file is; None where there is none."""
    tick_s, end_s = tick_of(stream), None
    with contextlib.suppress(FFmpegError):
        for packet in media.packets(stream):
            if packet.pts is not None and not packet.is_discard:
                length_s = float((packet.duration or 0) * tick_s) or period_s
                end_s = max(end_s or -math.inf, float(packet.pts * tick_s) + length_s)
    return end_s


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

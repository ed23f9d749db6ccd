"""Media containers on the host: opening, streams, times, decoding from a time on (PyAV)."""

import contextlib
import math
import os
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast, overload

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.frame import Frame
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vis2sound_jax.errors import file_error

PathLike = str | os.PathLike[str]

# How far before the wanted time to seek, in seconds; None decodes from the beginning. Later tries serve
# films whose key frames lie far apart and containers without an index.
_SEEK_MARGINS_S = (1.0, 15.0, None)


@contextlib.contextmanager
def open_media(path: PathLike) -> Iterator[InputContainer]:
    """Opens a media file for reading.

    Args:
      path: a film or sound file.

    Yields:
      The open container, closed on leaving.

    Raises:
      UserError: if the file is missing, empty, unreadable or not a media file.
    """
    file = Path(path).absolute()  # an absolute name is never taken for a protocol such as "take:1.mp4"
    if not file.exists():
        raise file_error(path, "no such file", "check the path")
    if file.is_dir():
        raise file_error(path, "is a folder, not a file", "name one film or sound file in it")
    if file.stat().st_size == 0:
        raise file_error(path, "is empty (0 bytes)", "copy or download it again")
    try:
        container = av.open(str(file))
    except PermissionError as error:
        raise file_error(path, "may not be read", "change its permissions") from error
    except (FFmpegError, UnicodeError) as error:
        remedy = "check that it plays, or copy it again"
        raise file_error(path, "is not a media file, or it is cut off", remedy) from error
    with container:
        # FFmpeg offers text files as terminal recordings and single pictures as films of one frame.
        if container.format.name in {"tty", "image2"} or container.format.name.endswith("_pipe"):
            raise file_error(path, "is not a film or sound file", "use a container such as mp4 or wav")
        yield container


def video_stream(container: InputContainer) -> VideoStream | None:
    """Finds the film's own picture stream.

    Args:
      container: an open container.

    Returns:
      The stream, or None if there is none; the cover picture of a song is not a film.
    """
    stream = container.streams.best("video")
    if stream is None or stream.disposition & Disposition.attached_pic:
        return None
    return cast(VideoStream, stream)


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Finds the main sound stream.

    Args:
      container: an open container.

    Returns:
      The stream, or None if there is none.
    """
    return cast(AudioStream | None, container.streams.best("audio"))


def time_of(frame: Frame) -> float:
    """The time of a decoded frame.

    Args:
      frame: a picture or a piece of sound.

    Returns:
      Seconds on the container's clock; infinity where the frame carries no time.
    """
    return math.inf if frame.time is None else frame.time


def tick_of(stream: Stream) -> Fraction:
    """The unit of a stream's time stamps.

    Args:
      stream: a stream of an open container; such streams always have a unit.

    Returns:
      Seconds per tick.
    """
    return cast(Fraction, stream.time_base)


def seek(container: InputContainer, stream: Stream, time_s: float) -> bool:
    """Seeks to the last key frame before a time.

    Args:
      container: an open container.
      stream: the stream to read on from there.
      time_s: time on the container's clock.

    Returns:
      Whether it did; not where the time lies before the stream's start or the container cannot seek.
    """
    ticks = int(time_s / tick_of(stream))
    if ticks <= (stream.start_time or 0):
        return False
    try:
        container.seek(ticks, stream=stream)
    except FFmpegError:
        return False
    return True


@overload
def decode_from(path: PathLike, kind: Literal["video"], time_s: float) -> Generator[VideoFrame, None, None]: ...
@overload
def decode_from(path: PathLike, kind: Literal["audio"], time_s: float) -> Generator[AudioFrame, None, None]: ...
def decode_from(path: PathLike, kind: Literal["video", "audio"], time_s: float) -> Generator[Any, None, None]:
    """Decodes a stream from at or before a time on, seeking close to it where the container allows.

    Args:
      path: a film or sound file with a stream of that kind.
      kind: which stream.
      time_s: wanted time on the container's clock, in seconds.

    Yields:
      Decoded frames in the order they are shown; the first is at or before `time_s` unless the stream
      starts later.

    Raises:
      UserError: if the file cannot be opened.
      av.error.FFmpegError: where the data cannot be decoded.
    """
    for margin_s in _SEEK_MARGINS_S:
        with open_media(path) as container:
            stream = video_stream(container) if kind == "video" else sound_stream(container)
            if stream is None:
                return
            if margin_s is not None and not seek(container, stream, time_s - margin_s):
                continue
            stream.codec_context.thread_type = "AUTO"
            frames = cast(Iterator[Frame], container.decode(stream))
            try:
                first = next(frames, None)
            except FFmpegError:
                if margin_s is None:
                    raise
                continue
            if margin_s is None or (first is not None and time_of(first) <= time_s):
                if first is not None:
                    yield first
                    yield from frames
                return

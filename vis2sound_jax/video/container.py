"""Media containers on the host: opening, streams, times, decoding from a time on (PyAV)."""

import contextlib
import math
import os
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.frame import Frame
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vis2sound_jax.errors import file_error
from vis2sound_jax.video.clock import RUNNING, Joins, find_joins, picture_ticks, shown_at

PathLike = str | os.PathLike[str]
Kind = Literal["video", "audio"]

# How far before the wanted time to seek, in seconds; None decodes from the beginning. Later tries serve
# films whose key frames lie far apart and containers without an index.
_SEEK_MARGINS_S = (1.0, 15.0, None)
_NEAR_JOIN = 8  # packets that a decoder may hold back
_NO_RECORDINGS = frozenset(("tty", "image2", "concat", "hls", "dash", "sdp", "imf", "rtsp", "applehttp"))


class Media:
    """An open film or sound file, read as often as needed without being opened again.

    Attributes:
      path: the file as the user named it.
      container: where its streams lie.
      sound: number of the sound track that is read, from 1 in the file's order; None for the likeliest one.
      joins: where the clock of a joined transport stream begins again; empty for nearly all files.
    """

    def __init__(self, path: PathLike) -> None:
        """Opens a file for reading.

        Args:
          path: a film or sound file.

        Raises:
          UserError: if the file is missing, empty, unreadable or not a media file.
        """
        self.path = path
        self.sound: int | None = None
        self.joins: Joins = {}
        self.container = _opened(path)
        running = self.container.format.name in RUNNING
        if running:
            self.joins = find_joins(self.container)
        head = self._head()
        # In a transport stream places are found by guesses, and the first packets may be missed.
        self._returns = not running and self._seek_to_start() and self._head() == head
        self.rewind()

    def rewind(self, *, for_sound: bool = False) -> None:
        """Goes back to the first packet; a file whose container cannot do so is opened again.

        Args:
          for_sound: open it again in any case: some containers skip a codec's padding only at the first reading.
        """
        if for_sound or not (self._returns and self._seek_to_start()):
            self.container.close()
            self.container = _opened(self.path)

    def decode_from(self, kind: Kind, time_s: float) -> Generator[Any, None, None]:
        """Decodes a stream from at or before a time on, seeking close to it where the container allows.

        Args:
          kind: "video" or "audio".
          time_s: wanted time on the container's clock, in seconds.

        Yields:
          Decoded frames in the order they are shown; the first is at or before `time_s` unless the stream
          starts later. Nothing where the file has no such stream.

        Raises:
          UserError: if the file cannot be opened again.
          av.error.FFmpegError: where the data cannot be decoded.
        """
        # Where a clock begins again, no place can be found by its time.
        for margin_s in (None,) if self.joins else _SEEK_MARGINS_S:
            if margin_s is None:
                self.rewind(for_sound=kind == "audio")
            stream = video_stream(self.container) if kind == "video" else self.sound_stream()
            if stream is None:
                return
            if margin_s is not None and not seek(self.container, stream, time_s - margin_s):
                continue
            frames = self.decode(stream)
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

    def decode(self, stream: VideoStream | AudioStream) -> Iterator[Any]:
        """Decodes a stream from where the file is.

        Args:
          stream: of this file's `container`; of a file with `joins`, just rewound.

        Yields:
          Its frames, on one clock from the file's beginning to its end.

        Raises:
          av.error.FFmpegError: where the data cannot be decoded.
        """
        if not self.joins:
            yield from self.container.decode(stream)
            return
        for packet in self.packets(stream):
            yield from packet.decode()

    def packets(self, stream: VideoStream | AudioStream) -> Iterator[Packet]:
        """Reads the packets of a stream from where the file is.

        Args:
          stream: of this file's `container`; of a file with `joins`, just rewound.

        Yields:
          Its packets, on one clock from the file's beginning to its end; an empty one at the end.

        Raises:
          av.error.FFmpegError: where the file cannot be read.
        """
        coming, number, shift = list(self.joins.get(stream.index, ())), 0, 0
        length = picture_ticks(stream) if self.container.format.name in RUNNING else 0
        for packet in self.container.demux(stream):
            if packet.size and coming and number == coming[0].number:
                shift = coming.pop(0).shift
            # Where parts meet, packets count as damaged only because the clock does not go on.
            packet.is_corrupt = packet.is_corrupt and not (coming and coming[0].number - number <= _NEAR_JOIN)
            number += packet.size > 0
            if packet.size and not packet.duration:
                packet.duration = length
            if self.joins and packet.pts is not None:
                packet.pts = (shown_at(packet) or 0) + shift
            if self.joins and packet.dts is not None:
                packet.dts += shift
            yield packet

    def sound_stream(self) -> AudioStream | None:
        """The sound track that is read; None where the file has none that can be decoded."""
        known = sound_streams(self.container)
        number = self.sound or next(iter(known), 0)
        return known.get(number)

    def close(self) -> None:
        """Closes the file."""
        self.container.close()

    def __enter__(self) -> "Media":
        """Returns itself, to be closed at the end of a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self.close()

    def _seek_to_start(self) -> bool:
        try:
            self.container.seek(self.container.start_time or 0)
        except FFmpegError:
            return False
        return True

    def _head(self) -> tuple[Any, ...] | None:
        """What the next packet is: the same after a seek to the start as after opening."""
        with contextlib.suppress(FFmpegError, StopIteration):
            packet = next(self.container.demux())
            return packet.stream_index, packet.pts, packet.dts, packet.size, packet.pos
        return None


def _opened(path: PathLike) -> InputContainer:
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
    # FFmpeg offers text files as terminal recordings and single pictures as films of one frame; a list of other files
    # is no recording either, and would let a file from a stranger read its neighbours.
    if container.format.name in _NO_RECORDINGS or container.format.name.endswith("_pipe"):
        container.close()
        raise file_error(path, "is not a film or sound file", "use a container such as mp4 or wav")
    for stream in (video_stream(container), *sound_streams(container).values()):
        if stream is not None and is_decoded(stream):
            stream.codec_context.thread_type = "AUTO"
    return container


def is_decoded(stream: Stream) -> bool:
    """Tells whether there is a decoder for a stream.

    Args:
      stream: of an open container.
    """
    return stream.codec_context is not None


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


def sound_streams(container: InputContainer) -> dict[int, AudioStream]:
    """Lists the sound tracks that can be decoded, the likeliest first.

    Args:
      container: an open container.

    Returns:
      Number, from 1 in the file's order, → stream. Those that the file marks as its default come first, and those for
      commentary or for people who do not see or hear well last; else the order of the file stands.
    """
    known = {k: one for k, one in enumerate(container.streams.audio, 1) if getattr(one, "codec_context", None)}
    return dict(sorted(known.items(), key=lambda item: _unlikely(item[1].disposition)))


def _unlikely(disposition: Disposition) -> int:
    special = Disposition.comment | Disposition.descriptions
    special |= Disposition.hearing_impaired | Disposition.visual_impaired
    return 2 if disposition & special else 0 if disposition & Disposition.default else 1


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

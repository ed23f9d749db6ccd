"""Transport streams whose clock begins again: files that were joined end to end, and how their parts follow.

Such a file has no index and no clock of its own; each part counts from where its recorder began. Counters of 33 bits
that overflow after 26.5 hours are put right by FFmpeg. What is left are jumps, and those are closed here.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

RUNNING = ("mpegts", "mpegtsraw", "mpeg")
"""Containers whose time stamps begin anywhere and may jump; all of their streams count in 1/90,000 s."""

TICKS_HZ = 90_000
_BACK = TICKS_HZ // 10  # decoding times only grow; where they fall by more, another part begins
_OVERFLOW = 1 << 33
_AHEAD = 10 * TICKS_HZ  # a longer hole in all streams is no gap of a recording but another clock, as FFmpeg has it


class Join(NamedTuple):
    """Where a part begins in a stream.

    Attributes:
      number: of its first packet there, from 0.
      shift: ticks to add to the time stamps from there on.
      begins: when it begins after that, in ticks.
    """

    number: int
    shift: int
    begins: int


Joins = Mapping[int, tuple[Join, ...]]
"""By stream: the parts after the first."""


@dataclass
class _Span:
    """What a stream holds of a part, in ticks of the part's own clock."""

    number: int
    first: int
    end: int
    first_decoded: int
    last_decoded: int


@dataclass
class _Part:
    """Packets that one clock counted."""

    near: int
    high: int
    spans: dict[int, _Span] = field(default_factory=dict)


def find_joins(container: InputContainer) -> Joins:
    """Finds where the clock of a transport stream begins again.

    Args:
      container: newly opened, one of `RUNNING`; all of it is read, nothing decoded.

    Returns:
      For every stream where its parts begin and what to add to their time stamps, so that the pictures of a part
      follow those of the part before; the sound keeps its distance from the pictures. Empty for a steady clock.
    """
    streams = [*container.streams.video, *container.streams.audio]
    lengths = {stream.index: picture_ticks(stream) for stream in container.streams.video}
    parts: list[_Part] = []
    inside: dict[int, int] = {}
    counts = dict.fromkeys((stream.index for stream in streams), 0)
    with contextlib.suppress(FFmpegError):  # what is missing then shows when it is decoded
        for packet in container.demux(*streams):
            if packet.size:
                number, counts[packet.stream_index] = counts[packet.stream_index], counts[packet.stream_index] + 1
                if packet.dts is not None and packet.pts is not None:
                    _place(packet, number, lengths.get(packet.stream_index, 0), parts, inside)
    return _joins(parts, lengths)


def joined_at(joins: Sequence[Join]) -> tuple[float, ...]:
    """Says when the parts of a stream begin, leaving out those that begin because a counter overflowed.

    Args:
      joins: of the stream.

    Returns:
      Seconds on the one clock of the whole file.
    """
    shifts = [0, *(join.shift for join in joins)]
    steps = [after - before for before, after in zip(shifts, shifts[1:], strict=False)]
    return tuple(join.begins / TICKS_HZ for join, step in zip(joins, steps, strict=True) if step != _OVERFLOW)


def picture_ticks(stream: VideoStream | AudioStream) -> int:
    """Says how long a picture is shown where its packet does not say, as in transport streams.

    Args:
      stream: of an open transport stream.

    Returns:
      Ticks; 0 for sound, whose packets say it.
    """
    if not isinstance(stream, VideoStream):
        return 0
    rate = stream.average_rate or stream.guessed_rate
    return round(TICKS_HZ / float(rate)) if rate else TICKS_HZ // 25


def shown_at(packet: Packet) -> int | None:
    """Says when a packet is shown, even if the counter overflows between its decoding and that.

    Args:
      packet: of a transport stream.

    Returns:
      Its time stamp in ticks; None if it has none.
    """
    if packet.pts is None or packet.dts is None or packet.pts > packet.dts - _OVERFLOW // 2:
        return packet.pts
    return packet.pts + _OVERFLOW


def _place(packet: Packet, number: int, length: int, parts: list[_Part], inside: dict[int, int]) -> None:
    """Puts a packet into the part it belongs to, perhaps a new one."""
    decoded, shown, stream = packet.dts or 0, shown_at(packet) or 0, packet.stream_index
    here = inside.get(stream)
    if here is None:
        here = max(len(parts) - 1, 0)
    elif _leaves(decoded, parts[here], parts[here].spans[stream]):
        here += 1
        while here < len(parts) and abs(decoded - parts[here].near) > _AHEAD:
            here += 1
    if here == len(parts):
        parts.append(_Part(near=decoded, high=decoded))
    inside[stream], part = here, parts[here]
    part.high = max(part.high, decoded)
    span = part.spans.setdefault(stream, _Span(number, shown, shown, decoded, decoded))
    span.first, span.last_decoded = min(span.first, shown), decoded
    span.end = max(span.end, shown + (packet.duration or length))


def _leaves(decoded: int, part: _Part, span: _Span) -> bool:
    return decoded < span.last_decoded - _BACK or decoded > part.high + _AHEAD


def _joins(parts: list[_Part], pictures: Mapping[int, int]) -> Joins:
    """What to add to the time stamps of each part."""
    found: dict[int, list[Join]] = {}
    decoded: dict[int, int] = {}
    before, shift = None, 0
    for part in parts:
        if before is not None:
            shift += _distance(before, part, pictures)
            # A part may have its pictures decoded longer before they are shown than the part before.
            for k, span in part.spans.items():
                late = decoded[k] + 1 - span.first_decoded - shift if k in decoded else 0
                shift += max(-(-late // pictures.get(k, 1)) * pictures.get(k, 1), 0)
            for stream, span in part.spans.items():
                found.setdefault(stream, []).append(Join(span.number, shift, span.first + shift))
        decoded |= {k: span.last_decoded + shift for k, span in part.spans.items() if k in pictures}
        before = part
    return {stream: tuple(listed) for stream, listed in found.items()}


def _distance(before: _Part, part: _Part, pictures: Mapping[int, int]) -> int:
    """Ticks to add to a part, beyond those of the part before, so that it follows: by its pictures if both have any."""
    if abs(before.high - part.near - _OVERFLOW) < _AHEAD:
        return _OVERFLOW
    leading = set(pictures) & set(before.spans) & set(part.spans)
    ends = [span.end for k, span in before.spans.items() if k in leading or not leading]
    return max(ends) - min(span.first for k, span in part.spans.items() if k in leading or not leading)

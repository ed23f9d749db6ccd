"""Films whose edit list shows less than their packets hold: which packets a copy needs, and which it must not have."""

from collections.abc import Iterator
from pathlib import Path

from av.packet import Packet
from av.video.stream import VideoStream

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.container import Media, PathLike, tick_of, video_stream
from vis2sound_jax.video.facts import FilmFacts

_HIDE_NOTHING = (".mkv", ".webm")


def kept_packets(media: Media, stream: VideoStream, film: FilmFacts) -> Iterator[Packet]:
    """Reads the packets that a copy of a film needs.

    Args:
      media: the film, rewound.
      stream: its pictures.
      film: its facts.

    Yields:
      The packets without those that are cut out. What comes before the film's first picture stays where pictures after
      it are made from it. The empty packet at the end comes too.

    Raises:
      UserError: if pictures are cut out in the middle that those after them are made from.
    """
    tick_s = float(tick_of(stream))
    zero, end = round(film.zero_s / tick_s), round((film.zero_s + film.duration_s) / tick_s)
    held: list[Packet] = []
    begun = False
    for packet in media.packets(stream):
        if packet.size and packet.pts is None and begun and packet.dts is None:
            raise file_error(media.path, "some of its pictures carry no time", "re-encode it to mp4")
        if packet.size and packet.is_discard:
            held.append(packet)
            continue
        if held and packet.size:
            if begun and not packet.is_keyframe and any(zero <= (each.pts or 0) < end for each in held):
                raise _cut_inside(media.path)
            yield from (each for each in held if not zero <= (each.pts or 0) < end)
            held = []
        # What a recording begins with before its first whole picture cannot be decoded.
        if not begun and packet.size and not packet.is_keyframe and (packet.pts or zero) < zero:
            continue
        begun = begun or packet.size > 0
        yield packet


def check_copy(media: Media, film: FilmFacts, output: PathLike) -> None:
    """Refuses a film whose pictures cannot be copied as they are shown, before the work.

    Args:
      media: the film.
      film: its facts.
      output: the film to write.

    Raises:
      UserError: if its edit list cuts out pictures that others are made from, in the middle, or at the beginning and
        the output's container cannot hide them.
    """
    media.rewind()
    stream = video_stream(media.container)
    entries = [] if stream is None else list(stream.index_entries)
    cut = [entry.is_discard for entry in entries]
    if not any(cut) or all(cut):
        return
    first, last = cut.index(False), len(cut) - 1 - cut[::-1].index(False)
    if first and not entries[first].is_keyframe and Path(output).suffix.lower() in _HIDE_NOTHING:
        problem = f"the edit list of {media.path} begins in the midst of its pictures, and none is hidden here"
        raise file_error(output, problem, "choose a .mp4 or .mov output")
    # Near both ends pictures are stored in another order than they are shown, and some before a cut lie behind it.
    near = round(1.0 * film.fps)
    for k in range(first + near, last - near):
        if cut[k] and not cut[k + 1] and not entries[k + 1].is_keyframe:
            raise _cut_inside(media.path)


def _cut_inside(path: PathLike) -> UserError:
    problem = "its edit list joins pieces in the midst of their pictures, which cannot be copied"
    return file_error(path, problem, "export it from an editor, or re-encode it to mp4")

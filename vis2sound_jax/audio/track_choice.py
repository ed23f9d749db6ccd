"""Which of several sound tracks is read: the one that is asked for, or the first that is not silent all through."""

import contextlib

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.error import FFmpegError

from vis2sound_jax.audio.frames import channels_of
from vis2sound_jax.errors import file_error
from vis2sound_jax.video.container import Media, sound_streams

_SILENT = 1e-4  # -80 dB: camera recorders write tracks of inputs that nothing is plugged into


def settle_track(media: Media) -> int:
    """Says which sound track of a file is read, and keeps it as `media.sound`.

    Of several, all are decoded side by side, block by block, until the likeliest sounds; most files have one, and then
    nothing is looked at.

    Args:
      media: an open file; it must be rewound before it is read on.

    Returns:
      Its number, from 1 in the file's order: the first that sounds, the file's default before others; the likeliest
      where all are silent. 1 for a file without sound.
    """
    if media.sound is None:
        likely = list(sound_streams(media.container))
        media.sound = likely[0] if len(likely) == 1 else _first_that_sounds(media, likely) if likely else None
    return media.sound or 1


def choose_track(media: Media, number: int) -> None:
    """Reads one track from now on.

    Args:
      media: an open file.
      number: of the track, from 1 in the file's order.

    Raises:
      UserError: if the file has no such track, or it cannot be decoded; lists those that it has.
    """
    known = sound_streams(media.container)
    if number not in known:
        listed = "; ".join(f"{k}: {_described(known[k])}" for k in sorted(known))
        problem = f"has no sound track {number} that can be read"
        raise file_error(media.path, problem, f"it has {listed}" if listed else "use a recording with sound")
    media.sound = number


def _first_that_sounds(media: Media, likely: list[int]) -> int:
    media.rewind(for_sound=True)
    streams = sound_streams(media.container)
    numbers = {streams[k].index: k for k in likely}
    sounding: set[int] = set()
    with contextlib.suppress(FFmpegError):  # a damaged track is told when it is read
        for packet in media.container.demux([streams[k] for k in likely]):
            number = numbers[packet.stream.index]  # an empty packet at the end knows its stream alone
            if number in sounding:
                continue
            with contextlib.suppress(FFmpegError):
                if any(_sounds(frame) for frame in packet.decode()):
                    sounding.add(number)
            if likely[0] in sounding:
                break
    return next((k for k in likely if k in sounding), likely[0])


def _sounds(frame: object) -> bool:
    """Whether a frame is louder than silence; a sample that is no number is for the reader to refuse."""
    return isinstance(frame, AudioFrame) and not np.abs(channels_of(frame)).max(initial=0.0) < _SILENT


def _described(stream: AudioStream) -> str:
    """What a person knows a track by."""
    metadata = stream.metadata
    named = [metadata[key] for key in ("title", "handler_name", "language") if metadata.get(key)]
    named = [name for name in named if name not in ("SoundHandler", "und")]
    layout = stream.codec_context.layout
    places = {1: "mono", 2: "stereo"}.get(layout.nb_channels, layout.name)
    return ", ".join([places, f"{stream.rate} Hz", *named])

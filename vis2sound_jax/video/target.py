"""The containers that films are written as: what each can hold is tried before the work, not looked up."""

import io
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from vis2sound_jax.errors import file_error
from vis2sound_jax.video.container import Media, PathLike, is_decoded, video_stream

FORMATS = MappingProxyType({".mp4": "mp4", ".mov": "mov", ".m4v": "mp4", ".mkv": "matroska", ".webm": "webm"})
"""By suffix, the container as FFmpeg calls it."""
FILM_SUFFIXES = tuple(FORMATS)
"""What films can be written as."""
PCM_SUFFIXES = (".mov", ".mkv")
"""Those of them that hold sound as it is; few programs play it from an MP4 file."""

_OFFERED = (".mp4", ".mov", ".webm", ".mkv")


class SoundForm(NamedTuple):
    """How a container holds sound.

    Attributes:
      codec: the encoder as FFmpeg calls it.
      sample: format of the samples that it is given.
      rates_hz: that it has; none means any. Another rate becomes 48 kHz.
      bit_rate: bits a second; None where the samples say it.
      options: of the encoder.
    """

    codec: str
    sample: str
    rates_hz: tuple[int, ...] = ()
    bit_rate: int | None = None
    options: Mapping[str, str] = MappingProxyType({})


# At high bit rates FFmpeg's simpler search for step sizes comes nearer to the sound than its default, in a third of
# the time.
_AAC = SoundForm(
    "aac",
    "fltp",
    (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000),
    192_000,
    MappingProxyType({"aac_coder": "fast"}),
)
_OPUS = SoundForm("libopus", "flt", (48000,), 192_000)
_PCM = SoundForm("pcm_s24le", "s32")


def sound_form(path: PathLike, *, pcm: bool = False) -> SoundForm:
    """Says how a film's sound is encoded.

    Args:
      path: the film to write.
      pcm: whether it is kept as PCM.

    Returns:
      AAC, Opus in .webm, or PCM of 24 bits.

    Raises:
      UserError: for PCM in a container that does not hold it.
    """
    if pcm:
        check_pcm(path)
        return _PCM
    return _OPUS if suffix_of(path) == ".webm" else _AAC


def suffix_of(path: PathLike) -> str:
    """The suffix of a film to write, in lower case.

    Args:
      path: the film.

    Raises:
      UserError: if it is none of `FILM_SUFFIXES`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise file_error(path, f"{suffix or 'no suffix'!r} names no film", f"use one of {', '.join(FORMATS)}")
    return suffix


def check_pcm(path: PathLike) -> None:
    """Refuses a film that cannot hold PCM.

    Args:
      path: the film to write.

    Raises:
      UserError: if it is not one of `PCM_SUFFIXES`.
    """
    if Path(path).suffix.lower() not in PCM_SUFFIXES:
        problem = f"a {Path(path).suffix or 'file without suffix'} does not hold PCM that players read"
        raise file_error(path, problem, f"name a {' or '.join(PCM_SUFFIXES)}, or leave PCM out")


def check_pictures(media: Media, output: PathLike, *, pcm: bool = False) -> None:
    """Refuses a container that cannot hold a film's pictures as they are.

    Args:
      media: the open film; nothing is read on from it.
      output: the film to write.
      pcm: whether its sound is kept as PCM.

    Raises:
      UserError: if it cannot; names the containers that can, each of which was tried.
    """
    stream = video_stream(media.container)
    if stream is None:
        return
    if not is_decoded(stream):
        raise file_error(media.path, "its pictures are of an unknown form", "re-encode it to mp4")
    if _holds(suffix_of(output), stream, pcm):
        return
    others = [suffix for suffix in _OFFERED if not (pcm and suffix not in PCM_SUFFIXES)]
    fitting = [suffix for suffix in others if _holds(suffix, stream, pcm)]
    name = stream.codec_context.codec.canonical_name
    problem = f"{FORMATS[suffix_of(output)]} cannot hold the {name} pictures of {media.path}"
    raise file_error(output, problem, _remedy(fitting))


def _remedy(fitting: list[str]) -> str:
    if not fitting:
        return "no container can that is written here, so convert the film to H.264 in an .mp4 first"
    return f"choose a {' or '.join(fitting)} output"


def add_pictures(target: OutputContainer, stream: VideoStream) -> VideoStream:
    """Adds a stream for the packets of a film, as they are.

    Args:
      target: a container that is written.
      stream: of the film.

    Returns:
      The new stream.

    Raises:
      ValueError: if the container does not know the codec.
    """
    copy = target.add_stream_from_template(stream, opaque=True)
    if stream.codec_context.codec_tag == "hvc1":  # the only name under which Apple's players know HEVC
        copy.codec_context.codec_tag = "hvc1"
    return copy


def _holds(suffix: str, stream: VideoStream, pcm: bool) -> bool:
    """Writes the beginning of a film into memory: some containers know a codec's name and then refuse it."""
    form = sound_form(f"film{suffix}", pcm=pcm)
    try:
        with av.open(io.BytesIO(), "w", format=FORMATS[suffix]) as target:
            add_pictures(target, stream)
            target.add_stream(form.codec, 48000, layout="mono")
            target.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True

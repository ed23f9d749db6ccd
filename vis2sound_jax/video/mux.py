"""Writing films: frames to H.264, and a new sound track under a film's untouched pictures."""

import contextlib
import functools
import heapq
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import Float32, Int32, UInt8

from vis2sound_jax import large
from vis2sound_jax.errors import file_error
from vis2sound_jax.video.container import Media, PathLike, tick_of, video_stream
from vis2sound_jax.video.edits import kept_packets
from vis2sound_jax.video.facts import FilmFacts
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.target import (
    FORMATS,
    SoundForm,
    add_pictures,
    check_pcm,
    check_pictures,
    sound_form,
    suffix_of,
)
from vis2sound_jax.whole import replacing

_BT601 = 6  # the matrix with which swscale turns red, green and blue into yuv unless told otherwise
_PICTURES = {
    ".webm": ("libvpx-vp9", {"b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"}),
}
"""By suffix, the encoder of pictures and its options, where it is not H.264."""
_H264 = ("libx264", {"preset": "veryfast"})


def write_film(
    path: PathLike,
    frames: UInt8[np.ndarray, "t h w 3"],
    fps: float,
    *,
    wav: Float32[np.ndarray, "n *c"] | None = None,
    rate_hz: int | None = None,
    crf: int = 20,
    pcm: bool = False,
) -> None:
    """Writes frames, and sound if there is any, as H.264 (yuv420p) and AAC or PCM; in .webm as VP9 and Opus.

    Args:
      path: the file to write: .mp4, .m4v, .mov, .mkv or .webm.
      frames: red green blue; an odd last row or column is doubled, as yuv420p needs even sizes.
      fps: frame rate.
      wav: waveform in [-1, 1], one channel, or one per column (two at most); cut or filled with silence to
        the length of the film.
      rate_hz: sample rate of `wav` in Hz.
      crf: the encoder's constant quality, 0 (best) to 51.
      pcm: whether sound is kept as PCM of 24 bits; in .mov and .mkv only.

    Raises:
      UserError: if the suffix is none of these or the file cannot be written.
      ValueError: if there are no frames, or `wav` comes without `rate_hz`.
    """
    if len(frames) == 0 or (wav is None) != (rate_hz is None):
        raise ValueError(f"{len(frames)} frames: a film needs one at least, and wav and rate_hz come together")
    if pcm:
        check_pcm(path)
    with _writing(path) as container:
        rate = Fraction(fps).limit_denominator(10_000)
        height, width = (size + size % 2 for size in frames.shape[1:3])
        codec, options = _PICTURES.get(suffix_of(path), _H264)
        options = {"crf": str(crf), **options, **(_repeatable() if codec == _H264[0] else {})}
        stream = container.add_stream(codec, rate, options, width=width, height=height)
        video = cast(VideoStream, stream)
        video.pix_fmt, video.codec_context.colorspace = "yuv420p", _BT601
        packets = [_encode_pictures(video, frames, rate)]
        if wav is not None and rate_hz is not None:
            packets.append(_add_sound(container, wav, rate_hz, len(frames) / fps, sound_form(path, pcm=pcm)))
        _interleave(container, packets)


def mux_sound(video_path: PathLike, wav: Float32[np.ndarray, "n *c"], rate_hz: int, output_path: PathLike) -> None:
    """Puts a sound track under a film: its pictures are copied bit for bit, its own sound is left out.

    The first picture shown and the first sample of `wav` both get time 0; all distances between time
    stamps, the picture's rotation and its codec stay. Other streams (subtitles, data) are left out.

    Args:
      video_path: the film.
      wav: waveform in [-1, 1] on the film's clock, one channel, or one per column (two at most); cut or
        filled with silence to the length of the film. Encoded as AAC, in .webm as Opus, 192 kbit/s.
      rate_hz: sample rate of `wav` in Hz.
      output_path: the file to write: .mp4, .m4v, .mov, .mkv or .webm; it may be `video_path` itself.

    Raises:
      UserError: if the film cannot be read or is cut off, the output's container cannot hold its codec, or
        the output cannot be written.
    """
    with Film.open(video_path) as film:
        mux_sounds(film, [wav], rate_hz, [output_path])


def mux_sounds(
    film: Film,
    wavs: Sequence[Float32[np.ndarray, "n *c"]],
    rate_hz: int,
    outputs: Sequence[PathLike],
    *,
    pcm: bool = False,
) -> None:
    """Puts several sound tracks under one film, each into a file of its own; see `mux_sound`.

    Args:
      film: an open film, or one of arrays, whose pictures are then encoded.
      wavs: the soundtracks; each has one channel, or two as columns.
      rate_hz: sample rate of all of them in Hz; a rate that AAC or Opus does not have becomes 48 kHz.
      outputs: a file for each.
      pcm: whether sound is kept as PCM of 24 bits at its own rate; in .mov and .mkv only.

    Raises:
      UserError: as `mux_sound`, or for PCM in another container.
    """
    for wav, output in zip(wavs, outputs, strict=True):
        if film.media is None:
            assert film.pixels is not None  # a film is a file or arrays
            write_film(output, film.pixels, film.fps, wav=wav, rate_hz=rate_hz, pcm=pcm)
        else:
            _mux(film, film.media, wav, rate_hz, output, pcm)


def _mux(film: Film, media: Media, wav: np.ndarray, rate_hz: int, output_path: PathLike, pcm: bool) -> None:
    form = sound_form(output_path, pcm=pcm)
    check_pictures(media, output_path, pcm=pcm)
    media.rewind()
    stream = video_stream(media.container)
    assert stream is not None  # or it would be no film
    with _writing(output_path) as target:
        pictures = _copied(media, stream, add_pictures(target, stream), film.facts)
        _interleave(target, [pictures, _add_sound(target, wav, rate_hz, film.duration_s, form)])


@contextlib.contextmanager
def _writing(path: PathLike) -> Iterator[OutputContainer]:
    """An output container under a temporary name, in place once it is complete."""
    suffix = suffix_of(path)
    # Faststart puts the index first, so that browsers play the film while it loads.
    options = {} if suffix in (".mkv", ".webm") else {"movflags": "+faststart"}
    with replacing(path) as temporary:
        try:
            with av.open(str(temporary), "w", format=FORMATS[suffix], container_options=options) as container:
                yield container
        except FFmpegError as error:
            raise file_error(path, f"cannot be written ({error.strerror})", "check the disk") from error


def _interleave(container: OutputContainer, streams: list[Iterator[Packet]]) -> None:
    """Muxes the packets of all streams in the order of their decoding times, holding one of each."""
    for packet in heapq.merge(*streams, key=lambda packet: (packet.dts or 0) * packet.time_base):
        container.mux(packet)


@functools.cache
def _repeatable() -> dict[str, str]:
    """Options with which x264 makes the same film of the same frames: its AVX-512 code does not always do so."""
    cpu = Path("/proc/cpuinfo")
    avx512 = cpu.exists() and "avx512f" in cpu.read_text(encoding="utf-8", errors="replace")
    return {"x264-params": "asm=avx2"} if avx512 else {}


def _encode_pictures(stream: VideoStream, frames: UInt8[np.ndarray, "t h w 3"], rate: Fraction) -> Iterator[Packet]:
    odd_rows, odd_columns = frames.shape[1] % 2, frames.shape[2] % 2
    for number, pixels in enumerate(frames):
        if odd_rows or odd_columns:
            pixels = np.pad(pixels, ((0, odd_rows), (0, odd_columns), (0, 0)), "edge")
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        picture.pts, picture.time_base = number, 1 / rate
        yield from stream.encode(picture)
    yield from stream.encode(None)


def _add_sound(
    container: OutputContainer, wav: Float32[np.ndarray, "n *c"], rate_hz: int, duration_s: float, form: SoundForm
) -> Iterator[Packet]:
    """Adds a stream of sound of exactly `duration_s`; its packets come as they are asked for."""
    if form.rates_hz and rate_hz not in form.rates_hz:
        wav, rate_hz = soxr.resample(wav, rate_hz, 48000), 48000
    layout = "mono" if wav.ndim == 1 or wav.shape[1] == 1 else "stereo"
    stream = cast(AudioStream, container.add_stream(form.codec, rate_hz, dict(form.options), layout=layout))
    if form.bit_rate is not None:
        stream.bit_rate = form.bit_rate
    return _encode_sound(stream, wav.reshape(len(wav), -1), form, rate_hz, round(duration_s * rate_hz))


def _encode_sound(
    stream: AudioStream, wav: Float32[np.ndarray, "n c"], form: SoundForm, rate_hz: int, length: int
) -> Iterator[Packet]:
    """Encodes `length` samples second by second, silence where the sound has ended."""
    layout = "mono" if wav.shape[1] == 1 else "stereo"
    for start in range(0, length, rate_hz):
        n = min(rate_hz, length - start)
        block = np.clip(wav[start : start + n].astype(np.float32), -1.0, 1.0)
        block = np.pad(block, ((0, n - len(block)), (0, 0)))
        samples = _in_24_bits(block) if form.sample == "s32" else block
        samples = np.ascontiguousarray(samples.T if form.sample.endswith("p") else samples.reshape(1, -1))
        frame = AudioFrame.from_ndarray(samples, format=form.sample, layout=layout)
        large.let_go(wav)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _in_24_bits(block: Float32[np.ndarray, "n c"]) -> Int32[np.ndarray, "n c"]:
    """Whole numbers of 24 bits, in the upper bits of 32."""
    return np.clip(np.rint(block * 2.0**23), -(2**23), 2**23 - 1).astype(np.int32) << 8


def _copied(media: Media, stream: VideoStream, copy: Stream, film: FilmFacts) -> Iterator[Packet]:
    """The film's packets for the copy's stream, its first picture at time 0.

    Raises:
      UserError: if packets are damaged or end before the film does.
    """
    zero, end_s = round(film.zero_s / tick_of(stream)), 0.0
    with contextlib.suppress(FFmpegError):  # what is missing then shows below
        for packet in _with_decoding_times(kept_packets(media, stream, film), stream, film.fps):
            if packet.is_corrupt:
                break
            shown, decoded = cast(int, packet.pts) - zero, cast(int, packet.dts) - zero
            packet.pts, packet.dts, packet.stream = shown, decoded, copy
            end_s = max(end_s, float((shown + (packet.duration or 0)) * tick_of(stream)))
            yield packet
    if end_s < film.duration_s - 2.0 / film.fps:
        problem = f"its pictures break off at {end_s:.2f} s of {film.duration_s:.2f} s"
        raise file_error(media.path, problem, "copy the file again")


def _with_decoding_times(packets: Iterator[Packet], stream: VideoStream, fps: float) -> Iterator[Packet]:
    """The film's packets; the first ones of a Matroska film get the decoding times they lack."""
    waiting: list[Packet[VideoStream]] = []
    period = round(1 / (fps * tick_of(stream)))
    for packet in packets:
        if packet.size == 0 or packet.pts is None:
            continue
        waiting.append(packet)
        if packet.dts is None:
            continue
        for steps_back, early in enumerate(reversed(waiting[:-1]), start=1):
            early.dts = packet.dts - steps_back * period
        yield from waiting
        waiting.clear()
    # A film so short that none of its packets has a decoding time.
    latest = math.inf
    for packet in reversed(waiting):
        latest = packet.dts = int(min(cast(int, packet.pts), latest - 1))
    yield from waiting

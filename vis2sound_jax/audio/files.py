"""Sound files on the host: read on the film's clock, written whole or not at all; FLAC bytes for records."""

import contextlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from jaxtyping import Float32

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.container import Media, PathLike, sound_stream, tick_of, time_of
from vis2sound_jax.video.facts import FilmFacts, read_facts
from vis2sound_jax.whole import replacing

# Sound decoded before a window for the codec's overlap, and around it for the resampler's filter.
_PREROLL_S = 0.3
_CONTEXT_S = 0.1
# Time stamps rounded to a millisecond (Matroska) are no gaps; from this difference on they are.
_GAP_S = 0.005
# A track may end this much before its header says (codec padding) without being called cut off.
_SLACK_S = 0.1
# Sound files whose header states the length; FFmpeg estimates or adapts that of others (mp3, aac, wav).
_EXACT_HEADERS = ("flac", "mov,mp4,m4a,3gp,3g2,mj2")


@dataclass(frozen=True)
class _Track:
    """A sound track: its rate, the container time of the clock's zero, its end as stated on that clock."""

    rate_hz: int
    zero_s: float
    stated_end_s: float | None
    of_film: bool


def read_sound(
    path: PathLike, rate_hz: int, *, start_s: float = 0.0, duration_s: float | None = None
) -> Float32[np.ndarray, "n"]:
    """Reads the sound of a film or sound file, mixed to one channel and resampled.

    In a film, sample 0 lies at `start_s` of the film's own clock (0 = first picture shown), wherever the
    sound track itself begins; time without sound is silent and sound outside the film is left out. In a
    sound file the clock starts at the first sample.

    Args:
      path: anything FFmpeg decodes: mp4, mov, mkv, webm, avi, wav, flac, mp3, m4a, ogg...
      rate_hz: wanted sample rate in Hz.
      start_s: beginning of the window in seconds.
      duration_s: length of the window in seconds; by default up to the end of the film or file.

    Returns:
      Mean of the channels in [-1, 1] (a little beyond where resampling overshoots); with `duration_s`
      exactly round(duration_s * rate_hz) samples, silent where the film or file has ended.

    Raises:
      UserError: if the file cannot be read, has no sound, breaks off, or ends before `start_s`.
    """
    if start_s < 0 or (duration_s is not None and duration_s <= 0):
        problem = f"no sound starts at {start_s:g} s and lasts {duration_s} s"
        raise file_error(path, problem, "choose a window inside the recording")
    with Media(path) as media:
        return read_track(media, read_facts(media), rate_hz, start_s=start_s, duration_s=duration_s)


def read_track(
    media: Media, film: FilmFacts | None, rate_hz: int, *, start_s: float = 0.0, duration_s: float | None = None
) -> Float32[np.ndarray, "n"]:
    """Reads the sound of an open file; see `read_sound`.

    Args:
      media: the file.
      film: its facts; None for a sound file.
      rate_hz: wanted sample rate in Hz.
      start_s: beginning of the window in seconds.
      duration_s: length of the window in seconds; by default up to the end of the film or file.

    Returns:
      As `read_sound`.

    Raises:
      UserError: as `read_sound`.
    """
    path = media.path
    track = _read_track(media, film)
    end_s = math.inf if duration_s is None else start_s + duration_s
    if film is not None:
        end_s = min(end_s, film.duration_s)
        if start_s >= end_s:
            raise _beyond(path, start_s, film.duration_s)
    # The decoded part starts on the grid of both rates, so a window equals the same part of the whole.
    grid_hz = math.gcd(track.rate_hz, rate_hz)
    from_s = math.floor((start_s - _CONTEXT_S) * grid_hz) / grid_hz
    wav, end = _gather(_pieces(media, track, from_s, end_s + _CONTEXT_S))
    if film is None:
        heard_s = from_s + end / track.rate_hz
        if start_s >= heard_s:
            raise _beyond(path, start_s, heard_s)
        end_s = min(end_s, heard_s)
    wav = soxr.resample(wav, track.rate_hz, rate_hz)[round((start_s - from_s) * rate_hz) :]
    wav = wav[: round((end_s - start_s) * rate_hz)]
    length = round((end_s - start_s if duration_s is None else duration_s) * rate_hz)
    return np.pad(wav, (0, length - len(wav)))


def write_wav(path: PathLike, wav: Float32[np.ndarray, "n *c"], rate_hz: int, *, subtype: str = "PCM_24") -> None:
    """Writes a WAV file; an older file is replaced only when the new one is whole.

    Args:
      path: the file to write.
      wav: waveform in [-1, 1], one channel, or one per column; louder samples are clipped.
      rate_hz: sample rate in Hz.
      subtype: sample format as soundfile names it, e.g. PCM_16, PCM_24, FLOAT.

    Raises:
      UserError: if the folder is missing or the file cannot be written.
    """
    with replacing(path) as temporary:
        try:
            soundfile.write(temporary, wav, rate_hz, subtype=subtype, format="WAV")
        except soundfile.LibsndfileError as error:
            problem = f"cannot be written as WAV ({error.error_string})"
            raise file_error(path, problem, "check the disk and the sample format") from error


def encode_flac(wav: Float32[np.ndarray, "n"], rate_hz: int) -> bytes:
    """Compresses a waveform without loss to 16-bit FLAC, the form in which prepared records hold sound.

    Args:
      wav: waveform in [-1, 1]; louder samples are clipped.
      rate_hz: sample rate in Hz.

    Returns:
      The bytes of a FLAC file.
    """
    buffer = io.BytesIO()
    soundfile.write(buffer, wav, rate_hz, subtype="PCM_16", format="FLAC")
    return buffer.getvalue()


def decode_flac(data: bytes) -> tuple[Float32[np.ndarray, "n"], int]:
    """Decodes the bytes of `encode_flac`.

    Args:
      data: the bytes of a FLAC file with one channel.

    Returns:
      The waveform in [-1, 1] and its sample rate in Hz.

    Raises:
      UserError: if the bytes are not FLAC.
    """
    try:
        return soundfile.read(io.BytesIO(data), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise UserError(f"a record's sound ({len(data)} bytes) is not FLAC; prepare the data again") from error


def _beyond(path: PathLike, start_s: float, end_s: float) -> UserError:
    problem = f"sound from {start_s:.2f} s on lies beyond its end ({end_s:.2f} s)"
    return file_error(path, problem, "start earlier")


def _read_track(media: Media, film: FilmFacts | None) -> _Track:
    """Decodes the first frame of the sound track; zero is the film's first picture or that frame."""
    path = media.path
    media.rewind(for_sound=True)
    stream = sound_stream(media.container)
    if stream is None:
        raise file_error(path, "has no sound track", "use a recording with sound")
    try:
        frame = next(media.container.decode(stream), None)
    except FFmpegError as error:
        raise file_error(path, "its sound cannot be decoded", "convert it to wav") from error
    if frame is None or frame.pts is None:
        raise file_error(path, "its sound track holds no sound", "copy it again or convert it to wav")
    zero_s = time_of(frame) if film is None else film.zero_s
    stated_end_s = None
    if stream.duration and (film is not None or media.container.format.name in _EXACT_HEADERS):
        stated_end_s = float(((stream.start_time or 0) + stream.duration) * tick_of(stream)) - zero_s
    return _Track(frame.sample_rate, zero_s, stated_end_s, of_film=film is not None)


def _pieces(media: Media, track: _Track, from_s: float, to_s: float) -> Iterator[tuple[int, np.ndarray]]:
    """Decodes the track between two times of its clock.

    Yields:
      Index of the first sample, counted from `from_s` (it may be negative), and the samples.

    Raises:
      UserError: if decoding breaks off before `to_s` and before the track's stated end.
    """
    # Raw mp3 and aac files seek to inexact times, and sound decodes fast: seek in films only.
    path, seek_s = media.path, track.zero_s + (from_s - _PREROLL_S if track.of_film else 0.0)
    wanted_s, cursor = track.stated_end_s, 0
    with contextlib.closing(media.decode_from("audio", seek_s)) as frames:
        try:
            for number, frame in enumerate(frames):
                if frame.sample_rate != track.rate_hz:
                    raise file_error(path, "its sample rate changes midway", "convert its sound to wav")
                index = cursor if frame.pts is None else _index(frame, track, from_s)
                if number and abs(index - cursor) < _GAP_S * track.rate_hz:
                    index = cursor
                if index >= (to_s - from_s) * track.rate_hz:
                    return
                cursor = index + frame.samples
                yield index, _mono(frame)
        except FFmpegError:
            wanted_s = math.inf if wanted_s is None else wanted_s
    heard_s = from_s + cursor / track.rate_hz
    if wanted_s is not None and heard_s < min(wanted_s, to_s) - _SLACK_S:
        raise file_error(path, f"its sound breaks off at {max(heard_s, 0.0):.2f} s", "copy the file again")


def _index(frame: AudioFrame, track: _Track, from_s: float) -> int:
    return round((time_of(frame) - track.zero_s - from_s) * track.rate_hz)


def _gather(pieces: Iterator[tuple[int, np.ndarray]]) -> tuple[np.ndarray, int]:
    """Lays pieces of sound out in time, silence in the gaps, nothing before index 0; also tells their end."""
    kept, end = [], 0
    for index, piece in pieces:
        end = index + len(piece)
        if end > 0:
            kept.append((index, piece))
    wav = np.zeros(max(end, 0), np.float32)
    for index, piece in kept:
        wav[max(index, 0) : index + len(piece)] = piece[max(-index, 0) :]
    return wav, end


def _mono(frame: AudioFrame) -> np.ndarray:
    """The mean of a frame's channels as float32 in [-1, 1], from any sample format."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype == np.uint8:
        samples = samples.astype(np.float32) / 128.0 - 1.0
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float32) / float(2 ** (8 * samples.dtype.itemsize - 1))
    return samples.mean(axis=0, dtype=np.float32)

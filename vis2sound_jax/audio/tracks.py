"""The sound track of an open film or sound file: a window of it on the clock, mixed or channel by channel."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from jaxtyping import Float32

from vis2sound_jax.audio.downmix import Heard, Mix
from vis2sound_jax.audio.frames import channels_of
from vis2sound_jax.audio.track_choice import settle_track
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.container import Media, PathLike, is_decoded, tick_of, time_of
from vis2sound_jax.video.facts import FilmFacts, check_length

# Sound decoded before a window for the codec's overlap, and around it for the resampler's filter.
_PREROLL_S = 0.3
_CONTEXT_S = 0.1
# Time stamps rounded to a millisecond (Matroska) are no gaps; from this difference on they are.
_GAP_S = 0.005
# A track may end this much before its header says (codec padding) without being called cut off.
_SLACK_S = 0.1
# Sound files whose header states the length; FFmpeg estimates or adapts that of others (mp3, aac, wav).
_EXACT_HEADERS = ("flac", "mov,mp4,m4a,3gp,3g2,mj2")
# No recorder is slower; a header that claims 1 Hz would make hours of a few kilobytes.
_SLOWEST_HZ = 4000
# Floating files may go beyond full scale, but not by more than 60 dB.
_LOUDEST = 1000.0
# Where a sound file's clock falls back by more, another sound was put behind it.
_JOINED_S = 0.5
_AT_ONCE = 1 << 15


@dataclass(frozen=True)
class Track:
    """What a sound track says about itself, and its first frame.

    Attributes:
      rate_hz: its own sample rate.
      names: of its channels as FFmpeg calls them (FL, FR, FC...), "NONE" where the file does not say.
      zero_s: time of the clock's zero in seconds of the container.
      stated_end_s: its end on that clock as the header states it; None where the header does not.
      of_film: whether there are pictures, and so the clock is theirs.
      number: which of the file's sound tracks it is, from 1.
    """

    rate_hz: int
    names: tuple[str, ...]
    zero_s: float
    stated_end_s: float | None
    of_film: bool
    number: int = 1


def read_window(
    media: Media, film: FilmFacts | None, rate_hz: int, start_s: float, duration_s: float | None, *, mixed: bool
) -> Float32[np.ndarray, "n *c"]:
    """Reads a window of the sound track of an open file.

    Args:
      media: the file.
      film: its facts; None for a sound file.
      rate_hz: wanted sample rate in Hz.
      start_s: beginning of the window in seconds of the film's clock, or from a sound file's first sample.
      duration_s: length of the window in seconds; None for up to the end of the film or file.
      mixed: whether to mix the channels to one; see `audio.downmix`.

    Returns:
      The samples in [-1, 1], silent where the film or file has ended: [n] where mixed, else [n, c].

    Raises:
      UserError: if the file has no sound, breaks off, ends before `start_s`, claims a rate below 4 kHz, lasts longer
        than `video.facts.LONGEST_S`, changes its rate or channels midway, or holds samples that are not finite or far
        beyond full scale.
    """
    wav, _ = read_mixed(media, film, rate_hz, start_s, duration_s, mixed=mixed)
    length = len(wav) if duration_s is None else round(duration_s * rate_hz)
    return np.pad(wav, [(0, length - len(wav))] + [(0, 0)] * (wav.ndim - 1))


def read_mixed(
    media: Media, film: FilmFacts | None, rate_hz: int, start_s: float, duration_s: float | None, *, mixed: bool
) -> tuple[Float32[np.ndarray, "n *c"], Mix]:
    """Reads a window of the sound track of an open file, and says how its channels were mixed.

    Args:
      media: the file.
      film: its facts; None for a sound file.
      rate_hz: wanted sample rate in Hz.
      start_s: beginning of the window in seconds.
      duration_s: length of the window in seconds; None for up to the end of the film or file.
      mixed: whether to mix the channels to one.

    Returns:
      As `read_window`, but shorter where the film or file has ended; and the mix, decided over the whole window.

    Raises:
      UserError: as `read_window`.
    """
    path = media.path
    track = track_of(media, film)
    end_s = math.inf if duration_s is None else start_s + duration_s
    if film is not None:
        end_s = min(end_s, film.duration_s)
        if start_s >= end_s:
            raise _beyond(path, start_s, film.duration_s)
    # The decoded part starts on the grid of both rates, so a window equals the same part of the whole.
    grid_hz = math.gcd(track.rate_hz, rate_hz)
    from_s = math.floor((start_s - _CONTEXT_S) * grid_hz) / grid_hz
    wav, end, mix = _gather_mixed(media, track, from_s, end_s + _CONTEXT_S, mixed)
    _check_samples(wav, track.rate_hz, from_s, path)
    if film is None:
        heard_s = from_s + end / track.rate_hz
        if start_s >= heard_s:
            raise _beyond(path, start_s, heard_s)
        end_s = min(end_s, heard_s)
    wav = soxr.resample(wav, track.rate_hz, rate_hz)[round((start_s - from_s) * rate_hz) :]
    wav = wav[: round((end_s - start_s) * rate_hz)]
    length = round((end_s - start_s) * rate_hz)
    return np.pad(wav, [(0, length - len(wav))] + [(0, 0)] * (wav.ndim - 1)), mix


def _gather_mixed(media: Media, track: Track, from_s: float, to_s: float, mixed: bool) -> tuple[np.ndarray, int, Mix]:
    """Decodes a part of the track; once more where its channels must not be averaged."""
    if not mixed:
        wav, end = _gather(_pieces(media, track, from_s, to_s, mixed=False), (len(track.names),))
        return wav, end, Mix()
    heard = Heard(track.names)
    wav, end = _gather(_mixing(_pieces(media, track, from_s, to_s, mixed=True), Mix(), heard), ())
    mix = heard.mono()
    if mix.weights is not None:
        wav, end = _gather(_mixing(_pieces(media, track, from_s, to_s, mixed=True), mix, None), ())
    return wav, end, mix


def _mixing(
    pieces: Iterator[tuple[int, np.ndarray]], mix: Mix, heard: Heard | None
) -> Iterator[tuple[int, np.ndarray]]:
    """Mixes pieces to one channel, and lets `heard` listen to those that sound."""
    first, waiting = None, []
    for index, piece in pieces:
        first = piece.shape[1] if first is None else first
        # A track may change between mono and stereo midway; only whole sounds are read as channels.
        yield index, mix.mono(piece) if piece.shape[1] == first else piece.mean(axis=1, dtype=np.float32)
        if heard is not None and piece.shape[1] == first > 1 and index + len(piece) > 0:
            waiting.append(piece)
            if sum(map(len, waiting)) >= _AT_ONCE:
                heard.add(np.concatenate(waiting))
                waiting = []
    if heard is not None and waiting:
        heard.add(np.concatenate(waiting))


def read_blocks(media: Media, film: FilmFacts | None, block_s: float) -> Iterator[Float32[np.ndarray, "n c"]]:
    """Reads the whole sound track of an open file at its own rate, block by block.

    Args:
      media: the file.
      film: its facts; None for a sound file.
      block_s: length of a block in seconds; the last one is shorter.

    Yields:
      Consecutive samples with all channels in [-1, 1], as `read_window` gives them.

    Raises:
      UserError: as `read_window`.
    """
    track = track_of(media, film)
    size, start, end = round(block_s * track.rate_hz), 0, 0
    last_s = math.inf if film is None else film.duration_s
    held: list[tuple[int, np.ndarray]] = []
    for index, piece in _pieces(media, track, 0.0, last_s, mixed=False):
        held.append((index, piece))
        end = max(end, index + len(piece))
        while end >= start + size:
            yield _block(held, start, start + size, track, media.path)
            start += size
            held = [(first, samples) for first, samples in held if first + len(samples) > start]
    end = end if film is None else round(film.duration_s * track.rate_hz)
    if end > start:
        yield _block(held, start, end, track, media.path)


def _block(held: Sequence[tuple[int, np.ndarray]], start: int, end: int, track: Track, path: PathLike) -> np.ndarray:
    """Lays pieces out between two samples, silence in the gaps."""
    block = np.zeros((end - start, len(track.names)), np.float32)
    for index, piece in held:
        first, last = max(index, start), min(index + len(piece), end)
        if last > first:
            block[first - start : last - start] = piece[first - index : last - index]
    _check_samples(block, track.rate_hz, start / track.rate_hz, path)
    return block


def _check_samples(wav: np.ndarray, rate_hz: int, from_s: float, path: PathLike) -> None:
    """Refuses samples that no recording has: one of them would spoil all that is near, without a word."""
    # A NaN is neither above nor below.
    if not wav.size or (wav.max() <= _LOUDEST and wav.min() >= -_LOUDEST):
        return
    finite = np.isfinite(wav)
    broken, problem = ~finite, "are not finite numbers"
    if finite.all():
        broken, problem = np.abs(wav) > _LOUDEST, f"are more than {_LOUDEST:g} times full scale"
    first_s = from_s + int(np.argmax(broken.reshape(len(wav), -1).any(axis=1))) / rate_hz
    count = int(np.count_nonzero(broken))
    raise file_error(
        path, f"{count} samples of its sound {problem}, the first at {first_s:.3f} s", "export the sound again"
    )


def _beyond(path: PathLike, start_s: float, end_s: float) -> UserError:
    problem = f"sound from {start_s:.2f} s on lies beyond its end ({end_s:.2f} s)"
    return file_error(path, problem, "start earlier")


def track_of(media: Media, film: FilmFacts | None) -> Track:
    """Reads what the sound track of an open file says about itself, and decodes its first frame.

    Args:
      media: the file.
      film: its facts; None for a sound file.

    Returns:
      The facts; zero of their clock is the film's first picture, or the first frame of a sound file.

    Raises:
      UserError: if the file has no sound, it cannot be decoded, or it claims a rate below 4 kHz or a length beyond
        `video.facts.LONGEST_S`.
    """
    path, number = media.path, settle_track(media)
    media.rewind(for_sound=True)
    stream = media.sound_stream()
    if stream is None and not media.container.streams.audio:
        raise file_error(path, "has no sound track", "use a recording with sound")
    if stream is None or not is_decoded(stream):
        raise file_error(path, "its sound is of an unknown form", "convert it to wav")
    try:
        frame = next(iter(media.decode(stream)), None)
    except FFmpegError as error:
        raise file_error(path, "its sound cannot be decoded", "convert it to wav") from error
    if frame is None or frame.pts is None:
        raise file_error(path, "its sound track holds no sound", "copy it again or convert it to wav")
    if frame.sample_rate < _SLOWEST_HZ:
        problem = f"its sound claims {frame.sample_rate} samples a second"
        raise file_error(path, problem, f"use a recording of {_SLOWEST_HZ} Hz or more")
    zero_s = time_of(frame) if film is None else film.zero_s
    stated_end_s = None
    if stream.duration and not media.joins and (film is not None or media.container.format.name in _EXACT_HEADERS):
        stated_end_s = float(((stream.start_time or 0) + stream.duration) * tick_of(stream)) - zero_s
        check_length(path, 0.0 if film is not None else stated_end_s)
    names = tuple(channel.name for channel in frame.layout.channels)
    return Track(frame.sample_rate, names, zero_s, stated_end_s, film is not None, number)


def _pieces(media: Media, track: Track, from_s: float, to_s: float, mixed: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Decodes the track between two times of its clock.

    Yields:
      Index of the first sample, counted from `from_s` (it may be negative), and the samples.

    Raises:
      UserError: if decoding breaks off before `to_s` and before the track's stated end.
    """
    # Raw mp3 and aac files seek to inexact times, and sound decodes fast: seek in films only.
    path, seek_s = media.path, track.zero_s + (from_s - _PREROLL_S if track.of_film else 0.0)
    wanted_s, cursor, behind = track.stated_end_s, 0, 0
    with contextlib.closing(media.decode_from("audio", seek_s)) as frames:
        try:
            for number, frame in enumerate(frames):
                _check_frame(frame, track, mixed, path)
                index = cursor if frame.pts is None else _index(frame, track, from_s) + behind
                if number and abs(index - cursor) < _GAP_S * track.rate_hz:
                    index = cursor
                if number and index < cursor - _JOINED_S * track.rate_hz:
                    if track.of_film:
                        at_s = from_s + cursor / track.rate_hz
                        raise file_error(path, f"its sound's clock falls back at {at_s:.2f} s", "re-encode it to mp4")
                    behind, index = behind + cursor - index, cursor
                if index >= (to_s - from_s) * track.rate_hz:
                    return
                cursor = index + frame.samples
                check_length(path, from_s + cursor / track.rate_hz)
                yield index, channels_of(frame)
        except FFmpegError:
            wanted_s = math.inf if wanted_s is None else wanted_s
    heard_s = from_s + cursor / track.rate_hz
    if wanted_s is not None and heard_s < min(wanted_s, to_s) - _SLACK_S:
        raise file_error(path, f"its sound breaks off at {max(heard_s, 0.0):.2f} s", "copy the file again")


def _check_frame(frame: AudioFrame, track: Track, mixed: bool, path: PathLike) -> None:
    if frame.sample_rate != track.rate_hz:
        raise file_error(path, "its sample rate changes midway", "convert its sound to wav")
    if not mixed and frame.layout.nb_channels != len(track.names):
        raise file_error(path, "its number of channels changes midway", "convert its sound to wav")


def _index(frame: AudioFrame, track: Track, from_s: float) -> int:
    return round((time_of(frame) - track.zero_s - from_s) * track.rate_hz)


def _gather(pieces: Iterator[tuple[int, np.ndarray]], channels: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """Lays pieces of sound out in time, silence in the gaps, nothing before index 0; also gives their end."""
    kept, end = [], 0
    for index, piece in pieces:
        end = index + len(piece)
        if end > 0:
            kept.append((index, piece))
    wav = np.zeros((max(end, 0), *channels), np.float32)
    for index, piece in kept:
        wav[max(index, 0) : index + len(piece)] = piece[max(-index, 0) :]
    return wav, end

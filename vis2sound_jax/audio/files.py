"""Sound files on the host: read on the film's clock, written whole or not at all; FLAC bytes for records."""

import io
import os
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32, Int32

from vis2sound_jax import large
from vis2sound_jax.audio.tracks import read_window
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.video.container import Media, PathLike
from vis2sound_jax.video.facts import FilmFacts, read_facts
from vis2sound_jax.whole import replacing

_FLAC_CHANNELS = 8
_LITTLE_MORE = 1 << 20


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
      UserError: if the file cannot be read, has no sound, breaks off, ends before `start_s`, or holds samples that
        are not finite or far beyond full scale.
    """
    _check_window(path, start_s, duration_s)
    with Media(path) as media:
        return read_track(media, read_facts(media), rate_hz, start_s=start_s, duration_s=duration_s)


def read_channels(
    path: PathLike, rate_hz: int, *, start_s: float = 0.0, duration_s: float | None = None
) -> Float32[np.ndarray, "n c"]:
    """Reads the sound of a film or sound file with all its channels, resampled; the clock is that of `read_sound`.

    Args:
      path: anything FFmpeg decodes.
      rate_hz: wanted sample rate in Hz.
      start_s: beginning of the window in seconds.
      duration_s: length of the window in seconds; by default up to the end of the film or file.

    Returns:
      The channels in the order of the file (left, right, ...), in [-1, 1]; as many samples as `read_sound` gives.

    Raises:
      UserError: as `read_sound`, or if the number of channels changes midway.
    """
    _check_window(path, start_s, duration_s)
    with Media(path) as media:
        return read_window(media, read_facts(media), rate_hz, start_s, duration_s, mixed=False)


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
    return read_window(media, film, rate_hz, start_s, duration_s, mixed=True)


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
    _write(path, wav, rate_hz, subtype)


def write_pcm_24(path: PathLike, samples: Int32[np.ndarray, "n *c"], rate_hz: int) -> None:
    """Writes a WAV file of 24 bits whose samples are these to the last bit; `write_wav` rounds.

    Args:
      path: the file to write.
      samples: from -2**23 to 2**23 - 1, one channel, or one per column.
      rate_hz: sample rate in Hz.

    Raises:
      UserError: if the folder is missing or the file cannot be written.
    """
    # The library takes the upper 24 of 32 bits.
    _write(path, samples << 8, rate_hz, "PCM_24")


def _write(path: PathLike, samples: np.ndarray, rate_hz: int, subtype: str) -> None:
    with replacing(path) as temporary:
        try:
            channels = 1 if samples.ndim == 1 else samples.shape[1]
            with soundfile.SoundFile(os.fsencode(temporary), "w", rate_hz, channels, subtype, format="WAV") as file:
                for place in large.pieces(len(samples), samples):
                    file.write(samples[place])
        except soundfile.LibsndfileError as error:
            _ask_disk(temporary)
            problem = f"cannot be written as WAV ({error.error_string})"
            raise file_error(path, problem, "check the disk and the sample format") from error


def _ask_disk(path: Path) -> None:
    """Writes a little more, since libsndfile does not say why it could not; raises OSError where the disk is full."""
    with path.open("ab") as file:
        file.write(bytes(_LITTLE_MORE))


def encode_flac(wav: Float32[np.ndarray, "n *c"], rate_hz: int) -> bytes:
    """Compresses a waveform without loss to 16-bit FLAC, the form in which prepared records hold sound.

    Args:
      wav: waveform in [-1, 1], [n] for one channel or [n, c] for 1 to 8 channels; louder samples are clipped.
      rate_hz: sample rate in Hz.

    Returns:
      The bytes of a FLAC file; [n] and [n, 1] give the same.

    Raises:
      UserError: if there are more channels than FLAC holds.
    """
    if wav.ndim > 1 and not 1 <= wav.shape[1] <= _FLAC_CHANNELS:
        raise UserError(f"a sound of {wav.shape[1]} channels: FLAC holds 1 to {_FLAC_CHANNELS}; mix some of them")
    buffer = io.BytesIO()
    soundfile.write(buffer, wav, rate_hz, subtype="PCM_16", format="FLAC")
    return buffer.getvalue()


def decode_flac(data: bytes) -> tuple[Float32[np.ndarray, "n"], int]:
    """Decodes the bytes of `encode_flac` to one channel.

    Args:
      data: the bytes of a FLAC file.

    Returns:
      The waveform in [-1, 1], the mean of the channels where there are several as in `read_sound`, and its sample
      rate in Hz.

    Raises:
      UserError: if the bytes are not FLAC.
    """
    wav, rate_hz = decode_channels(data)
    return wav[:, 0] if wav.shape[1] == 1 else wav.mean(axis=1), rate_hz


def decode_channels(data: bytes) -> tuple[Float32[np.ndarray, "n c"], int]:
    """Decodes the bytes of `encode_flac` with all channels.

    Args:
      data: the bytes of a FLAC file.

    Returns:
      The channels in [-1, 1], [n, 1] where there is only one, and their sample rate in Hz.

    Raises:
      UserError: if the bytes are not FLAC.
    """
    try:
        return soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UserError(f"a record's sound ({len(data)} bytes) is not FLAC; prepare the data again") from error


def _check_window(path: PathLike, start_s: float, duration_s: float | None) -> None:
    if start_s < 0 or (duration_s is not None and duration_s <= 0):
        problem = f"no sound starts at {start_s:g} s and lasts {duration_s} s"
        raise file_error(path, problem, "choose a window inside the recording")

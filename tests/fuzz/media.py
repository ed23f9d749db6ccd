"""Small films and sounds of every kind that PyAV can write, their clocks bent and their bytes damaged."""

import contextlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from hypothesis import strategies as st

from tests.fuzz.bytes_changed import Change, change, changes

# HEVC is not among them: its encoder here ends the process for pictures as small as these.
# Ending → (format, codecs of pictures, codecs of sound).
CONTAINERS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    ".mp4": ("mp4", ("libx264", "mpeg4", "libx264", "libx264", "libvpx-vp9"), ("aac", "libmp3lame", "ac3")),
    ".mov": ("mov", ("libx264", "mjpeg", "prores_ks", "qtrle", "png"), ("pcm_s16le", "pcm_s24le", "aac", "pcm_f32le")),
    ".mkv": ("matroska", ("libx264", "ffv1", "libvpx", "mpeg2video"), ("flac", "libopus", "pcm_f32le", "aac")),
    ".webm": ("webm", ("libvpx", "libvpx-vp9"), ("libopus",)),
    ".avi": ("avi", ("mpeg4", "mjpeg", "rawvideo", "libx264"), ("pcm_s16le", "libmp3lame")),
    ".ts": ("mpegts", ("libx264", "mpeg2video"), ("aac", "mp2")),
    ".mpg": ("mpeg", ("mpeg1video",), ("mp2",)),
    ".flv": ("flv", ("flv", "libx264"), ("libmp3lame", "aac")),
    ".wmv": ("asf", ("wmv2", "msmpeg4"), ("wmav2",)),
    ".3gp": ("3gp", ("mpeg4",), ("aac",)),
    ".nut": ("nut", ("mpeg4",), ("pcm_s16le",)),
    ".gif": ("gif", ("gif",), ()),
    ".y4m": ("yuv4mpegpipe", ("rawvideo",), ()),
    ".h264": ("h264", ("libx264",), ()),
}
SOUNDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    ".wav": (
        "wav",
        ("pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "adpcm_ms"),
    ),
    ".flac": ("flac", ("flac",)),
    ".mp3": ("mp3", ("libmp3lame",)),
    ".ogg": ("ogg", ("libopus", "flac")),
    ".m4a": ("ipod", ("aac",)),
    ".aac": ("adts", ("aac",)),
    ".aiff": ("aiff", ("pcm_s16be", "pcm_s24be")),
    ".w64": ("w64", ("pcm_s16le",)),
    ".caf": ("caf", ("pcm_s16le", "pcm_f32be")),
    ".wma": ("asf", ("wmav2",)),
    ".mka": ("matroska", ("flac", "libopus", "pcm_f32le")),
    ".au": ("au", ("pcm_s16be",)),
    ".ac3": ("ac3", ("ac3",)),
}
# The others know a few rates alone.
_FREE_CLOCKS = ("libx264", "libvpx", "libvpx-vp9", "ffv1", "mjpeg", "prores_ks", "qtrle", "png", "rawvideo")
RATES_FPS = ("1", "5", "10", "12", "15", "24000/1001", "24", "25", "30000/1001", "30", "50", "60", "120", "7/3", "240")
RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)
LAYOUTS = ("mono", "stereo", "2.1", "3.0", "quad", "5.1", "7.1")
CLOCKS = ("even", "even", "even", "jitter", "gap", "late", "early", "twice", "backwards", "jump", "one")
WAVES = (
    *["hits"] * 6,
    "noise",
    "noise",
    "silence",
    "tone",
    "loud",
    "nan",
    "infinite",
    "huge",
    "opposite",
    "right only",
)


class Sounding(NamedTuple):
    """A track of sound: its codec by number among those of the container, and what is wrong with its clock."""

    codec: int
    rate_hz: int
    layout: str
    wave: str
    seconds: float
    begins_s: float
    gap_s: float


class Filming(NamedTuple):
    """A film of noise."""

    suffix: str
    codec: int
    width: int
    height: int
    fps: str
    pictures: int
    clock: str
    skip_s: float
    degrees: int
    options: tuple[tuple[str, str], ...]
    sounds: tuple[Sounding, ...]
    harm: list[Change]


def soundings(seconds: st.SearchStrategy[float]) -> st.SearchStrategy[Sounding]:
    """Tracks of sound."""
    begins, gaps = st.sampled_from((0.0, 0.0, 0.0, 0.02, 0.5, 3.0)), st.sampled_from((0.0, 0.0, 0.0, 0.1, 2.0))
    return st.builds(
        Sounding,
        st.integers(0, 7),
        st.sampled_from(RATES_HZ),
        st.sampled_from(("mono", "stereo", *LAYOUTS)),
        st.sampled_from(WAVES),
        seconds,
        begins,
        gaps,
    )


def films(*, harmed: bool) -> st.SearchStrategy[Filming]:
    """Films, with their bytes damaged or as they were written."""
    # The usual form comes often, so that what lies behind the opening of a file is reached.
    size = st.one_of(st.integers(2, 8), st.integers(8, 40).map(lambda k: 2 * k))
    seconds = st.sampled_from((0.02, 0.3, 1.0, 1.7, 3.1))
    options = st.sampled_from(((), (), (("movflags", "frag_keyframe+delay_moov"),), (("movflags", "+faststart"),)))
    return st.builds(
        Filming,
        st.sampled_from((".mp4", ".mp4", ".mov", ".mkv", *CONTAINERS)),
        st.integers(0, 4),
        size,
        size,
        st.sampled_from(RATES_FPS),
        st.one_of(st.integers(1, 3), st.integers(1, 40)),
        st.sampled_from(CLOCKS),
        st.sampled_from((0.05, 0.7, 4.0, 11.0)),
        st.sampled_from((0, 0, 0, 90, 180, 270, 45)),
        options,
        st.lists(soundings(seconds), max_size=3).map(tuple),
        changes() if harmed else st.just([]),
    )


class Heard(NamedTuple):
    """A sound file."""

    suffix: str
    sound: Sounding
    harm: list[Change]


def sounds(*, harmed: bool) -> st.SearchStrategy[Heard]:
    """Sound files of every usual kind."""
    seconds = st.sampled_from((0.5, 0.1, 1.0, 2.5, 0.01, 0.0))
    harm = changes() if harmed else st.just([])
    return st.builds(Heard, st.sampled_from(tuple(SOUNDS)), soundings(seconds), harm)


def write_film(path: Path, film: Filming) -> None:
    """Writes a film as far as its container lets it be written; what PyAV refuses half-way stays half-way."""
    form, pictures, tones = CONTAINERS[film.suffix]
    path.touch()
    with contextlib.suppress(Exception):
        with av.open(str(path), "w", format=form, container_options=dict(film.options)) as container:
            _write(container, film, pictures[film.codec % len(pictures)], tones)
    change(path, film.harm)


def write_sound(path: Path, heard: Heard) -> None:
    """Writes a sound file as far as its container lets it be written."""
    form, codecs = SOUNDS[heard.suffix]
    path.touch()
    with contextlib.suppress(Exception):
        with av.open(str(path), "w", format=form) as container:
            stream = _sound_stream(container, heard.sound, codecs)
            if stream is not None:
                _sound_packets(container, stream, heard.sound)
    change(path, heard.harm)


def _write(container: Any, film: Filming, codec: str, tones: tuple[str, ...]) -> None:
    rate = Fraction(film.fps)
    stream = container.add_stream(codec, rate, width=film.width, height=film.height)
    formats = stream.codec_context.codec.video_formats
    stream.pix_fmt = formats[0].name if formats else "yuv420p"
    if codec in _FREE_CLOCKS:
        stream.codec_context.time_base = min(1 / (rate * 4), Fraction(1, 600))
    if codec == "libx264":
        stream.options = {"preset": "ultrafast", "bf": "2"}
    if film.degrees:
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            stream.set_display_rotation(film.degrees)
    tracks = [(_sound_stream(container, sound, tones), sound) for sound in film.sounds if tones]
    rng = np.random.default_rng(film.pictures)
    for time_s in times_of(film):
        pixels = rng.integers(0, 256, (film.height, film.width, 3), np.uint8)
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        picture.time_base = Fraction(1, 60_000)
        picture.pts = round(time_s * 60_000)
        with contextlib.suppress(av.error.FFmpegError):
            container.mux(stream.encode(picture))
    with contextlib.suppress(av.error.FFmpegError):
        container.mux(stream.encode(None))
    for track, sound in tracks:
        if track is not None:
            with contextlib.suppress(Exception):
                _sound_packets(container, track, sound)


def times_of(film: Filming) -> list[float]:
    """When the pictures of a film are shown, in seconds of the container's clock."""
    period, n, skip = float(1 / Fraction(film.fps)), film.pictures, film.skip_s
    even = [k * period for k in range(n)]
    if film.clock == "jitter":
        rng = np.random.default_rng(n)
        return sorted(float(time + rng.uniform(0, 0.8) * period) for time in even)
    if film.clock == "gap":
        return [time + skip * (k >= n // 2) for k, time in enumerate(even)]
    if film.clock == "late":
        return [time + skip for time in even]
    if film.clock == "early":
        return [time - min(skip, 1.0) for time in even]
    if film.clock == "twice":
        return [even[k // 2] for k in range(n)]
    if film.clock == "backwards":
        return even[: n // 2] + even[: n - n // 2]
    if film.clock == "jump":
        return [*even[:-1], even[-1] + 3 * skip]
    return even[:1] if film.clock == "one" else even


def wave(sound: Sounding, channels: int) -> np.ndarray:
    """The samples of a track, [c, n] float32."""
    n, rng = round(sound.seconds * sound.rate_hz), np.random.default_rng(sound.rate_hz)
    wav = np.zeros((channels, n), np.float32)
    if sound.wave == "noise":
        wav[:] = 0.3 * rng.standard_normal((channels, n))
    elif sound.wave in ("hits", "opposite", "right only"):
        decay = np.exp(-np.arange(n) / (0.02 * sound.rate_hz))
        for first in range(n // 10, n, max(n // 3, 1)):
            wav[:, first:] += (decay * rng.standard_normal(n) * 0.5)[: n - first]
        if sound.wave == "opposite" and channels > 1:
            wav[1] = -wav[0]
        if sound.wave == "right only":
            wav[:-1] = 0
    elif sound.wave == "tone":
        wav[:] = 0.5 * np.sin(np.arange(n) * 0.2)
    elif sound.wave == "loud":
        wav[:] = np.sign(rng.standard_normal((channels, n)))
    elif n:
        wav[:, n // 2] = {"nan": np.nan, "infinite": np.inf, "huge": 1e30}.get(sound.wave, 0.0)
    return wav


def _sound_stream(container: Any, sound: Sounding, codecs: tuple[str, ...]) -> Any:
    """Adds a track, None where the codec does not have the rate or the layout."""
    codec = codecs[sound.codec % len(codecs)]
    rates = av.Codec(codec, "w").audio_rates
    rate_hz = sound.rate_hz if not rates or sound.rate_hz in rates else rates[0]
    for layout in (sound.layout, "stereo", "mono"):
        with contextlib.suppress(av.error.FFmpegError, ValueError):
            stream = container.add_stream(codec, rate_hz, layout=layout, bit_rate=64_000)
            stream.codec_context.open(strict=False)
            return stream
    return None


def _sound_packets(container: Any, stream: Any, sound: Sounding) -> None:
    """Encodes a track in blocks of its codec, one of them later where there is a gap."""
    context = stream.codec_context
    rate_hz, channels = context.sample_rate, len(context.layout.channels)
    wav = wave(sound._replace(rate_hz=rate_hz), channels)
    resampler = av.AudioResampler(context.format, context.layout, rate_hz, context.frame_size or 1024)
    first = round(sound.begins_s * rate_hz)
    for number, start in enumerate(range(0, wav.shape[1], 1024)):
        block = np.ascontiguousarray(wav[:, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=context.layout)
        late = round(sound.gap_s * rate_hz) if number > 4 else 0
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, first + late + start, Fraction(1, rate_hz)
        for made in resampler.resample(frame):
            container.mux(stream.encode(made))
    container.mux(stream.encode(None))

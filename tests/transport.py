"""Small films that say what they show and when: pictures that get lighter, bursts of noise at known times."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.video.film import Film

RATE_HZ, TICKS_HZ = 48_000, 90_000


def write_burst_film(
    path: Path,
    *,
    pictures: int = 50,
    fps: int = 25,
    first_s: float = 0.0,
    sound_first_s: float | None = None,
    bursts_s: Sequence[float] = (0.5, 1.5),
    grey: int = 20,
    options: dict[str, str] | None = None,
    codec: str = "libx264",
    seconds: float | None = None,
) -> Path:
    """Writes pictures of growing grey from `first_s` on, and sound with bursts so long after its own beginning."""
    events: list[tuple[Fraction, Any]] = []
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, fps, options=options or {}, width=64, height=48)
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, TICKS_HZ)
        audio = out.add_stream("aac", RATE_HZ, layout="mono")
        for k in range(pictures):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey + 2 * k % 200, np.uint8), "rgb24")
            picture.pts, picture.time_base = round((first_s + k / fps) * TICKS_HZ), Fraction(1, TICKS_HZ)
            events += [(packet.dts * packet.time_base, packet) for packet in video.encode(picture)]
        events += [(packet.dts * packet.time_base, packet) for packet in video.encode(None)]
        wav = np.zeros(round(RATE_HZ * (seconds or pictures / fps)), np.float32)
        for burst_s in bursts_s:
            place = wav[round(burst_s * RATE_HZ) :][:2400]
            place[:] = 0.5 * np.random.default_rng(0).standard_normal(2400)[: len(place)]
        begin = round((first_s if sound_first_s is None else sound_first_s) * RATE_HZ)
        for k in range(0, len(wav), 1024):
            frame = av.AudioFrame.from_ndarray(wav[None, k : k + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, k + begin, Fraction(1, RATE_HZ)
            events += [(packet.dts * packet.time_base, packet) for packet in audio.encode(frame)]
        events += [(packet.dts * packet.time_base, packet) for packet in audio.encode(None)]
        for _, packet in sorted(events, key=lambda event: event[0]):
            out.mux(packet)
    return path


def join(path: Path, *parts: Path) -> Path:
    """Puts files behind each other, byte by byte."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def greys(path: Path, fps: float = 25) -> list[int]:
    """The mean grey of every picture."""
    with Film.open(path) as film:
        return [round(float(picture.mean())) for picture in film.pictures(fps, 12, 16, look="grey")]


def bursts(path: Path) -> list[float]:
    """When the sound begins to be loud, in tenths of a second."""
    loud = np.abs(read_sound(path, 8000)) > 0.1
    return [float(k) / 10 for k in np.flatnonzero(np.pad(loud, (0, -len(loud) % 800)).reshape(-1, 800).any(axis=1))]

"""Small films for tests; a picture's number is written in the grey of its two halves."""

import pathlib
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pytest

FIRST, STEP, DIGITS = 20, 14, 16  # grey of digit 0, distance of digits, base of the number


@pytest.fixture
def numbers_of() -> Callable[[np.ndarray], list[int]]:
    """Tells the numbers of the pictures in frames read back."""

    def numbers(frames):
        third = frames.shape[2] // 3
        halves = frames[:, :, :third], frames[:, :, -third:]
        high, low = (np.round((half.reshape(len(half), -1).mean(axis=1) - FIRST) / STEP) for half in halves)
        return (high * DIGITS + low).astype(int).tolist()

    return numbers


@pytest.fixture
def noise() -> np.ndarray:
    """Two seconds of noise at 44.1 kHz."""
    return (0.2 * np.random.default_rng(0).standard_normal(88200)).astype(np.float32)


@pytest.fixture
def make_film(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Writes a film with PyAV alone, independent of the code under test."""

    def make(
        name="film.mp4",
        n=50,
        fps=25,
        size=(48, 64),
        codec="libx264",
        pixels="yuv420p",
        ticks=None,
        tick=None,
        wav=None,
        degrees=0,
        mirror=False,
        half=False,
        busy=False,
        options=None,
        container_options=None,
    ):
        path = tmp_path / name
        rate = Fraction(fps).limit_denominator(1001)
        with av.open(str(path), "w", container_options=container_options or {}) as container:
            video = container.add_stream(codec, rate, width=size[1], height=size[0])
            video.pix_fmt = pixels
            if tick is not None:
                video.codec_context.time_base = tick
            if codec == "libx264":
                video.options = {"crf": "1", **(options or {})}
            if degrees or mirror:
                video.set_display_rotation(-degrees, hflip=mirror)
            sound = None if wav is None else container.add_stream("aac", 44100, layout="mono", bit_rate=192000)
            for number in range(n):
                image = np.full((*size, 3), FIRST + STEP * (number % DIGITS), np.uint8)
                image[:, : size[1] // 2] = FIRST + STEP * (number // DIGITS)
                if half:
                    image[:] = 0
                    image[:, : size[1] // 2] = 255
                if busy:
                    image += np.random.default_rng(number).integers(0, 20, image.shape, np.uint8)
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                picture.pts = number if ticks is None else ticks[number]
                picture.time_base = tick or 1 / rate
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
            if sound is not None:
                frame = av.AudioFrame.from_ndarray(wav[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 44100, 0, Fraction(1, 44100)
                container.mux(sound.encode(frame))
                container.mux(sound.encode(None))
        return path

    return make

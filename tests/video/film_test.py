"""Laws of a film that is opened once: read again and again it is the same, in either look, and arrays are films too."""

from typing import Any
from unittest import mock

import av
import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.video.container import Media
from vis2sound_jax.video.files import read_frames
from vis2sound_jax.video.film import Film

FORMS: list[dict[str, Any]] = [
    {"name": "f.mp4"},
    {"name": "f.mov", "codec": "libx265", "size": (96, 128)},
    {"name": "f.mkv"},
    {"name": "f.webm", "codec": "libvpx-vp9"},
    {"name": "f.ts"},
    {"name": "f.avi", "codec": "mjpeg", "pixels": "yuvj420p"},
    {"name": "f.mp4", "ticks": range(20, 70)},
    {"name": "f.mp4", "options": {"g": "25", "bf": "3"}},
]


def stack(pictures: Any) -> np.ndarray:
    return np.stack(list(pictures))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["name"] + ("" if len(form) < 2 else "+"))
def test_every_reading_begins_at_the_first_picture(make_film, form) -> None:
    path = make_film(**form)
    with Film.open(path) as film:
        pictures = film.pictures(25, 24, 32)
        first, again = stack(pictures), stack(pictures)
        for picture in pictures:  # left in the middle
            np.testing.assert_array_equal(picture, first[0])
            break
        np.testing.assert_array_equal(stack(film.pictures(25, 24, 32, start_s=0.4, duration_s=0.4)), first[10:20])
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, read_frames(path, 25, 24, 32))
    assert len(first) == len(pictures) == 50


@pytest.mark.parametrize("name", ["f.mp4", "f.mov", "f.mkv", "f.avi"])
def test_the_file_is_opened_once(make_film, name) -> None:
    path = make_film(name, **({"codec": "mjpeg", "pixels": "yuvj420p"} if name == "f.avi" else {}))
    with mock.patch.object(av, "open", side_effect=av.open) as opened, Film.open(path) as film:
        for _ in range(3):
            stack(film.pictures(10, 8, 8))
    assert opened.call_count == 1


def test_both_looks_come_from_one_decoding(make_film) -> None:
    with Film.open(make_film(busy=True)) as film:
        pairs = list(film.pictures(12.5, 24, 32, look="both"))
        np.testing.assert_array_equal(stack(film.pictures(12.5, 24, 32, look="grey")), stack(p[0] for p in pairs))
        np.testing.assert_array_equal(stack(film.pictures(12.5, 24, 32)), stack(p[1] for p in pairs))


def test_arrays_are_a_film_with_a_clock_of_their_own() -> None:
    frames = np.repeat(np.arange(0, 200, 10, dtype=np.uint8), 8 * 8 * 3).reshape(20, 8, 8, 3)
    film = Film.of_frames(frames, 10.0, "drawn")
    assert (film.name, film.path, film.duration_s, film.fps) == ("drawn", None, 2.0, 10.0)
    shown = stack(film.pictures(5, 8, 8))
    np.testing.assert_array_equal(shown[:, 0, 0, 0], np.arange(0, 200, 20))
    assert stack(film.pictures(20, 4, 4, look="grey")).shape == (40, 4, 4)
    with pytest.raises(ValueError, match="0 frames at 25 a second make no film"):
        Film.of_frames(frames[:0], 25)
    with pytest.raises(UserError, match="drawn: no 10 frames at 5 fps from 1.00 s on in a film of 2.00 s"):
        film.pictures(5, 8, 8, start_s=1.0, duration_s=2.0)


def test_what_is_no_film_is_refused_and_closed(make_film, tmp_path) -> None:
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", 8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(UserError, match="sound.wav: has no video stream; use a film"):
        Film.open(tmp_path / "sound.wav")
    with pytest.raises(UserError, match="none.mp4: no such file; check the path"):
        Media(tmp_path / "none.mp4")


def test_a_file_that_cannot_seek_is_opened_again(make_film) -> None:
    path = make_film()
    with Media(path) as media:
        media._returns = False
        with mock.patch.object(av, "open", side_effect=av.open) as opened:
            media.rewind()
        assert opened.call_count == 1
        assert len(list(media.decode_from("video", 0.0))) == 50

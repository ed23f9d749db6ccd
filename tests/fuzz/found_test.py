"""Inputs that the harness found and that were wrongly answered once; each stands for its kind."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests.fuzz import wavs
from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.container import Media
from vis2sound_jax.video.mux import write_film
from vis2sound_jax.video.target import check_pictures


def test_sound_that_nothing_decodes_is_a_line(tmp_path: Path) -> None:
    wavs.write_wav(tmp_path / "a.wav", wavs._with(form=3, bits=16))
    with pytest.raises(UserError, match="a.wav: its sound is of an unknown form; convert it to wav"):
        read_sound(tmp_path / "a.wav", 22050)


def test_whole_numbers_of_64_bits_are_read(tmp_path: Path) -> None:
    wanted = np.sin(np.arange(8000) / 9).astype(np.float32)
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s64le", 8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(wanted[None], format="flt", layout="mono")
        frame.sample_rate = 8000
        for made in av.AudioResampler("s64", "mono", 8000).resample(frame):
            container.mux(stream.encode(made))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(read_sound(tmp_path / "a.wav", 8000), wanted, atol=1e-6)


def test_pictures_that_nothing_decodes_are_a_line(tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    write_film(film, np.zeros((3, 16, 16, 3), np.uint8), 10.0)
    film.write_bytes(film.read_bytes().replace(b"avc1", b"zzz1"))
    with Media(film) as media, pytest.raises(UserError, match="a.mp4: its pictures are of an unknown form; re-encode"):
        check_pictures(media, tmp_path / "b.mkv")

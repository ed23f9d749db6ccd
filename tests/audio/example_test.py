"""Laws of examples: a film with sound, a bare sound and arrays are read alike."""

import numpy as np
import pytest

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import read_sound, write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.film import Film


def test_a_film_is_heard_on_its_own_clock_and_seen(make_film, noise) -> None:
    path = make_film(wav=noise)
    with Example.open(path) as example:
        assert example.name == "film.mp4" and example.film is not None
        heard = example.read(22050)
        assert len(list(example.film.pictures(25, 8, 8))) == 50
        np.testing.assert_array_equal(example.read(22050), heard)
    np.testing.assert_array_equal(heard, read_sound(path, 22050))


def test_a_sound_file_has_no_film(noise, tmp_path) -> None:
    write_wav(tmp_path / "noise.wav", noise, 44100)
    with Example.open(tmp_path / "noise.wav") as example:
        assert example.film is None and example.path == tmp_path / "noise.wav"
        np.testing.assert_array_equal(example.read(44100), read_sound(tmp_path / "noise.wav", 44100))


def test_arrays_are_resampled_and_may_have_pictures(noise) -> None:
    film = Film.of_frames(np.zeros((4, 8, 8, 3), np.uint8), 2.0)
    example = Example.of_wav(noise, 44100, "noise", film)
    assert (example.name, example.path, example.film) == ("noise", None, film)
    np.testing.assert_array_equal(example.read(44100), noise)
    assert len(example.read(22050)) == 44100
    example.close()


def test_bad_files_are_told(make_film, tmp_path) -> None:
    with (
        Example.open(make_film()) as mute,
        pytest.raises(UserError, match="film.mp4: has no sound track; use a"),
    ):
        mute.read(22050)
    with pytest.raises(UserError, match="none.wav: no such file; check the path"):
        Example.open(tmp_path / "none.wav")

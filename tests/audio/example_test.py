"""Laws of examples: a film with sound, a bare sound and arrays are read alike."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import read_sound, write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import write_film


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


@pytest.mark.parametrize("rate_hz", [8000, 44100, 96000, 192000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_files_of_every_form_are_read_with_their_channels(tmp_path, rate_hz: int, subtype: str, channels: int) -> None:
    wav = (0.1 * np.random.default_rng(0).standard_normal((rate_hz // 2, channels))).astype(np.float32)
    write_wav(tmp_path / "s.wav", wav, rate_hz, subtype=subtype)
    with Example.open(tmp_path / "s.wav") as example:
        heard, own_hz = example.read_channels()
        assert own_hz == example.rate_hz == rate_hz and heard.dtype == np.float32
        assert heard.shape == (rate_hz // 2, min(channels, 2))
        if channels > 2:
            sides = wav[:, [0, 1]] + 0.5**0.5 * (wav[:, [2]] + wav[:, [4, 5]])
            wav = sides if channels == 6 else sides + 0.5**0.5 * wav[:, [6, 7]]
        np.testing.assert_allclose(heard, wav, atol=0 if subtype == "FLOAT" and channels < 3 else 1e-4)
        again, again_hz = example.read_channels(48000)
        assert again_hz == 48000 and again.shape == (24000, min(channels, 2))


def test_a_window_of_a_films_channels_lies_on_its_clock(make_film, noise) -> None:
    with Example.open(make_film(wav=noise, ticks=range(20, 70))) as example:
        whole, rate_hz = example.read_channels(48000)
        part, _ = example.read_channels(48000, start_s=0.5, duration_s=0.25)
        beyond, _ = example.read_channels(48000, start_s=1.5, duration_s=1.0)
        np.testing.assert_array_equal(whole[:, 0], example.read(48000))
    assert whole.shape == (96000, 1) and rate_hz == 48000 and beyond.shape == (48000, 1) and not beyond[25000:].any()
    np.testing.assert_allclose(part, whole[24000:36000], atol=1e-4)


def test_arrays_have_channels_too(noise) -> None:
    stereo = np.stack([noise, -0.5 * noise], axis=1)
    example = Example.of_wav(stereo, 44100)
    assert example.rate_hz == 44100
    np.testing.assert_array_equal(example.read_channels()[0], stereo)
    np.testing.assert_allclose(example.read(44100), noise / 4, atol=1e-7)
    part, rate_hz = example.read_channels(22050, start_s=1.5, duration_s=1.0)
    assert part.shape == (22050, 2) and rate_hz == 22050 and not part[11025:].any()
    assert Example.of_wav(noise, 44100).read_channels()[0].shape == (88200, 1)


def test_a_film_without_sound_has_no_channels(make_film) -> None:
    with Example.open(make_film()) as example, pytest.raises(UserError, match="film.mp4: has no sound track"):
        example.read_channels()


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("block_s", [0.1, 0.37, 5.0])
def test_blocks_are_the_whole_sound_piece_by_piece(tmp_path: Path, channels: int, block_s: float) -> None:
    wav = (0.3 * np.random.default_rng(0).standard_normal((44_100, channels))).astype(np.float32)
    write_wav(tmp_path / "sound.wav", wav, 44_100, subtype="FLOAT")
    with Example.open(tmp_path / "sound.wav") as example:
        blocks = list(example.blocks(block_s))
        whole, _ = example.read_channels()
        np.testing.assert_array_equal(np.concatenate(blocks), whole)
        assert {len(block) for block in blocks[:-1]} <= {round(block_s * 44_100)}
    arrays = Example.of_wav(whole, 44_100)
    np.testing.assert_array_equal(np.concatenate(list(arrays.blocks(block_s))), whole)


def test_blocks_of_a_film_end_with_its_pictures(tmp_path: Path) -> None:
    wav = (0.3 * np.random.default_rng(0).standard_normal(3 * 48_000)).astype(np.float32)
    write_film(tmp_path / "film.mp4", np.zeros((50, 16, 16, 3), np.uint8), 25.0, wav=wav, rate_hz=48_000)
    with Example.open(tmp_path / "film.mp4") as example:
        blocks = np.concatenate(list(example.blocks(0.3)))
        assert blocks.shape == (2 * 48_000, 1)
        np.testing.assert_allclose(blocks, example.read_channels()[0], atol=1e-6)

"""Laws of the five steps: each hands on one value, a film is opened once, what was given stays as it was."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import av
import numpy as np
import pytest

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.steps import Composed, Events, Progress, Request, Result, Watched, as_film, generate
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import write_film

RATE_HZ = 8000


class Clicks:
    """A system that clicks at every frame brighter than the one before."""

    config: Any = SimpleNamespace(name="clicks", system="clicks")
    rate_hz = RATE_HZ

    def __init__(self) -> None:
        self.done: list[str] = []

    def watch(self, film: Film) -> Watched:
        self.done.append("watch")
        levels = np.array([float(np.mean(picture)) for picture in film.pictures(10, 8, 8, look="grey")])
        times_s = (np.flatnonzero(np.diff(levels) > 5) + 1) / 10
        return Watched(film, Events(times_s, np.ones(len(times_s))), levels)

    def compose(self, watched: Watched, request: Request, progress: Progress | None = None) -> Composed:
        self.done.append("compose")
        if progress:
            progress(1, 1)
        return Composed(watched, request, watched.events)

    def sound(self, composed: Composed) -> Result:
        self.done.append("sound")
        wavs = np.zeros((composed.request.takes, round(composed.watched.film.duration_s * RATE_HZ)), np.float32)
        wavs[:, np.round(composed.events.times_s * RATE_HZ).astype(int)] = 1.0
        return Result(composed, wavs, RATE_HZ, composed.events, np.arange(len(wavs)))

    def rank(self, result: Result) -> Result:
        self.done.append("rank")
        return dataclasses.replace(result, order=result.order[::-1])


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds, brighter from 0.5 and from 1.2 s on."""
    pixels = np.zeros((20, 16, 16, 3), np.uint8)
    pixels[5:], pixels[12:] = 100, 200
    write_film(tmp_path / "film.mp4", pixels, 10)
    return tmp_path / "film.mp4"


def test_a_film_goes_through_all_steps_in_order(film: Path) -> None:
    system, told = Clicks(), []
    result = generate(system, film, Request(takes=2, seed=3), lambda *numbers: told.append(numbers))
    assert system.done == ["watch", "compose", "sound", "rank"] and told == [(1, 1)]
    np.testing.assert_allclose(result.events.times_s, [0.5, 1.2])
    assert result.seed == 3 and result.film.path == film and result.best == 1
    assert result.codes is None and result.envelopes is None


def test_steps_can_be_taken_by_hand_and_entered_with_other_events(film: Path) -> None:
    system = Clicks()
    with Film.open(film) as opened:
        composed = system.compose(system.watch(opened), Request())
        edited = dataclasses.replace(composed, events=Events(np.array([0.1]), np.ones(1)))
        assert np.flatnonzero(system.sound(edited).wavs[0]).tolist() == [800]
        assert np.flatnonzero(system.sound(composed).wavs[0]).tolist() == [4000, 9600]


def test_arrays_may_come_in_instead_of_files() -> None:
    pixels = np.zeros((20, 16, 16, 3), np.uint8)
    pixels[10:] = 250
    result = generate(Clicks(), Film.of_frames(pixels, 10.0), Request())
    np.testing.assert_allclose(result.events.times_s, [1.0])


@pytest.mark.parametrize("takes", [1, 4])
def test_a_film_is_opened_once_whatever_the_number_of_takes(film: Path, takes: int) -> None:
    opened: list[str] = []
    real = av.open

    def counted(name: str, *more: Any, **named: Any) -> Any:
        opened.append(name)
        return real(name, *more, **named)

    with mock.patch.object(av, "open", counted), Film.open(film) as source:
        write_result(generate(Clicks(), source, Request(takes=takes)), film.with_name("out.mp4"))
    assert opened.count(str(film)) == 1


def test_what_is_no_film_or_request_is_told(tmp_path: Path) -> None:
    write_wav(tmp_path / "sound.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    with pytest.raises(UserError, match="sound.wav: has no video stream; use a film"):
        as_film(tmp_path / "sound.wav")
    with pytest.raises(UserError, match="^takes is 0; at least 1 take is needed"):
        Request(takes=0)


def test_an_example_is_opened_by_its_name_or_taken_as_it_is(tmp_path: Path) -> None:
    write_wav(tmp_path / "sound.wav", 0.5 * np.ones(RATE_HZ, np.float32), RATE_HZ)
    with Example.open(tmp_path / "sound.wav") as example:
        assert Request(example=example).opened() == (example,) and example.film is None
        assert len(example.read(4000)) == 4000
    assert Request().opened() == ()
    assert [one.name for one in Request(example=tmp_path / "sound.wav").opened()] == ["sound.wav"]
    assert [one.name for one in Request(example=str(tmp_path / "sound.wav")).opened()] == ["sound.wav"]


def test_several_examples_and_folders_of_them(tmp_path: Path) -> None:
    for name in ("b.wav", "a.WAV", "c.wav"):
        write_wav(tmp_path / name, 0.5 * np.ones(RATE_HZ, np.float32), RATE_HZ)
    (tmp_path / "notes.txt").write_text("no sound")
    assert [one.name for one in Request(example=tmp_path).opened()] == ["a.WAV", "b.wav", "c.wav"]
    both = Request(example=(tmp_path / "c.wav", tmp_path / "b.wav")).opened()
    assert [one.name for one in both] == ["c.wav", "b.wav"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty: holds no sounds; name a folder with sound files, or a file"):
        Request(example=tmp_path / "empty").opened()

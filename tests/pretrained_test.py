"""The weights that ship: small, clean, as good as their cards say, and at hand right after installation."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vis2sound_jax import api
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.data.impacts import FilmNotes, impact_times
from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import pooled_average_precision
from vis2sound_jax.run.card import LICENCE, check_files, read_card
from vis2sound_jax.run.draw import run as draw
from vis2sound_jax.run.stage import settings_for
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.shipped import pretrained_dir, pretrained_names
from vis2sound_jax.systems.vis.soundtrack import predicted_impacts
from vis2sound_jax.world.recording import Measures, Recording, render_recording

ROOT = Path(__file__).parents[1]
MEGABYTES = 20
FILMS = {"condfoley": 8, "vis": 16}
# What few films may fall short of the lower end of the interval of many.
MARGIN = 0.1
_NUMBER = ("value", "low", "high")


def test_there_are_weights_of_both_systems_and_they_are_small() -> None:
    assert pretrained_names() == ["condfoley", "vis"]
    files = [path for name in pretrained_names() for path in pretrained_dir(name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MEGABYTES * 1e6


@pytest.mark.parametrize("system", FILMS)
def test_a_card_tells_clean_lineage_numbers_and_licence(system: str) -> None:
    folder = pretrained_dir(system)
    check_files(folder)
    card, settings = read_card(folder), settings_of(folder)
    assert card["system"] == settings.system == system
    assert settings.data.recordings == "procedural" and card["data"]["recordings"] == "procedural recordings"
    assert settings.init_from == "" and card["data"]["started from"] == "nothing"
    assert card["licence"] == LICENCE and card["limits"] and "--job=pack" in card["training"]["then"]
    for name, number in card["numbers"].items():
        assert all(0 <= number[key] <= 1 for key in _NUMBER)
        assert number["low"] <= number["value"] <= number["high"]
        # Half precision changes nothing that can be measured.
        assert number["value"] == pytest.approx(card["before_packing"][name]["value"], abs=0.005)


@pytest.mark.parametrize("system", FILMS)
def test_a_few_films_show_the_numbers_of_the_card(system: str) -> None:
    foley, card = api.load(system=system), read_card(pretrained_dir(system))
    score = _seen if system == "condfoley" else _found
    clips = [score(foley, film) for film in _films(foley.config, FILMS[system])]
    assert sum(len(clip.reference_s) for clip in clips) > 20
    assert pooled_average_precision(clips, 0.1) > card["numbers"]["onset AP"]["low"] - MARGIN


def _films(config: Any, count: int) -> list[Recording]:
    """The first test films of the world that the weights were trained on, without the losses of a codec."""
    data, world = config.data, config.world
    measures = Measures(world.seconds, data.fps, data.height, data.width, data.rate_hz, world.close_up)
    return [render_recording(config.seed, "test", index, measures) for index in range(count)]


def _seen(foley: Any, film: Recording) -> OnsetClip:
    events = foley.onsets(api.Film.of_frames(film.frames, film.fps, "film"))
    return OnsetClip(np.array([event.time_s for event in film.events]), events.times_s, events.confidence)


def _found(foley: Any, film: Recording) -> OnsetClip:
    watched = foley.watch(api.Film.of_frames(film.frames, film.fps, "film"))
    times_s, heights = predicted_impacts(watched.seen, foley.spec)
    peaks = (values.tolist() for values in amplitude_peaks(film.wav, film.rate_hz))
    events, words = [event.time_s for event in film.events], [""] * len(film.events)
    seconds = len(film.frames) / film.fps
    notes = FilmNotes("film", len(film.frames), film.fps, seconds, events, words, words, words, (0.0, seconds), *peaks)
    return OnsetClip(np.array(impact_times(notes)), times_s, heights)


def test_python_loads_them_by_the_name_of_their_system() -> None:
    assert api.load().config.system == "condfoley"
    with pytest.raises(
        UserError, match="system='autofoley': no such weights ship with vis2sound_jax; choose from cond"
    ):
        api.load(system="autofoley")


def _vis2sound(folder: Path, *words: str) -> str:
    """What a user does right after installation, in an empty folder."""
    program = [sys.executable, "-c", "from vis2sound_jax.cli import main; main()"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*program, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_makes_sound_in_an_empty_folder(tmp_path: Path) -> None:
    from configs.condfoley import get_config

    (tmp_path / "here").mkdir()
    draw(settings_for(get_config(), "draw", output=str(tmp_path / "drawn")), tmp_path)
    said = _vis2sound(tmp_path / "here", "generate", "../drawn/film.mp4", "--example", "../drawn/example.wav")
    page = pretrained_dir("condfoley") / "CARD.md"
    first, last = said.splitlines()
    assert first == f"no run in runs/condfoley: using the weights that ship with vis2sound_jax, see {page}"
    assert last.startswith(
        "vis2sound: generate is done: film film_sound.mp4, manifest film_sound.json, takes 4, events"
    )
    manifest = json.loads((tmp_path / "here" / "film_sound.json").read_text())
    assert manifest["trained_on"] == "procedural recordings" and len(manifest["events"]) > 3
    said = _vis2sound(tmp_path / "here", "generate", "../drawn/film.mp4", "--config=vis", "--output=vis.mp4")
    assert said.startswith("no run in runs/vis: using the weights that ship")
    assert not (tmp_path / "here" / "runs").exists()

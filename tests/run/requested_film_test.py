"""A requested film: named whole or not at all, never in the place of what it is made from, made by any system."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ml_collections import ConfigDict

from tests.run.steps_test import RATE_HZ, Clicks
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.delivery import Delivery
from vis2sound_jax.run.requested_film import asks_for_film, output_of, summary_of
from vis2sound_jax.run.requested_film import make_film as make_film_of
from vis2sound_jax.run.requests import DELIVERY
from vis2sound_jax.run.steps import Request
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

FILES = {"video": "FILM", "example": "SOUND", "output": "FILM.mp4"}


def request(**given: object) -> ConfigDict:
    return ConfigDict({**dict.fromkeys(FILES, ""), **{flag.name: flag.default for flag in DELIVERY}, **given})


def test_nothing_is_asked_for_or_all_of_it(tmp_path: Path) -> None:
    assert not asks_for_film(request(), FILES)
    assert asks_for_film(request(video="a.mp4", example="b.wav", output=str(tmp_path / "out.mp4")), FILES)
    with pytest.raises(
        UserError, match="--job=generate needs --video=FILM and --example=SOUND; --output=FILM.mp4 says"
    ):
        asks_for_film(request(video="a.mp4"), FILES)
    with pytest.raises(
        UserError, match="--job=generate needs --video=FILM; --output=FILM.mp4 says where the film goes"
    ):
        asks_for_film(request(output="out.mp4"), {name: FILES[name] for name in ("video", "output")})


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ({"video": "films/a.mp4", "output": "out.mov"}, "out.mov"),
        ({"video": "films/a.mp4"}, "a_sound.mp4"),
        ({"video": "films/a.b.MKV"}, "a.b_sound.mkv"),
        ({"video": "films/a.webm"}, "a_sound.webm"),
        ({"video": "films/a.webm", "pcm": True}, "a_sound.mkv"),
        ({"video": "films/a.avi"}, "a_sound.mp4"),
        ({"video": "films/a.mp4", "pcm": True}, "a_sound.mov"),
        ({"video": "films/a.mkv", "pcm": True}, "a_sound.mkv"),
    ],
)
def test_a_film_without_a_name_gets_one_in_the_current_folder(given: dict[str, object], output: str) -> None:
    assert output_of(request(**given)) == Path(output)


def test_a_name_that_was_made_up_replaces_no_input_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert asks_for_film(request(video="a.mp4", example="b.wav"), FILES)
    with pytest.raises(UserError, match="a_sound.wav: would be replaced by what is made from it"):
        asks_for_film(request(video="a.mp4", example="a_sound.wav"), FILES)


@pytest.mark.parametrize(("name", "takes"), [("out.wav", 1), ("out_take2.wav", 2), ("out.mp4", 1)])
def test_no_file_that_it_is_made_from_is_replaced(tmp_path: Path, name: str, takes: int) -> None:
    asked = request(video="a.mp4", example=str(tmp_path / name), output=str(tmp_path / "out.mp4"))
    with pytest.raises(UserError, match=f"{name}: would be replaced by what is made from it"):
        asks_for_film(asked, FILES, takes=takes)
    with pytest.raises(UserError, match="out.avi: has the ending .avi"):
        asks_for_film(request(**{**asked, "output": str(tmp_path / "out.avi")}), FILES)


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"keep_sound": "-6"}, "film.mp4: has no sound of its own to keep; leave --keep_sound out"),
        ({"pcm": True}, "out.mp4: a .mp4 does not hold PCM that players read; name a .mov or .mkv, or leave PCM out"),
        ({"rate": 50000}, "--rate=50000 is no rate that players know"),
        ({"lufs": "23"}, "--lufs=23 is no loudness"),
    ],
)
def test_what_cannot_be_delivered_is_told_before_the_work(
    tmp_path: Path, flags: dict[str, object], problem: str
) -> None:
    write_film(tmp_path / "film.mp4", np.zeros((5, 16, 16, 3), np.uint8), 10)
    files = {"video": str(tmp_path / "film.mp4"), "example": "b.wav", "output": str(tmp_path / "out.mp4")}
    with pytest.raises(UserError, match=problem):
        asks_for_film(request(**files, **flags), FILES)


@pytest.mark.parametrize("name", ["out.mp4", "out.wav", "out.json", "out_take2.mp4", "out_take2.wav"])
def test_files_of_the_user_are_told_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    asked = request(video="a.mp4", example="b.wav", output=str(tmp_path / "out.mp4"))
    with pytest.raises(UserError, match=f"{name}: is there already, and not as a file of this program; add"):
        asks_for_film(asked, FILES, takes=2)
    asked.overwrite = True
    assert asks_for_film(asked, FILES, takes=2) and (tmp_path / name).read_text() == "mine"


def test_a_container_that_cannot_hold_the_pictures_is_told_before_the_work(make_film: Any, tmp_path: Path) -> None:
    film = make_film("vp8.webm", n=5, codec="libvpx")
    files = {"video": str(film), "example": "b.wav"}
    with pytest.raises(UserError, match=r"out.mp4: mp4 cannot hold the vp8 pictures of .*; choose a .webm or .mkv out"):
        asks_for_film(request(**files, output=str(tmp_path / "out.mp4")), FILES)
    for name in ("out.webm", "out.mkv"):
        assert asks_for_film(request(**files, output=str(tmp_path / name)), FILES)
        made = make_film_of(Clicks(), film, Request(), tmp_path / name)
        assert made["takes"][0]["film"] == name and probe(tmp_path / name).has_sound


def test_any_system_makes_it(tmp_path: Path) -> None:
    pixels = np.zeros((20, 16, 16, 3), np.uint8)
    pixels[5:], pixels[12:] = 100, 200
    write_film(tmp_path / "film.mp4", pixels, 10)
    output = tmp_path / "out.mp4"
    manifest = make_film_of(Clicks(), tmp_path / "film.mp4", Request(takes=2), output)
    assert json.loads(output.with_suffix(".json").read_text()) == manifest and manifest["rate_hz"] == 48000
    assert manifest["delivery"]["made_at_hz"] == RATE_HZ
    assert summary_of(manifest, output) == {
        "film": str(output),
        "manifest": str(tmp_path / "out.json"),
        "takes": 2,
        "events": 2,
    }
    assert probe(tmp_path / "out_take2.mp4").has_sound
    louder = make_film_of(Clicks(), tmp_path / "film.mp4", Request(), output, Delivery(22050, lufs=-40.0))
    assert louder["rate_hz"] == 22050 and louder["takes"][0]["lufs"] == pytest.approx(-40.0, abs=0.1)

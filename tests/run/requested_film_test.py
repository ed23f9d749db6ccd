"""A requested film: named whole or not at all, never in the place of what it is made from, made by any system."""

import json
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from tests.run.steps_test import RATE_HZ, Clicks
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.requested_film import asks_for_film, make_film, summary_of
from vis2sound_jax.run.steps import Request
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

FILES = {"video": "FILM", "example": "SOUND", "output": "FILM.mp4"}


def request(**given: str) -> ConfigDict:
    return ConfigDict({**dict.fromkeys(FILES, ""), **given})


def test_nothing_is_asked_for_or_all_of_it(tmp_path: Path) -> None:
    assert not asks_for_film(request(), FILES)
    assert asks_for_film(request(video="a.mp4", example="b.wav", output=str(tmp_path / "out.mp4")), FILES)
    with pytest.raises(UserError, match="--job=generate needs --video=FILM, --example=SOUND and --output=FILM.mp4"):
        asks_for_film(request(video="a.mp4"), FILES)
    with pytest.raises(UserError, match="--job=generate needs --video=FILM and --output=FILM.mp4"):
        asks_for_film(request(output="out.mp4"), {name: FILES[name] for name in ("video", "output")})


@pytest.mark.parametrize(("name", "takes"), [("out.wav", 1), ("out_take2.wav", 2), ("out.mp4", 1)])
def test_no_file_that_it_is_made_from_is_replaced(tmp_path: Path, name: str, takes: int) -> None:
    asked = request(video="a.mp4", example=str(tmp_path / name), output=str(tmp_path / "out.mp4"))
    with pytest.raises(UserError, match=f"{name}: would be replaced by what is made from it"):
        asks_for_film(asked, FILES, takes=takes)
    with pytest.raises(UserError, match="out.avi: has the ending .avi"):
        asks_for_film(request(**{**asked, "output": str(tmp_path / "out.avi")}), FILES)


def test_any_system_makes_it(tmp_path: Path) -> None:
    pixels = np.zeros((20, 16, 16, 3), np.uint8)
    pixels[5:], pixels[12:] = 100, 200
    write_film(tmp_path / "film.mp4", pixels, 10)
    output = tmp_path / "out.mp4"
    manifest = make_film(Clicks(), tmp_path / "film.mp4", Request(takes=2), output)
    assert json.loads(output.with_suffix(".json").read_text()) == manifest and manifest["rate_hz"] == RATE_HZ
    assert summary_of(manifest, output) == {
        "film": str(output),
        "manifest": str(tmp_path / "out.json"),
        "takes": 2,
        "events": 2,
    }
    assert probe(tmp_path / "out_take2.mp4").has_sound

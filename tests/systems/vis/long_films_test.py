"""Laws of long films: no step holds all of their sound."""

from pathlib import Path
from typing import Any

import pytest

from tests.systems.condfoley.chain_films_test import still_film, watched_files
from vis2sound_jax.run.delivery import Delivery
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.vis.chain import load


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
def test_no_step_of_a_film_holds_all_of_its_sound(
    tiny_vis_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = load(tiny_vis_run)

    def sounded(seconds: int) -> Any:
        film = still_film(tmp_path / f"{seconds}.mp4", seconds)
        result = system.generate(film, Request())
        write_result(result, tmp_path / f"{seconds}_out.mp4", Delivery(lufs=-20.0))
        return result

    sounded(10)  # loads what is loaded once
    held = watched_files(monkeypatch)
    assert sounded(120).wavs.shape == (1, 120 * system.rate_hz)
    # As it is made the sound is 8 MB, and at 48 kHz 23, beside a louder copy and a limited one.
    print("MB of files held, at most:", round(max(held)))
    assert len(held) > 100 and max(held) < 16

"""Laws of long films: no step holds all of their sound."""

from pathlib import Path

import pytest

from tests.systems.condfoley.chain_films_test import peak_bytes, still_film
from vis2sound_jax import large
from vis2sound_jax.run import film_sound
from vis2sound_jax.run.delivery import Delivery
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.vis.chain import load


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read as Linux tells it")
def test_no_step_of_a_film_holds_all_of_its_sound(
    tiny_vis_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sounds lie in files from one MB on, so that two minutes show what an hour would."""
    monkeypatch.setattr(large, "MAPPED_BYTES", 1 << 20)
    monkeypatch.setattr(large, "_PIECE", 1 << 17)
    monkeypatch.setattr(film_sound, "_BLOCK_S", 5.0)
    system, grown = load(tiny_vis_run), []
    for seconds in (10, 10, 120):  # the first one compiles
        film = still_film(tmp_path / f"{seconds}.mp4", seconds)
        before = peak_bytes(reset=True)
        result = system.generate(film, Request())
        assert result.wavs.shape == (1, seconds * system.rate_hz)
        write_result(result, tmp_path / f"{seconds}_out.mp4", Delivery(lufs=-20.0))
        grown.append((peak_bytes() - before) / 2**20)
    print("MB beyond what the process holds, 10, 10 and 120 s:", [round(mb) for mb in grown])
    # At 48 kHz the sound is 23 MB, and there are its louder and its limited copy: in memory, more than 90.
    assert grown[2] < 60

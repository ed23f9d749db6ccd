"""Laws of the order of takes in a whole run: the rule that the settings name, where all takes are accepted."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_run import call, command
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.video.mux import write_film


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film, and a sound that knocks."""
    folder, rng = tmp_path_factory.mktemp("films"), np.random.default_rng(0)
    write_film(folder / "film.mp4", rng.integers(0, 256, (71, 30, 50, 3), np.uint8), 29.97)
    noise = (0.2 * rng.standard_normal(2 * 16000)).astype(np.float32)
    noise[::4000] = 0.9
    write_wav(folder / "sound.wav", noise, 16000)
    return folder


@pytest.mark.parametrize("rank", ["likeness", "agreement", "offset"])
def test_accepted_takes_lie_in_the_order_of_the_rule(tiny_run: Path, films: Path, tmp_path: Path, rank: str) -> None:
    """A tolerance beyond all offsets accepts every take, so that there is an order to see."""
    asked = ["--job=generate", f"--video={films / 'film.mp4'}", f"--example={films / 'sound.wav'}", "--engine=codes"]
    asked += ["--takes=4", f"--output={tmp_path / 'out.mp4'}"]
    rules = [f"--config.decoding.rank={rank}", "--config.decoding.tolerance_s=2.0"]
    answer = call(*command(tiny_run, *asked, *rules))
    assert answer.code == 0, answer.err
    takes = json.loads((tmp_path / "out.json").read_text())["takes"]
    assert len(takes) == 4 and all(take["accepted"] for take in takes)
    agreements, likenesses, offsets_s = (
        np.array([take[name] for take in takes]) for name in ("agreement", "likeness", "offset_s")
    )
    worst = {"likeness": -agreements - likenesses, "agreement": -agreements, "offset": np.abs(offsets_s)}[rank]
    # The manifest rounds to four decimals.
    assert (np.diff(worst) >= -2e-4).all() and (np.ptp(worst) > 1e-3 or rank == "offset")

"""Small recordings in the layout of Greatest Hits, and what preparation makes of them, for the tests of two rooms."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

FPS, RATE_HZ, SECONDS = 10, 8000, 5
HITS_S = (0.8, 2.0, 3.5)
IDS = [f"2015-01-01-00-00-0{number}" for number in range(6)]


def flashing_film(path: Path, *, silent: bool = False) -> np.ndarray:
    """Writes a dark film that flashes and clicks at HITS_S; returns its sound."""
    from vis2sound_jax.video.mux import write_film  # only the tests of two rooms wait for it

    frames = np.full((SECONDS * FPS, 32, 48, 3), 20, np.uint8)
    wav = np.zeros(SECONDS * RATE_HZ, np.float32)
    for time_s in HITS_S:
        frames[round(time_s * FPS)] = 230
        wav[round(time_s * RATE_HZ) : round(time_s * RATE_HZ) + 40] = 0.8
    write_film(path, frames, FPS, wav=None if silent else wav, rate_hz=None if silent else RATE_HZ)
    return wav


@pytest.fixture(scope="session")
def write_flashing_film() -> Callable[..., np.ndarray]:
    """Writes one film; see `flashing_film`."""
    return flashing_film


@pytest.fixture(scope="session")
def ids() -> list[str]:
    """Names of the recordings; the last one is for the test."""
    return IDS


@pytest.fixture(scope="session")
def hits_s() -> tuple[float, ...]:
    """Times of the flashes and clicks, in seconds."""
    return HITS_S


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six recordings in the Greatest Hits layout; the first has its sound in a file of its own."""
    from vis2sound_jax.audio.files import write_wav

    folder = tmp_path_factory.mktemp("recordings")
    for name in IDS:
        wav = flashing_film(folder / f"{name}_denoised.mp4")
        (folder / f"{name}_times.txt").write_text("".join(f"{t} wood hit None\n" for t in HITS_S))
    write_wav(folder / f"{IDS[0]}_denoised.wav", wav, RATE_HZ)
    (folder / "train.txt").write_text("\n".join(IDS[:5]))
    (folder / "test.txt").write_text(IDS[5])
    return folder


@pytest.fixture(scope="session")
def form():
    """The form in which they are prepared."""
    from vis2sound_jax.video.form import MediaForm

    return MediaForm(rate_hz=RATE_HZ, fps=FPS, height=16, width=24)


@pytest.fixture(scope="session")
def prepared(recordings, form, tmp_path_factory) -> Path:
    """The folder of their records; it is for reading."""
    from vis2sound_jax.prepare.dataset import prepare

    output = tmp_path_factory.mktemp("prepared") / "hits"
    prepare("greatest_hits", recordings, output, form=form, progress=lambda done, total: None)
    return output

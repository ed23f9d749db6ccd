"""Laws of whole films through the chain: odd clocks and shapes, bounded memory, few programs, no seams."""

import logging
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import soundfile

from vis2sound_jax import large
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.audio.mel import log_mel
from vis2sound_jax.run.delivery import Delivery
from vis2sound_jax.run.manifest import write_result
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.condfoley.chain import Foley, load
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

CODES = {"engine": "codes"}
_UNEVEN = np.cumsum(np.random.default_rng(1).integers(10, 90, 60)).tolist()
# Pictures, their rate, size and times of films that took about 2.5 to 3 seconds.
ODD: dict[str, dict[str, Any]] = {
    "60 pictures a second": {"n": 160, "fps": 60},
    "23.976 pictures a second": {"n": 64, "fps": Fraction(24000, 1001)},
    "variable rate": {"n": 60, "ticks": _UNEVEN, "tick": Fraction(1, 1000)},
    "portrait": {"n": 65, "size": (160, 90)},
}


@pytest.fixture(scope="module")
def foley(tiny_run: Path) -> Foley:
    return load(tiny_run)


@pytest.fixture(scope="module")
def knocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, a knock every 0.4."""
    path = tmp_path_factory.mktemp("example") / "knocks.wav"
    wav = (0.001 * np.random.default_rng(0).standard_normal(4 * 22050)).astype(np.float32)
    for start in range(4000, 84000, 8820):
        wav[start:][:2000] += 0.7 * np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) / 3)
    write_wav(path, wav, 22050)
    return path


def still_film(path: Path, seconds: float) -> Path:
    """A film of noise that changes slowly: little to encode."""
    rng = np.random.default_rng(0)
    pictures = (rng.integers(0, 256, (30, 50, 3), np.uint8) for _ in range(round(seconds)))
    write_film(path, np.repeat(np.stack(list(pictures)), 10, axis=0), 10)
    return path


def peak_bytes(*, reset: bool = False) -> int:
    """Largest memory of this process since the last reset (Linux)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("kind", ODD)
def test_odd_films_get_sound_of_their_own_length(foley: Foley, knocks: Path, make_film: Any, kind: str) -> None:
    film = make_film(busy=True, **ODD[kind])
    info = probe(film)
    takes = foley.generate(film, Request(example=knocks, takes=2, options=CODES))
    assert 2.4 < info.duration_s < 3.2
    assert takes.wavs.shape == (2, round(info.duration_s * takes.rate_hz))
    assert np.isfinite(takes.wavs).all() and (np.abs(takes.wavs).max(axis=1) > 0).all()
    assert (takes.events.times_s < info.duration_s).all()


@pytest.mark.parametrize("sliding", [False, True])
def test_another_film_and_example_of_like_length_compile_nothing(
    foley: Foley, knocks: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, sliding: bool
) -> None:
    other = tmp_path / "other.wav"
    write_wav(other, 0.1 * np.random.default_rng(2).standard_normal(int(3.9 * 22050)).astype(np.float32), 22050)
    pictures = np.random.default_rng(0).integers(0, 256, (130, 30, 50, 3), np.uint8)
    for name, n in (("first", 67), ("second", 64), ("long", 130)):
        write_film(tmp_path / f"{name}.mp4", pictures[:n], 24)
    with foley.config.unlocked():
        foley.config.decoding.slide_condition = sliding
    foley.generate(tmp_path / "first.mp4", Request(example=knocks, takes=2, options=CODES))
    with jax.log_compiles(), caplog.at_level(logging.WARNING):
        foley.generate(tmp_path / "second.mp4", Request(example=other, takes=2, options=CODES))
        assert not [r.getMessage() for r in caplog.records if r.getMessage().startswith("Compiling")]
        foley.generate(tmp_path / "long.mp4", Request(example=other, takes=2, options=CODES))
    compiled = [r.getMessage().split()[1] for r in caplog.records if r.getMessage().startswith("Compiling")]
    assert not compiled


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read as Linux tells it")
def test_a_minute_takes_bounded_memory(foley: Foley, knocks: Path, tmp_path: Path) -> None:
    films = [still_film(tmp_path / f"{seconds}.mp4", seconds) for seconds in (10, 60)]
    foley.generate(films[0], Request(example=knocks, takes=2, options=CODES))
    peaks = []
    for film in films:
        before = peak_bytes(reset=True)
        foley.generate(film, Request(example=knocks, takes=2, options=CODES))
        peaks.append((peak_bytes() - before) / 2**20)
    print("MB beyond what the process holds, 10 and 60 s:", [round(peak) for peak in peaks])
    # Six times the length; what grows are the takes themselves.
    assert peaks[1] < 250


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
def test_no_step_of_a_film_holds_all_of_its_sound(
    foley: Foley, knocks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wav, rate_hz = soundfile.read(knocks, dtype="float32")
    write_wav(tmp_path / "stereo.wav", np.stack([wav, 0.5 * wav], axis=1), rate_hz)

    def sounded(seconds: int) -> Any:
        film = still_film(tmp_path / f"{seconds}.mp4", seconds)
        result = foley.generate(film, Request(example=tmp_path / "stereo.wav", takes=2))
        write_result(result, tmp_path / f"{seconds}_out.mp4", Delivery(lufs=-20.0))
        return result

    sounded(10)  # loads what is loaded once
    held = watched_files(monkeypatch)
    assert sounded(120).wavs.shape == (2, 120 * 48_000, 2)
    # One take is 46 MB, and there are two of them, a louder copy and a limited one.
    print("MB of files held, at most:", round(max(held)))
    assert len(held) > 100 and max(held) < 36


def watched_files(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Puts sounds from one MB on into files; gives the list of MB of them in memory, whenever some are let go of.

    Two minutes then show what an hour does: a step that goes through a whole sound and lets go of nothing holds it all.
    """
    before, held, let_go = file_mb(), [0.0], large.let_go

    def noting(array: np.ndarray) -> None:
        held.append(file_mb() - before)
        let_go(array)

    monkeypatch.setattr(large, "MAPPED_BYTES", 1 << 20)
    monkeypatch.setattr(large, "_PIECE", 1 << 17)
    monkeypatch.setattr(large, "let_go", noting)
    return held


def file_mb() -> float:
    """Pages of files in the memory of this process (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssFile")) / 1024


def test_seams_are_steps_like_any_other(foley: Foley, knocks: Path, tmp_path: Path) -> None:
    takes = foley.generate(still_film(tmp_path / "film.mp4", 20), Request(example=knocks, takes=2, options=CODES))
    columns, frames = foley.config.transformer.columns, foley.config.codebook.frames
    at_seams, elsewhere = [], []
    for wav in takes.wavs:
        level_db = (foley.spec.top_db - foley.spec.floor_db) * np.asarray(log_mel(wav, foley.spec)).mean(axis=0)
        steps = np.abs(np.diff(level_db))
        # A new window's codes begin every half window from the end of the first one on.
        near = np.zeros(len(steps), bool)
        for seam in range(columns * frames, len(steps) - 1, columns // 2 * frames):
            near[seam - 1 : seam + 1] = True
        at_seams.append(steps[near])
        elsewhere.append(steps[~near])
    assert np.median(np.concatenate(at_seams)) <= np.percentile(np.concatenate(elsewhere), 95)

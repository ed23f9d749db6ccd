"""AutoFoley as a user runs it: all stages with one network, films by request, what bad input gets."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.autofoley import get_config
from tests.recorder import read_reads, unlisted
from tests.tiny_run import autofoley_command as command
from tests.tiny_run import call, call_alone
from vis2sound_jax import api
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.stage import listed
from vis2sound_jax.run.steps import Request
from vis2sound_jax.systems.autofoley.chain import load
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.film import Film
from vis2sound_jax.video.mux import write_film

SHARED = Path(os.environ.get("VIS2SOUND_SHARED", Path(__file__).parents[4] / "shared"))
REAL = (
    "autofoley_clips/af_rain_landscape1.mp4",
    "autofoley_clips/af_horse_hall_quiet.mp4",
    "clips/foley_gun_rifle.mp4",
)
STAGES = ("prepare", "sounds", "sequence", "evaluate", "generate")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workdir of a finished run; it is for reading."""
    workdir = tmp_path_factory.mktemp("tiny_autofoley") / "run"
    answer = call_alone(*command(workdir), reads=workdir.with_name("reads.json"))
    assert answer.code == 0, answer.err
    return workdir


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A silent film longer than a window, of another rate and size."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    frames = np.random.default_rng(0).integers(0, 256, (63, 30, 50, 3), np.uint8)
    write_film(path, frames, 25.0)
    return path


def test_every_stage_is_finished_and_reads_only_what_it_lists(finished: Path) -> None:
    marks = {path.stem: json.loads(path.read_text()) for path in (finished / "stages").iterdir()}
    assert set(marks) == set(STAGES) and all(mark["finished"] for mark in marks.values())
    assert marks["sequence"]["summary"]["steps"] == 2
    reads = read_reads(finished.with_name("reads.json"))
    assert set(reads) == set(STAGES)
    assert unlisted(listed(get_config()), reads) == {}


def test_the_tables_have_every_row(finished: Path) -> None:
    metrics = json.loads((finished / "evaluate" / "metrics.json").read_text())
    name = "frame sequence"
    rows = [name, f"{name}, true class", f"{name}, film of another clip", "class mean", "nearest training clip"]
    assert list(metrics["rows"]) == [*rows, "real sound", "chance"]
    assert metrics["data"] == "procedural recordings" and metrics["clips"] == 12
    assert np.sum(metrics["confusion"][name]) == 12
    real = metrics["rows"]["real sound"]
    assert real["smooth_l1"]["value"] < 1e-3 and real["level_db"]["value"] == 0 and real["lag"]["value"] == 0
    page = (finished / "evaluate" / "report.html").read_text()
    assert "nearest training clip" in page and "procedural recordings" in page


def test_a_film_gets_its_sound_without_an_example(finished: Path, film: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    asked = ["--job=generate", f"--video={film}", f"--output={output}"]
    for more, name in (([], None), (["--class=rain"], "rain")):
        answer = call(*command(finished, *asked, *more))
        assert answer.code == 0, answer.err
        manifest = json.loads(output.with_suffix(".json").read_text())
        assert manifest["notes"]["class"] == (name or manifest["notes"]["recognised"])
        assert manifest["system"] == "autofoley" and manifest["example"] is None
        wav, _ = soundfile.read(output.with_suffix(".wav"))
        assert len(wav) / 48000 == pytest.approx(2.52, abs=0.05) and np.abs(wav).max() > 0
        assert probe(output).duration_s == pytest.approx(2.52, abs=0.05)


def test_bad_requests_get_one_line(finished: Path, film: Path, tmp_path: Path) -> None:
    asked = ["--job=generate", f"--output={tmp_path / 'out.mp4'}"]
    answer = call(*command(finished, *asked, f"--video={film}", "--class=rian"))
    assert answer.code and "--class=rian: there is no such class; did you mean 'rain'?" in answer.err
    answer = call(*command(finished, *asked))
    assert answer.code and "--job=generate needs --video=FILM" in answer.err
    foley = api.load(finished)
    with pytest.raises(UserError, match="AutoFoley makes one take and takes no example"):
        foley.generate(film, Request(takes=2))
    with pytest.raises(UserError, match="there is no trained relation network; finish the run"):
        load(finished, model="relation")
    with pytest.raises(UserError, match=r"config.model is 'best'; it must be one of sequence, relation"):
        load(finished, model="best")


def test_the_same_seed_gives_the_same_sound_and_a_short_film_is_looped(finished: Path) -> None:
    foley = load(finished)
    frames = np.random.default_rng(1).integers(0, 256, (5, 16, 24, 3), np.uint8)
    short = Film.of_frames(frames, 15.0)
    one, same, other = (foley.generate(short, Request(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.wavs, same.wavs)
    assert (one.wavs != other.wavs).any() and one.wavs.shape == (1, round(8000 / 3))
    assert len(foley.onsets(short)) >= 0


def test_phases_can_be_those_of_the_nearest_clip(finished: Path) -> None:
    config = load(finished).config.copy_and_resolve_references()
    config.synthesis.phase = "nearest"
    foley = load(finished, config)
    rows = np.array(foley.predictor.means.of(0, 130, "bin"))
    wav = foley.soundtrack(rows, foley.classes[0], 0)
    assert wav.shape == (130 * 80,) and np.isfinite(wav).all() and wav.std() > 0
    config.synthesis.phase = "guessed"
    with pytest.raises(UserError, match="config.synthesis.phase is 'guessed'; it must be one of griffin_lim, nearest"):
        load(finished, config)


@pytest.mark.parametrize("name", REAL)
def test_a_real_film_gets_a_soundtrack_as_long_as_it_is(finished: Path, name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip("there are no real films; name their folder with VIS2SOUND_SHARED")
    foley = load(finished)
    made = foley.generate(SHARED / name, Request())
    assert made.wavs.shape == (1, round(made.film.duration_s * foley.rate_hz)) and np.isfinite(made.wavs).all()
    assert made.composed.notes["class"] in foley.classes

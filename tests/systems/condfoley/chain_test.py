"""Laws of the library's front door: takes fit the film, the seed decides, wrong runs and inputs are told."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.run.steps import Request, Result
from vis2sound_jax.systems.condfoley.chain import Foley, load
from vis2sound_jax.video.files import probe
from vis2sound_jax.video.mux import write_film

FPS = 24


@pytest.fixture(scope="module")
def foley(tiny_run: Path) -> Foley:
    return load(tiny_run)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_film(path, np.random.default_rng(0).integers(0, 256, (67, 30, 50, 3), np.uint8), FPS)
    return path


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of quiet noise that knocks from second 1.7 on."""
    path = tmp_path_factory.mktemp("example") / "knocks.wav"
    wav = (0.001 * np.random.default_rng(0).standard_normal(3 * 22050)).astype(np.float32)
    decay = np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) / 3)
    for time_s in (1.7, 2.0, 2.3):
        wav[round(time_s * 22050) :][:2000] += 0.7 * decay
    write_wav(path, wav, 22050)
    return path


@pytest.fixture(scope="module")
def takes(foley: Foley, film: Path, example: Path) -> Result:
    return foley.generate(film, Request(example=example, takes=3, seed=4, options={"engine": "codes"}))


def test_takes_are_as_long_as_the_film_and_differ(takes: Result, film: Path) -> None:
    assert takes.wavs.shape == (3, round(probe(film).duration_s * takes.rate_hz))
    assert takes.wavs.dtype == np.float32 and np.isfinite(takes.wavs).all()
    assert len({wav.tobytes() for wav in takes.wavs}) == 3
    agreement = takes.scores["agreement"]
    assert agreement.shape == (3,) and ((agreement >= 0) & (agreement <= 1)).all()
    likeness = takes.scores["likeness"]
    assert likeness.shape == (3,) and (np.abs(likeness) <= 1).all()
    accepted = takes.order[takes.accepted[takes.order]]
    assert (np.diff((agreement + likeness)[accepted]) <= 0).all()
    assert takes.best == takes.order[0] and sorted(takes.order) == [0, 1, 2]
    assert takes.scores["confidence"].shape == takes.accepted.shape == (3,)
    assert takes.codes is not None and takes.codes.shape[0] == 3 and takes.envelopes is None


def test_a_run_without_a_scorer_ranks_by_agreement(tiny_run: Path, film: Path, example: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns("sync", "data"))
    settings = json.loads((tiny_run / "config.json").read_text())
    del settings["sync"], settings["decoding"]["tolerance_s"]
    (tmp_path / "run" / "config.json").write_text(json.dumps(settings))
    old = load(tmp_path / "run")
    takes = old.generate(film, Request(example=example, takes=3, seed=4, options={"engine": "codes"}))
    assert takes.accepted is None and takes.scores["agreement"][takes.best] == takes.scores["agreement"].max()
    with pytest.raises(UserError, match="this run has no scorer; train one with --job=sync"):
        old.offsets(Seen(np.zeros((30, 16), np.float32), np.zeros(30, np.float32)), takes.wavs)


def test_the_same_seed_gives_the_same_takes_another_other_ones(
    foley: Foley, film: Path, example: Path, takes: Result
) -> None:
    told: list[tuple[int, int]] = []
    request = Request(example=example, takes=3, seed=4, options={"engine": "codes"})
    again = foley.generate(film, request, lambda *numbers: told.append(numbers))
    np.testing.assert_array_equal(again.wavs, takes.wavs)
    assert told[-1][0] == told[-1][1] == int(np.ceil(probe(film).duration_s / foley.column_s))
    other = foley.generate(film, replace(request, seed=5))
    assert (other.wavs != takes.wavs).any(axis=1).all()


def test_the_example_begins_where_it_is_eventful_or_where_told(
    foley: Foley, film: Path, example: Path, takes: Result
) -> None:
    assert 2.3 - foley.window_s < takes.composed.notes["example_start_s"] < 1.7
    told = foley.generate(film, Request(example=example, options={"engine": "codes", "start_s": 0.5}))
    assert told.composed.notes["example_start_s"] == pytest.approx(0.5, abs=foley.column_s / 2)
    for start_s in (2.5, -0.5):
        with pytest.raises(UserError, match=rf"--start is {start_s}, but .*knocks.wav allows 0 to 1\.\d+ s for a win"):
            foley.generate(film, Request(example=example, options={"engine": "codes", "start_s": start_s}))


def test_onsets_are_the_ones_takes_were_chosen_by(foley: Foley, film: Path, takes: Result) -> None:
    events = foley.onsets(film)
    np.testing.assert_array_equal(events.times_s, takes.events.times_s)
    np.testing.assert_array_equal(events.confidence, takes.events.confidence)
    assert (np.diff(events.times_s) > 0).all() and ((events.confidence >= 0) & (events.confidence <= 1)).all()


@pytest.mark.parametrize("columns", [5, 12, 13, 18, 19, 40])
def test_long_grids_are_decoded_window_by_window(foley: Foley, columns: int) -> None:
    settings = foley.config.codebook
    grids = np.random.default_rng(0).integers(0, settings.codes, (2, settings.rows, columns))
    mel = foley.mel(grids)
    assert mel.shape == (2, foley.spec.n_mels, columns * settings.frames)
    assert mel.min() >= 0 and mel.max() <= 1
    # Far from borders, where a column sees its neighbours whole, every window says what the whole grid says.
    once = np.asarray(foley.coder.decode(foley.params["codebook"], grids))
    half = foley.config.transformer.columns // 2
    inside = [k for k in range(2, columns - 2) if 2 <= k % half < half - 2]
    assert inside and (columns < 2 * half or max(inside) >= columns - half - 2)
    for k in inside:
        place = slice(k * settings.frames, (k + 1) * settings.frames)
        np.testing.assert_allclose(mel[:, :, place], once[:, :, place], atol=1e-4)


def test_unusable_requests_are_told(foley: Foley, film: Path, example: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--takes is 0; at least 1 take is needed"):
        Request(example=example, takes=0)
    write_film(tmp_path / "short.mp4", np.zeros((12, 16, 16, 3), np.uint8), FPS)
    with pytest.raises(UserError, match=r"short.mp4: lasts 0.50 s, less than one window of 1.11 s; give a longer film"):
        foley.generate(tmp_path / "short.mp4", Request(example=example, options={"engine": "codes"}))
    with pytest.raises(UserError, match="film.mp4: has no sound"):
        foley.generate(film, Request(example=film))


def test_a_runs_settings_can_be_changed_but_not_what_its_weights_are(tiny_run: Path) -> None:
    config = ConfigDict(json.loads((tiny_run / "config.json").read_text()))
    config.decoding.guidance = 3.0
    assert load(tiny_run, config).composer.guidance == 3.0
    for name, value in (("codebook.codes", 99), ("mel.hop", 128), ("encoder.width", 8), ("transformer.layers", 3)):
        changed = config.copy_and_resolve_references()
        changed.update_from_flattened_dict({name: value})
        with pytest.raises(UserError, match=rf"trained with config.{name}=\d+, but it is {value} now; use the config"):
            load(tiny_run, changed)
    config.data.fps = 30.0
    with pytest.raises(UserError, match="trained at config.data.fps=25.0, but it is 30.0 now; set --config.data.fps"):
        load(tiny_run, config)


def test_folders_without_a_whole_run_are_told(tiny_run: Path, film: Path, tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path, film):
        with pytest.raises(UserError, match=f"{folder}: there is no finished run; train one first"):
            load(folder)
    shutil.copy(tiny_run / "config.json", tmp_path)
    with pytest.raises(UserError, match="encoder/checkpoints: there is no checkpoint; train first"):
        load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="config.json: is damaged; run the training command again"):
        load(tmp_path)

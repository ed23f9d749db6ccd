"""Laws of the library's front door: takes fit the film, the seed decides, wrong runs and inputs are told."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ml_collections import ConfigDict

from vis2sound_jax.audio.example import Example
from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.audio.mel import log_mel_of
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.watch import Seen
from vis2sound_jax.models.grid import tokens_from_grid
from vis2sound_jax.run.manifest import manifest_of
from vis2sound_jax.run.steps import Request, Result
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.condfoley.chain import Foley, load
from vis2sound_jax.systems.condfoley.conditioning import conditions
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
    assert told.composed.notes["example_start_s"] == 0.5
    for start_s in (2.5, -0.5):
        with pytest.raises(UserError, match=rf"--start is {start_s}, but .*knocks.wav allows 0 to 1\.\d+ s for a win"):
            foley.generate(film, Request(example=example, options={"engine": "codes", "start_s": start_s}))


@pytest.mark.parametrize("slide", [False, True])
def test_a_start_is_kept_to_the_sample_and_only_its_window_is_read(
    foley: Foley, example: Path, monkeypatch: pytest.MonkeyPatch, *, slide: bool
) -> None:
    """The window alone says what it says as a part of the whole, and nothing else is decoded."""
    config = foley.config.copy_and_resolve_references()
    config.decoding.slide_condition = slide
    asked: list[float | None] = []
    read = Example.read

    def noting(self: Example, rate_hz: int, **window: float) -> np.ndarray:
        asked.append(window.get("duration_s"))
        return read(self, rate_hz, **window)

    monkeypatch.setattr(Example, "read", noting)
    with Example.open(example) as opened:
        found = conditions(replace(foley, config=config), opened, 1.25)
        whole = read(opened, foley.rate_hz)
    assert found.began_s == pytest.approx(1.25, abs=1 / foley.rate_hz) and (len(found.windows) > 1) == slide
    assert (None in asked) == slide and all(one is None or one < foley.window_s + 0.2 for one in asked)
    first = round(1.25 * foley.rate_hz)
    mel = log_mel_of(whole[first % 256 :], foley.spec)[:, first // 256 :][:, : 12 * 8]
    codes = foley.coder.encode(foley.params["codebook"], mel[None])
    wanted = np.asarray(tokens_from_grid(codes, build.book_size(foley.config)))[0]
    assert np.mean(found.windows[0]["condition"] == wanted) > 0.98


@pytest.mark.parametrize("engine", ["exemplar", "codes", "both"])
def test_a_film_of_one_picture_and_a_sound_of_a_moment_work(foley: Foley, tmp_path: Path, engine: str) -> None:
    write_film(tmp_path / "one.mp4", np.zeros((1, 16, 16, 3), np.uint8), 60)
    burst = (0.3 * np.random.default_rng(0).standard_normal((4800, 2))).astype(np.float32)
    write_wav(tmp_path / "shot.wav", burst, 96_000)
    options = {"engine": engine, "rate_hz": 96_000} | ({"start_s": 0.0} if engine == "codes" else {})
    result = foley.generate(tmp_path / "one.mp4", Request(example=tmp_path / "shot.wav", options=options))
    rate_hz = foley.rate_hz if engine == "codes" else 96_000
    assert result.rate_hz == rate_hz and result.wavs.shape[1] == round(rate_hz / 60)
    assert np.isfinite(result.wavs).all() and result.channels == (1 if engine == "codes" else 2)


def test_an_example_whose_channels_cancel_is_heard(foley: Foley, film: Path, example: Path, tmp_path: Path) -> None:
    with Example.open(example) as opened:
        wav = opened.read(22_050)
    write_wav(tmp_path / "wide.wav", np.stack([wav, -wav], axis=1), 22_050)
    wide = foley.generate(film, Request(example=tmp_path / "wide.wav", seed=4, options={"engine": "both"}))
    plain = foley.generate(film, Request(example=example, seed=4, options={"engine": "both"}))
    np.testing.assert_array_equal(wide.codes, plain.codes)
    assert [entry["from_s"] for note in wide.take_notes for entry in note.get("pieces", ())] == [
        entry["from_s"] for note in plain.take_notes for entry in note.get("pieces", ())
    ]
    told = manifest_of(wide)["example"]
    assert told["track"] == 1 and "2 channels, which cancel; channel 1 is heard alone" in told["mix"]


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
    assert inside and max(inside) >= columns - 2 * half
    for k in inside:
        place = slice(k * settings.frames, (k + 1) * settings.frames)
        np.testing.assert_allclose(mel[:, :, place], once[:, :, place], atol=1e-4)


def test_unusable_requests_are_told(foley: Foley, film: Path, example: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="^takes is 0; at least 1 take is needed"):
        Request(example=example, takes=0)
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

"""A packed run of Conditional Foley is the run: it sees and sounds the same, and trains on."""

import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from tests.tiny_run import call, command
from vis2sound_jax import api
from vis2sound_jax.systems.condfoley.pack import NUMBERS
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.video.mux import write_film

NOTES = ("force_db", "scratch")


@pytest.fixture(scope="module")
def packed(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "weights"
    answer = call(*command(tiny_run, "--job=pack", f"--output={folder}"))
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"vis2sound: pack is done: weights {folder}, megabytes ")
    return folder


@pytest.fixture(scope="module")
def film() -> api.Film:
    pixels = np.random.default_rng(0).integers(0, 256, (75, 40, 64, 3), np.uint8)
    return api.Film.of_frames(pixels, 25.0, "noise")


@pytest.fixture(scope="module")
def example() -> api.Example:
    wav = (0.2 * np.random.default_rng(0).standard_normal(3 * 22050)).astype(np.float32)
    wav[::6000] = 0.9
    return api.Example.of_wav(wav, 22050, "knocks")


def test_what_sounds_films_is_packed_and_nothing_else(packed: Path) -> None:
    names = {str(path.relative_to(packed)) for path in packed.rglob("*") if path.is_file()}
    stages = ("encoder", "codebook", "events", "transformer", "sync")
    weights = {f"{stage}/checkpoints.safetensors" for stage in stages}
    assert names == {*weights, "events/rule.json", "config.json", "card.json", "CARD.md"}


def test_the_card_has_the_numbers_of_the_packed_and_of_the_run(packed: Path) -> None:
    card = json.loads((packed / "card.json").read_text())
    assert set(card["numbers"]) == set(card["before_packing"]) == set(NUMBERS)
    for numbers in (card["numbers"], card["before_packing"]):
        assert all(number["low"] <= number["value"] <= number["high"] for number in numbers.values())
    assert card["measured_on"] == "events seen in 2 held-out films, procedural recordings"


def test_it_sees_and_sounds_the_same(packed: Path, tiny_run: Path, film: api.Film, example: api.Example) -> None:
    one, other = (api.load(folder) for folder in (tiny_run, packed))
    seen, again = one.watch(film), other.watch(film)
    np.testing.assert_allclose(again.seen.onset, seen.seen.onset, atol=2e-3)
    np.testing.assert_array_equal(again.events.times_s.round(2), seen.events.times_s.round(2))
    np.testing.assert_allclose(again.events.confidence, seen.events.confidence, atol=2e-3)
    for note, wanted in zip(again.events.notes, seen.events.notes, strict=True):
        assert note["kind"] == wanted["kind"]
        assert [note[name] for name in NOTES] == pytest.approx([wanted[name] for name in NOTES], abs=0.05)
    request = api.Request(example=example, takes=2, options={"engine": "both"})
    results = [
        system.rank(system.sound(system.compose(look, request))) for system, look in ((one, seen), (other, again))
    ]
    assert results[0].origin == results[1].origin and results[0].wavs.shape == results[1].wavs.shape
    assert (results[0].codes == results[1].codes).mean() > 0.9
    assert list(results[0].scores) == list(results[1].scores)


def test_a_job_takes_it_as_a_run_and_no_training_writes_into_it(packed: Path, film: api.Film, tmp_path: Path) -> None:
    rng, output = np.random.default_rng(0), tmp_path / "events.csv"
    write_film(tmp_path / "film.mp4", rng.integers(0, 256, (75, 40, 64, 3), np.uint8), 25.0)
    answer = call(*command(packed, "--job=onsets", f"--video={tmp_path / 'film.mp4'}", f"--output={output}"))
    assert answer.code == 0, answer.err
    assert output.read_text().startswith("time_s,confidence")
    before = {path.name for path in packed.iterdir()}
    answer = call(*command(packed))
    assert answer.code == 2 and "holds packed weights, which are for use alone" in answer.err
    assert {path.name for path in packed.iterdir()} == before


def test_training_starts_from_it(packed: Path, tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    for name in ("stages/prepare.json", "config.json"):
        shutil.copy(tiny_run / name, tmp_path / name)
    shutil.copytree(tiny_run / "data", tmp_path / "data")
    asked = (
        "--job=encoder",
        f"--config.init_from={packed}",
        "--config.encoder.learning_rate=0.0",
        "--config.mesh.data=1",
    )
    answer = call(*command(tmp_path, *asked))
    assert answer.code == 0, answer.err
    start, trained = (load_params(folder / "encoder" / "checkpoints") for folder in (packed, tmp_path))
    jax.tree.map(np.testing.assert_array_equal, start, trained)

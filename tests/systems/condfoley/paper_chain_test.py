"""The paper's networks through all stages at sizes that take seconds: stages end, films sound, tables are whole.

Most of the time is the compiler's, so it is told to take no pains, first weights are drawn by numpy, the vocoder is
judged by a small discriminator, and the transformer's video network is frozen; `tests/tasks` trains it. R(2+1)D-18 has
18 layers at any width, and MelGAN its four rates.
"""

import contextlib
import functools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest

from configs.condfoley import get_config
from tests.recorder import Reads, recorded, recording, unlisted
from tests.started import quick_starts
from tests.tiny_run import CONFIG, call
from vis2sound_jax.audio.files import read_sound
from vis2sound_jax.models.discriminators import WaveDiscriminator
from vis2sound_jax.run.stage import listed, settings_for
from vis2sound_jax.run.training import check_example, training_of
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import vocoder
from vis2sound_jax.systems.condfoley.scoring import ranked, rows
from vis2sound_jax.systems.condfoley.scoring.published import PUBLISHED_METRICS
from vis2sound_jax.tasks.events import EventsTask
from vis2sound_jax.tasks.film_transformer import FilmTransformerTask
from vis2sound_jax.tasks.sync import SyncTask
from vis2sound_jax.tasks.video_onset import VideoOnsetTask
from vis2sound_jax.tasks.vocoder import VocoderTask
from vis2sound_jax.tasks.vqgan import VqganTask
from vis2sound_jax.video.files import probe

STAGES = get_config("paper_smoke").stages

SIZES = (
    *("world.train=4", "world.test=2", "world.seconds=3.0", "data.height=24", "data.width=24", "mel.n_mels=24"),
    *("encoder.widths=(4, 4, 4, 8)", "encoder.width=8", "encoder.clip_frames=4", "encoder.batch=1", "encoder.steps=2"),
    *("codebook.levels=(1, 1, 1)", "codebook.blocks=0", "codebook.rows=6", "codebook.frames=4", "codebook.codes=16"),
    *("codebook.width=4", "codebook.latent=4", "codebook.disc_width=2", "codebook.disc_start=1", "codebook.steps=2"),
    *("codebook.batch=1", "transformer.columns=20", "transformer.phases=1", "transformer.layers=1"),
    *("transformer.heads=1", "transformer.width=8", "transformer.batch=1", "transformer.steps=2"),
    *("vocoder.width=2", "vocoder.residual_layers=0", "vocoder.frames=8", "vocoder.batch=1", "vocoder.steps=2"),
    *("sync.hidden=8", "sync.width=4", "sync.bands=8", "sync.reach_s=0.4", "sync.window_s=1.0", "sync.batch=2"),
    *("events.steps=2", "events.batch=2", "events.width=4", "events.clip_frames=16"),
    *("sync.steps=2", "decoding.griffin_lim_iterations=2", "evaluate.griffin_lim_iterations=2", "evaluate.pairs=2"),
    *("evaluate.takes=2", "generate.films=1", "transformer.video=frozen", "mesh.data=1"),
)


def command(workdir: Path) -> list[str]:
    return [f"--config={CONFIG}:paper_smoke", f"--workdir={workdir}", *(f"--config.{size}" for size in SIZES)]


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


@contextlib.contextmanager
def little_to_do() -> Iterator[None]:
    """The cuts that the docstring above tells, and few clips for the scorer."""
    judge = WaveDiscriminator(scales=1, width=4, layers=1, factor=4)
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        with (
            mock.patch.object(vocoder, "VocoderTask", functools.partial(VocoderTask, discriminator=judge)),
            mock.patch.object(ranked, "_CLIPS", 4),
            quick_starts(VideoOnsetTask, VqganTask, FilmTransformerTask, EventsTask, SyncTask),
        ):
            yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def reads() -> Reads:
    """Which settings the stages of the run read."""
    return {}


@pytest.fixture(scope="module")
def workdir(reads: Reads, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workdir of a finished run; it is for reading."""
    folder = tmp_path_factory.mktemp("paper") / "run"
    with little_to_do(), recording(reads):
        answer = call(*command(folder))
    assert answer.code == 0, answer.err
    return folder


def test_every_stage_is_finished(workdir: Path) -> None:
    marks = {path.stem: read_json(path) for path in (workdir / "stages").iterdir()}
    assert set(marks) == set(STAGES)
    assert all(mark["finished"] and mark["summary"] for mark in marks.values())
    trained = {stage: mark["summary"]["digest"] for stage, mark in marks.items() if "digest" in mark["summary"]}
    assert set(trained) == set(STAGES) - {"prepare", "evaluate", "generate"}
    # The transformer and the one without augmentation differ in the frames alone that they were shown.
    assert len(set(trained.values())) == len(trained)
    assert {marks[stage]["summary"]["steps"] for stage in trained} == {2}


def test_stages_read_only_what_they_list(workdir: Path, reads: Reads) -> None:
    assert set(reads) == set(STAGES) and all(reads.values())
    assert unlisted(listed(settings_of(workdir)), reads) == {}


@pytest.mark.parametrize(
    "name", [stage for stage in STAGES if stage not in ("prepare", "sync", "evaluate", "generate")]
)
def test_training_as_published_opens_the_same_run_and_reads_only_what_is_listed(workdir: Path, name: str) -> None:
    """With its data, and without a step; examples are those that a plan counts with."""
    config, reads = settings_of(workdir), Reads()
    config.compat = True
    stage = listed(config)[name]
    training = training_of(recorded(settings_for(config, name), name, reads), stage.training())
    material = training.open(workdir)
    check_example(training, material.example(material.source[0], np.random.default_rng(0)))
    if training.frozen_shapes is not None:
        shapes, arrays = (
            jax.tree.map(lambda leaf: leaf.shape, tree) for tree in (training.frozen_shapes, material.frozen)
        )
        assert shapes == arrays
    assert reads[name] and unlisted({name: stage}, reads) == {}


def test_the_film_has_sound_to_its_end(workdir: Path) -> None:
    (manifest,) = (read_json(path) for path in (workdir / "generate").glob("*.json"))
    silent = probe(workdir / "data/recordings" / manifest["video"]["file"])
    (take,) = manifest["takes"]
    made = probe(workdir / "generate" / take["film"])
    assert made.has_sound and abs(made.duration_s - silent.duration_s) < 1 / silent.fps
    for name in (take["film"], take["sound"]):
        wav = read_sound(workdir / "generate" / name, 22050)
        assert abs(len(wav) / 22050 - silent.duration_s) < 1 / silent.fps and np.isfinite(wav).all()
    assert np.abs(wav).max() > 0
    assert set(manifest["steps"].values()) == {2} and "vocoder" in manifest["steps"]


def test_every_row_has_numbers_in_both_protocols(workdir: Path) -> None:
    found = read_json(workdir / "evaluate/metrics.json")
    made = {rows.TAKE_ROW, rows.BEST_ROW.format(2), rows.NO_CONDITION_VIDEO_ROW, rows.SHUFFLED_ROW}
    made |= {*rows.ABLATION_ROWS.values(), rows.TRANSFER_ROW, rows.PUBLISHED_TRANSFER_ROW}
    made |= {rows.CODES_ROW, rows.VOCODER_ROW, "real sound", "chance"}
    for table in (found["condfoley"]["rows"], found["condfoley"]["legacy"]["rows"]):
        # Its network was never trained with hidden conditions, but for the one that was trained with nothing else.
        assert made <= set(table) and rows.NO_CONDITION_ROW not in table
        for name in {"onset_ap_100ms", "onset_recall_100ms", *PUBLISHED_METRICS} & set(table["chance"]):
            values = [value for row in table.values() for value in row[name].values()]
            assert all(value is not None and 0 <= value <= 1 for value in values), name
    nats = found["cross_entropy"]
    assert set(nats) == {"nats_matched", "nats_shuffled", "nats_no_condition", "nats_no_augmentation"}
    assert all(math.isfinite(value) for value in nats.values())


def test_a_second_run_does_nothing(workdir: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in workdir.rglob("*") if path.is_file()}
    answer = call(*command(workdir))
    assert (answer.code, answer.err) == (0, "")
    assert [line.split(" (")[0] for line in answer.out.splitlines()[:-1]] == [f"{name}: finished" for name in STAGES]
    after = {path: path.stat().st_mtime_ns for path in workdir.rglob("*") if path.is_file()}
    assert set(before) == set(after)
    assert {path.name for path in after if before[path] != after[path]} <= {"lock", "config.json"}

"""Laws of training the video encoder: each network has its own examples, and weights from a file fit or are refused."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from configs.condfoley import get_config
from tests.started import started
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.r2plus1d import IMAGENET_MEAN, KINETICS_MEAN, R2Plus1D
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.training import check_example
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.condfoley import encoder
from vis2sound_jax.tasks.encoder import EncoderTask
from vis2sound_jax.tasks.video_onset import VideoOnsetTask
from vis2sound_jax.training.checkpoint import Checkpointer
from vis2sound_jax.training.task import TrainState


def paper() -> Any:
    config = get_config("paper_smoke")
    config.encoder.update(widths=(4, 4, 4, 8), width=8)
    return config


def test_the_small_network_sees_grey_clips_and_hears_bands(tiny_run: Path) -> None:
    config = settings_of(tiny_run)
    training = training_named(config, "encoder")
    assert isinstance(training.task, EncoderTask)
    assert training.example_shapes["frames"] == ((config.encoder.clip_frames, 40, 64), np.uint8)
    material = training.open(tiny_run)
    check_example(training, material.example(material.source[0], np.random.default_rng(0)))
    assert len(material.source) and material.held is None


def test_the_papers_network_takes_the_colours_of_what_it_started_from() -> None:
    config = paper()
    task = training_named(config, "encoder").task
    assert isinstance(task, VideoOnsetTask) and task.mean == KINETICS_MEAN
    config.compat = True
    assert training_named(config, "encoder").task.mean == IMAGENET_MEAN


def _state(widths: tuple[int, ...], seed: int) -> TrainState:
    """Weights of a video network, none of them alike."""
    clip = jax.ShapeDtypeStruct((1, 2, 16, 16, 3), np.float32)
    init: Any = R2Plus1D(widths=widths).init
    shapes = jax.eval_shape(lambda clip: init(jax.random.key(0), clip, use_running_average=True), clip)
    rng = np.random.default_rng(seed)
    found = jax.tree.map(lambda leaf: jax.numpy.asarray(rng.normal(size=leaf.shape), leaf.dtype), shapes)
    return TrainState(jax.numpy.int32(0), found["params"], {}, {"batch_stats": found["batch_stats"]})


def test_weights_of_a_conversion_are_put_under_a_fresh_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "heard_onsets", lambda *_: [])
    config, known = paper(), _state((4, 4, 4, 8), 0)
    with Checkpointer(tmp_path / "r2plus1d" / "checkpoints") as checkpointer:
        checkpointer.save(known, {})
    config.encoder.weights = str(tmp_path)
    training = training_named(config, "encoder")
    begin = training.open(tmp_path).begin
    fresh = started(training.task, training.batch_shapes(1))
    assert begin is not None
    begun = begin(fresh)
    same = jax.tree.map(lambda a, b: bool((a == b).all()), begun.params["net"], known.params)
    assert all(jax.tree.leaves(same)) and set(begun.params) == set(fresh.params)
    config.encoder.update(widths=(4, 4, 4, 16), width=16)
    other = training_named(config, "encoder")
    state = TrainState(jax.numpy.int32(0), {"net": _state((4, 4, 4, 16), 1).params}, {}, {})
    begin = other.open(tmp_path).begin
    assert begin is not None
    with pytest.raises(UserError, match="the weights of config.encoder.weights have other sizes"):
        begin(state)

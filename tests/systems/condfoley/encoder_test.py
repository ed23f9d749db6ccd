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
from vis2sound_jax.run.fit import fit
from vis2sound_jax.run.training import Training, check_example
from vis2sound_jax.run.workdir import decoded_dir, settings_of
from vis2sound_jax.systems.condfoley import encoder
from vis2sound_jax.tasks.encoder import EncoderTask
from vis2sound_jax.tasks.video_onset import VideoOnsetTask
from vis2sound_jax.training.checkpoint import Checkpointer, digest
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
    config.training.decoded_gb = 0
    material = training_named(config, "encoder").open(tiny_run)
    check_example(training, material.example(material.source[0], np.random.default_rng(0)))
    assert len(material.source) and material.held is None and material.source[0].film is None


def test_a_training_on_decoded_films_ends_as_one_that_decodes_and_leaves_none(tiny_run: Path, tmp_path: Path) -> None:
    """Stopped after a step and taken up, too: then it finds them."""
    found = {}
    for name, limit in (("decoded", 1.0), ("not", 0.0)):
        config, workdir = settings_of(tiny_run), tmp_path / name
        workdir.mkdir()
        (workdir / "data").symlink_to(tiny_run / "data")
        config.update(stage="encoder", save_every=1, mesh={"data": 1})
        config.encoder.steps, config.training.decoded_gb = 3, limit
        training = training_named(config, "encoder")
        if limit:
            fit(config, workdir, _kept(training._replace(steps=1)))
            assert {path.suffix for path in decoded_dir(workdir).iterdir()} == {".frames", ".json"}
        found[name] = digest(fit(config, workdir, training).params)
        # Everyday films stay until the event reader has learned from them, too.
        assert {path.stem for path in decoded_dir(workdir).iterdir()} <= {"everyday"}
    assert found["decoded"] == found["not"]


def _kept(training: Training) -> Training:
    """The training as if it had been stopped at its end."""
    return training._replace(open=lambda workdir: training.open(workdir)._replace(finished=None))


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

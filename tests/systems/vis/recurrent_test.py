"""Laws of training the recurrent network: rows are as wide as the config says, and clips must be there."""

from pathlib import Path

import numpy as np
import pytest

from configs.vis import get_config
from tests.models.alexnet_test import WIDTHS, state_dict
from vis2sound_jax.errors import UserError
from vis2sound_jax.planning.trainings import training_named
from vis2sound_jax.run.training import check_example
from vis2sound_jax.run.workdir import settings_of
from vis2sound_jax.systems.vis import build
from vis2sound_jax.systems.vis.seen import open_streams

STAGES = ("prediction", "prediction_no_spacetime", "prediction_no_rnn", "detection", "detection_no_spacetime")


@pytest.mark.parametrize("stage", STAGES)
def test_examples_of_every_stage_are_as_said(tiny_vis_run: Path, stage: str) -> None:
    training = training_named(settings_of(tiny_vis_run), stage)
    material = training.open(tiny_vis_run)
    check_example(training, material.example(material.source[0], np.random.default_rng(0)))
    assert training.folder == stage and material.fresh and material.params is None


def test_the_widths_of_rows_are_those_of_the_stores(tiny_vis_run: Path) -> None:
    streams = open_streams(tiny_vis_run, "train")
    assert build.seen_widths(settings_of(tiny_vis_run)) == (streams.motion.width, streams.still.width)


def test_alexnets_rows_are_known_without_its_file_and_are_the_files_where_it_is_there(tmp_path: Path) -> None:
    config = get_config("paper")
    assert build.seen_widths(config) == (256 * 36, 256 * 36)
    np.savez(tmp_path / "alexnet.npz", **state_dict())
    config.streams.weights = str(tmp_path / "alexnet.npz")
    assert build.seen_widths(config) == (WIDTHS[-1] * 36,) * 2


def test_recordings_that_are_too_short_are_told(tiny_vis_run: Path) -> None:
    config = settings_of(tiny_vis_run)
    config.detection.frames = config.prediction.frames = 1001
    for stage, problem in (("detection", "enough frames"), ("prediction", "an annotated event")):
        with pytest.raises(UserError, match=f"recording has {problem} for a clip of 1001 frames; give longer"):
            training_named(config, stage).open(tiny_vis_run)

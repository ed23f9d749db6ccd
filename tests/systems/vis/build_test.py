"""What the config of Visually Indicated Sounds says is what is built."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from configs import vis
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.stage import listed
from vis2sound_jax.systems.vis import build

ROOT = Path(__file__).parents[3]


@pytest.fixture
def vis_config() -> ConfigDict:
    return vis.get_config("smoke")


def test_the_streams_have_every_size_of_the_config(vis_config: ConfigDict) -> None:
    vis_config.streams.update({"places": 3, "every": 4, "width": 10, "blocks": 2, "dropout": 0.3})
    vis_config.streams.spacetime_widths, vis_config.streams.colour_widths = (4, 8), (3, 5, 7)
    vis_config.sound.components = 6
    net = build.streams_net(vis_config)
    for name in ("places", "every", "width", "blocks", "dropout", "spacetime_widths", "colour_widths"):
        assert getattr(net, name) == vis_config.streams[name]
    assert net.sound == 3 * 6 and build.looked_at(vis_config) == 3 * 7


def test_unknown_streams_are_told(vis_config: ConfigDict) -> None:
    vis_config.streams.kind = "wrong"
    with pytest.raises(UserError, match="config.streams.kind is 'wrong'; it must be one of small, alexnet"):
        build.streams_net(vis_config)


def test_predictors_have_the_sizes_of_their_task_and_forget_where_the_stage_says_so(vis_config: ConfigDict) -> None:
    vis_config.prediction.width, vis_config.detection.width = 10, 20
    vis_config.detection.layers, vis_config.prediction.head_width = 5, 7
    assert build.predictor_parts("detection_no_spacetime") == ("detection", "no_spacetime")
    assert build.predictor_parts("prediction") == ("prediction", "")
    nets = {
        stage: build.predictor_net(vis_config, stage)
        for stage in listed(vis_config)
        if stage.startswith(("pred", "det"))
    }
    assert {stage for stage, net in nets.items() if not net.recurrent} == {"prediction_no_rnn"}
    for stage, net in nets.items():
        section = vis_config[stage.partition("_")[0]]
        assert (net.width, net.layers, net.head_width) == (section.width, section.layers, section.head_width)
        assert net.sound == vis_config.sound.components and net.repeat == 3


@pytest.mark.parametrize("module", ["build", "pretrained", "seen", "watching"])
def test_every_module_can_be_imported_first(module: str) -> None:
    """As a stage is, where the run goes on after the one before it."""
    program = [sys.executable, "-c", f"import vis2sound_jax.systems.vis.{module}"]
    done = subprocess.run(program, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr

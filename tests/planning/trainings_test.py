"""Laws of finding what a stage trains: of every system, as its settings say, and examples that its task takes."""

from types import ModuleType

import jax
import numpy as np
import pytest

from configs import binaural, condfoley, vis
from vis2sound_jax.data.tokens import TokenRecording, pair_example
from vis2sound_jax.errors import UserError
from vis2sound_jax.planning.trainings import training_named

PLANNED = [
    *((condfoley, "smoke", stage) for stage in ("encoder", "transformer", "no_condition", "sync")),
    *((condfoley, "paper_smoke", stage) for stage in ("encoder", "codebook", "transformer", "vocoder", "sync")),
    *((vis, "smoke", stage) for stage in ("streams", "prediction", "prediction_no_rnn", "detection_no_spacetime")),
    (vis, "paper", "prediction_no_spacetime"),
    *((binaural, "laptop", stage) for stage in ("upmix", "upmix_blind")),
]


@pytest.mark.parametrize(
    ("file", "preset", "stage"), PLANNED, ids=lambda part: part.__name__ if isinstance(part, ModuleType) else part
)
def test_a_stages_examples_are_what_its_task_takes(file: ModuleType, preset: str, stage: str) -> None:
    training = training_named(file.get_config(preset), stage)
    batch = training.batch_shapes(4)
    state = jax.eval_shape(training.task.init, jax.random.key(0), batch)
    metrics = jax.eval_shape(training.task.eval_step, state, batch, training.frozen_shapes)
    assert metrics.sums and training.batch > 0 and training.steps > 0


def test_codes_computed_within_the_step_can_be_planned() -> None:
    config = condfoley.get_config("paper_smoke")
    config.compat = True
    training = training_named(config, "transformer")
    batch = training.batch_shapes(2)
    seconds = 30 / config.data.fps
    assert batch["target_wav"].shape == (2, round(seconds * config.data.rate_hz)) and "target" not in batch
    state = jax.eval_shape(training.task.init, jax.random.key(0), batch)
    jax.eval_shape(training.task.train_step, state, batch, training.frozen_shapes, jax.random.key(0))
    # Built twice it is the same task, so that a plan can tell whether a setting changes it.
    assert training_named(config, "transformer").task == training.task


def test_the_shape_of_frames_is_known_with_and_without_alterations() -> None:
    config = condfoley.get_config("paper_smoke")
    config.data.update(height=64, width=96)
    altered, plain = (training_named(config, stage) for stage in ("transformer", "no_augmentation"))
    assert plain.example_shapes["target_frames"][0] == (30, 56, 84, 3)
    # Altered frames come whole and are cut within the step, to 56 x 56.
    assert altered.example_shapes["target_frames"][0] == (30, 64, 96, 3) and altered.task.size == 56


def test_examples_have_the_shapes_of_real_ones() -> None:
    config = condfoley.get_config("smoke")
    rows, columns, frames = config.codebook.rows, 3 * config.transformer.columns, 200
    recording = TokenRecording(
        id="r",
        codes=np.zeros((rows, columns), np.int16),
        features=np.zeros((frames, config.encoder.width), np.float16),
        onset=np.zeros(frames, np.float16),
        mel=np.zeros((config.mel.n_mels, columns * config.codebook.frames), np.float16),
        event_s=np.zeros(0),
        fps=25.0,
        column_s=0.09,
    )
    real = pair_example(recording, np.random.default_rng(0), columns=config.transformer.columns, book=4)
    planned = training_named(config, "transformer").example_shapes
    assert {name: (value.shape, value.dtype) for name, value in real.items()} == {
        name: (shape, np.dtype(dtype)) for name, (shape, dtype) in planned.items()
    }


@pytest.mark.parametrize(
    ("file", "preset", "stage", "problem"),
    [
        (
            *(condfoley, "smoke", "encodr"),
            "--stage=encodr: there is no training step of that name; it must be one of encoder, events, transformer, "
            "no_condition, sync; did you mean 'encoder'?",
        ),
        (
            *(condfoley, "smoke", "prepare"),
            "--stage=prepare: there is no training step of that name; it must be one of encoder, events, transformer, "
            "no_condition, sync",
        ),
        (
            *(condfoley, "smoke", "codebook"),
            "--stage=codebook: config.codebook.kind is 'patch_coder', which is not trained by steps; set it to "
            "'vqgan', or plan one of encoder, events, transformer, no_condition, sync",
        ),
        (
            *(condfoley, "smoke", "vocoder"),
            "--stage=vocoder: config.vocoder.kind is 'griffin_lim', which is not trained; set it to 'melgan', or plan "
            "one of encoder, events, transformer, no_condition, sync",
        ),
        (
            *(condfoley, "smoke", "no_augmentation"),
            "the ablation 'no_augmentation' changes nothing with config.transformer.video='cached', since no altered "
            "frame reaches the transformer; leave it out, or set config.transformer.video to 'trained' or 'frozen'",
        ),
        (
            *(vis, "paper", "streams"),
            "--stage=streams: config.streams.kind is 'alexnet', whose convolutions are not trained; set it to 'small', "
            "or plan one of prediction, prediction_no_spacetime, prediction_no_rnn, detection, "
            "detection_no_spacetime",
        ),
    ],
    ids=lambda part: part if isinstance(part, str) and len(part) < 20 else "",
)
def test_what_cannot_be_planned_gets_a_line_with_what_can(
    file: ModuleType, preset: str, stage: str, problem: str
) -> None:
    with pytest.raises(UserError) as caught:
        training_named(file.get_config(preset), stage)
    assert str(caught.value) == problem


def test_a_batch_that_is_taken_whole_is_not_taken_in_parts() -> None:
    config = condfoley.get_config("paper_smoke")
    config.training.accumulate = 2
    with pytest.raises(UserError, match="accumulate is 2, but stage encoder takes its batch whole; set it to 1 for"):
        training_named(config, "encoder")
    assert training_named(condfoley.get_config("paper_smoke"), "encoder").task

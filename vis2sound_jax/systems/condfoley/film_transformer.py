"""Trains the transformer with a video network of its own, on frames, altered or as they are.

Du et al. 2023, section 3.3. The video network starts as the encoder, which has seen altered frames in any case.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from vis2sound_jax.audio.mel import MelSpec, crop_centre, log_mel, rms_normalise_batch
from vis2sound_jax.data.film_pairs import (
    FilmRecording,
    altered_size,
    clip_shapes,
    film_pair_example,
    published_pair_example,
)
from vis2sound_jax.data.known_events import with_known_events
from vis2sound_jax.data.tokens import two_windows_long
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.models.grid import tokens_from_grid
from vis2sound_jax.models.r2plus1d import R2Plus1D
from vis2sound_jax.run.conversion import shapes_of
from vis2sound_jax.run.training import Material, Shapes, Training
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.heard import training_records
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.tasks.film_transformer import FilmTransformerTask
from vis2sound_jax.tasks.transformer import TransformerTask
from vis2sound_jax.training.task import TrainState

_CLIPS = ("condition", "target")


def film_training(config: Any, inner: TransformerTask, video: R2Plus1D, *, augment: bool) -> Training:
    """Says how the transformer is trained together with its video network.

    Args:
      config: the settings.
      inner: the task of the transformer over codes.
      video: the video network.
      augment: whether it is shown altered frames.

    Returns:
      The training; with `config.compat`, codes are computed within the step, as in the published code.
    """
    section, listener, frozen = config.transformer, None, None
    if config.compat:
        listener = _listener(config)
        frozen = shapes_of(listener.net, (1, config.mel.n_mels, listener.frames))["params"]
    size = altered_size(config.data.height, config.data.width)[0]
    task = FilmTransformerTask(inner, video, section.video == "trained", config.compat, listener, size)
    return Training(
        task,
        _shapes(config, augment=augment),
        section.batch,
        section.steps,
        trained.folder(config.stage),
        functools.partial(_open, config, augment),
        frozen,
    )


def _shapes(config: Any, *, augment: bool) -> Shapes:
    sound: Any = ((config.codebook.rows * config.transformer.columns,), np.int32)
    if config.compat:
        sound = ((round(_published_clip_s(config) * config.data.rate_hz),), np.float32)
    names = {name: f"{name}_wav" if config.compat else name for name in _CLIPS}
    shapes: dict[str, Any] = {names[name]: sound for name in _CLIPS}
    for name in _CLIPS:
        size = config.data.height, config.data.width
        shapes |= clip_shapes(*size, build.PREFIX_FRAMES, f"{name}_", augment=augment)
    return shapes


def _published_clip_s(config: Any) -> float:
    return build.PREFIX_FRAMES / config.data.fps


def _open(config: Any, augment: bool, workdir: Path) -> Material:
    source, example, notes = (_published if config.compat else _aligned)(config, workdir)
    check_long_enough(source, config.transformer.columns)
    seen = trained.encoder_variables(config, workdir)

    def begin(state: TrainState) -> TrainState:
        params = {**state.params, "video": seen["params"]["net"]}
        return state.replace(params=params, variables={"video": seen["batch_stats"]["net"]})

    frozen = trained.codebook_params(workdir) if config.compat else None
    return Material(source, functools.partial(example, augment=augment), begin=begin, frozen=frozen, notes=notes)


def check_long_enough(usable: Sequence[Any], columns: int) -> None:
    """Refuses recordings of which no pair of windows can be cut.

    Args:
      usable: the training recordings that are long enough.
      columns: of a window.

    Raises:
      UserError: if there is none.
    """
    if not usable:
        raise UserError(
            f"no training recording is {2 * columns} columns long, two windows of {columns}; give longer recordings or "
            "lower config.transformer.columns"
        )


def _published(config: Any, workdir: Path) -> tuple[list[Any], Any, dict[str, int]]:
    """Recordings with their sound, of which clips are cut as the published code does."""
    records = [with_known_events(record) for record in training_records(config, workdir)]
    records = [record for record in records if (record["event_time_s"] >= 0.5).any()]
    return records, functools.partial(published_pair_example, duration_s=_published_clip_s(config)), {}


def _aligned(config: Any, workdir: Path) -> tuple[list[Any], Any, dict[str, int]]:
    """Recordings with their codes."""
    columns = config.transformer.columns
    frames = {record["id"]: record["frames"] for record in training_records(config, workdir)}
    long, notes = two_windows_long(token_recordings(config, workdir, "train"), columns)
    example = functools.partial(film_pair_example, columns=columns, frames=build.PREFIX_FRAMES)
    return [FilmRecording(recording, frames[recording.id]) for recording in long], example, notes


@dataclasses.dataclass(frozen=True)
class Listener:
    """Makes tokens of sound within the step, as published: one level for the whole batch, the middle of the image.

    Attributes:
      net: the codebook.
      spec: of the log-mel.
      frames: of the middle.
      level: whether to bring the batch to one level.
    """

    net: Any
    spec: MelSpec
    frames: int
    level: bool

    def __call__(self, params: Mapping[str, Any], wavs: Float[Array, "b n"]) -> Int[Array, "b k"]:
        """Listens.

        Args:
          params: of the codebook.
          wavs: in [-1, 1].

        Returns:
          Tokens, column after column.
        """
        levelled: jax.Array = rms_normalise_batch(wavs) if self.level else wavs
        mel = crop_centre(log_mel(levelled, self.spec), self.frames)
        return tokens_from_grid(Coder(self.net).encode(params, mel), 0)


def _listener(config: Any) -> Listener:
    frames = config.transformer.columns * config.codebook.frames
    level = config.data.builder == "greatest_hits"
    return Listener(build.codebook_net(config), build.mel_spec(config), frames, level)

"""Trains the transformer over codes, or an ablation of it, on what the encoder sees; see `film_transformer` too."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.tokens import pair_example, two_windows_long
from vis2sound_jax.run.held_out import Held
from vis2sound_jax.run.training import Material, Shapes, Training
from vis2sound_jax.systems.condfoley import build, film_transformer, trained
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.tasks.transformer import TransformerTask

_ALIGNED_FEATURES, _ALIGNED_ONSETS = 2, 4  # moments of a column at which the video is looked up
_STYLES = 3  # summaries of the example's bands
_HELD_OUT_SIZE = 16


def transformer_task(config: Any, ablation: str = "") -> TransformerTask:
    """Builds the task of the transformer over codes, without a video network.

    Args:
      config: the settings.
      ablation: which one; "" for none.

    Returns:
      The task.
    """
    section = config.transformer
    return TransformerTask(
        build.transformer_net(config, ablation),
        section.conditioning,
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.drop_condition,
        section.condition_weight,
        rows=config.codebook.rows,
        book=build.book_size(config),
        maskable=build.maskable(config, ablation),
        conditioned=ablation != "no_condition",
        compat=config.compat,
        accumulate=config.training.accumulate,
    )


def training(config: Any) -> Training:
    """Says how the transformer is trained, or the ablation that `config.stage` names.

    Raises:
      UserError: if the ablation would change nothing.
    """
    ablation = config.stage if config.stage in build.ABLATIONS else ""
    build.check_ablation(config, ablation)
    task, video, section = transformer_task(config, ablation), build.video_net(config), config.transformer
    # Here alone: what was trained on a GPU must be heard anywhere.
    task = dataclasses.replace(task, net=task.net.clone(attention=build.trained_attention(config)))
    if video is not None:
        return film_transformer.film_training(config, task, video, augment=ablation != "no_augmentation")
    folder, open_data = trained.folder(config.stage), functools.partial(_open, config)
    return Training(task, _shapes(config), section.batch, section.steps, folder, open_data)


def _shapes(config: Any) -> Shapes:
    tokens, prefix = config.codebook.rows * config.transformer.columns, build.prefix_frames(config)
    aligned = (tokens, _ALIGNED_FEATURES * config.encoder.width + _ALIGNED_ONSETS)
    seen = (prefix, config.encoder.width) if prefix else aligned
    style = {} if prefix else {"style": ((_STYLES * config.mel.n_mels,), np.float32)}
    return {
        **{name: ((tokens,), np.int32) for name in ("condition", "target")},
        **{f"{name}_video": (seen, np.float32) for name in ("condition", "target")},
        **style,
    }


def _open(config: Any, workdir: Path) -> Material:
    columns = config.transformer.columns
    example = functools.partial(
        pair_example, columns=columns, book=build.book_size(config), prefix_frames=build.prefix_frames(config)
    )
    usable, notes = two_windows_long(token_recordings(config, workdir, "train"), columns)
    film_transformer.check_long_enough(usable, columns)
    held, _ = two_windows_long(token_recordings(config, workdir, "validation"), columns)
    return Material(usable, example, Held(held, example, size=_HELD_OUT_SIZE), notes=notes)

"""Trains the stage that `config.stage` names: the streams, a predictor of impacts or of whole films, an ablation."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.film_clips import HeardFilm, find_timbres, heard_films, stream_example
from vis2sound_jax.data.impacts import Clip, centred_clips, impact_example, sequences
from vis2sound_jax.errors import UserError
from vis2sound_jax.run.fit import fit
from vis2sound_jax.run.held_out import evaluator
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.vis import build
from vis2sound_jax.systems.vis.pretrained import load_alexnet, with_full_layers
from vis2sound_jax.systems.vis.seen import open_streams
from vis2sound_jax.systems.vis.sounds import has_split, open_pca, open_sounds
from vis2sound_jax.tasks.impacts import ImpactTask
from vis2sound_jax.tasks.streams import StreamsTask
from vis2sound_jax.training.checkpoint import digest
from vis2sound_jax.training.keys import named_key
from vis2sound_jax.training.task import TrainState

EVERY_HOST = True
"""Of several processes, all train together."""


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Trains one stage to its last step, or goes on where it stopped.

    Args:
      config: the settings; `config.stage` says which stage.
      workdir: of the run.

    Returns:
      Where the checkpoints are, the steps made and a digest of the parameters.

    Raises:
      UserError: if there is nothing to train on or `config.init_from` does not fit.
    """
    stage = config.stage
    state = _streams(config, workdir) if stage == "streams" else _predictor(config, workdir)
    return {
        "checkpoints": str(workdir / stage / "checkpoints"),
        "steps": int(state.step),
        "digest": digest(state.params)[:16],
    }


def _streams(config: Any, workdir: Path) -> TrainState:
    streams = config.streams
    net = build.streams_net(config)
    task = StreamsTask(
        net,
        streams.steps,
        streams.learning_rate,
        streams.weight_decay,
        streams.ema,
        timbre_weight=streams.timbre_weight,
        accumulate=config.training.accumulate,
    )
    pca = open_pca(workdir)
    timbres = find_timbres(*open_sounds(workdir, "train"), streams.timbres, config.seed)
    example = functools.partial(
        stream_example, frames=streams.clip_frames, every=streams.every, spread_s=streams.onset_spread_s
    )

    def films(split: str) -> list[HeardFilm]:
        return heard_films(open_split(config, prepared_dir(workdir), split), *open_sounds(workdir, split), pca, timbres)

    held = films("validation") if has_split(workdir, "validation") else []
    evaluate = evaluator(task, held, functools.partial(example, augment=False), seed=config.seed)
    return fit(
        config, workdir, task, films("train"), example, batch=streams.batch, steps=streams.steps, evaluate=evaluate
    )


def _predictor(config: Any, workdir: Path) -> TrainState:
    name, ablation = build.predictor_parts(config.stage)
    section = config[name]
    task = ImpactTask(
        build.predictor_net(config, config.stage),
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        section.clip_norm,
        robust=section.robust,
        warmup=section.warmup,
        aligned=section.aligned,
        accumulate=config.training.accumulate,
    )
    source, example = _examples(config, workdir, "train", ablation)
    evaluate = None
    if has_split(workdir, "validation"):
        evaluate = evaluator(task, *_examples(config, workdir, "validation", ablation), seed=config.seed)
    params = (
        _with_imagenet(config, task, example(source[0], np.random.default_rng(0))) if _tuned(config, section) else None
    )
    return fit(
        config,
        workdir,
        task,
        source,
        example,
        batch=section.batch,
        steps=section.steps,
        params=params,
        fresh=True,  # its targets are principal components of this run's own sounds
        evaluate=evaluate,
    )


def _tuned(config: Any, section: Any) -> bool:
    return config.streams.kind == "alexnet" and section.head == "alexnet"


def _with_imagenet(config: Any, task: ImpactTask, row: dict[str, np.ndarray]) -> Any:
    """Fresh parameters with AlexNet's full layers over both streams."""
    _, alexnet = load_alexnet(config.streams.weights)
    batch = {name: value[None] for name, value in row.items()}
    return with_full_layers(task.init_params(named_key(config.seed, "train", config.stage), batch), alexnet)


def _examples(config: Any, workdir: Path, split: str, ablation: str) -> tuple[list[Clip], Any]:
    """The clips of a split and what makes examples of them."""
    name, _ = build.predictor_parts(config.stage)
    section = config[name]
    sounds, films = open_sounds(workdir, split)
    clips = centred_clips(films, section.frames) if name == "prediction" else sequences(films, section.frames)
    if not clips:
        raise UserError(
            f"no {split} recording has {'an annotated event' if name == 'prediction' else 'enough frames'} for a clip "
            f"of {section.frames} frames; give longer or annotated recordings, or lower config.{name}.frames"
        )
    spacetime = ablation != "no_spacetime"
    views = [open_streams(workdir, split, spacetime=spacetime)]
    if split == "train" and spacetime:
        views += [open_streams(workdir, split, view=k) for k in range(config.streams.views)]
    example = functools.partial(
        impact_example, views=views, sounds=sounds, pca=open_pca(workdir), frames=section.frames, lag=section.lag
    )
    return clips, example

"""Trains the stage that `config.stage` names: encoder, codebook, transformer, an ablation of it, or vocoder."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from vis2sound_jax.data.pieces import mel_piece
from vis2sound_jax.data.targets import encoder_example, hear
from vis2sound_jax.data.tokens import pair_example
from vis2sound_jax.errors import UserError
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.models.patch_coder import PatchCoder
from vis2sound_jax.run import hosts
from vis2sound_jax.run.fit import check_fit, earlier, fit
from vis2sound_jax.run.held_out import evaluator
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import books, build, train_paper, trained
from vis2sound_jax.systems.condfoley.tasks import stage_task, transformer_task
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.systems.condfoley.train_paper import recording_mel
from vis2sound_jax.tasks.codebook import CodebookTask, start_books
from vis2sound_jax.training.checkpoint import digest, load_meta, load_params
from vis2sound_jax.training.keys import named_key, named_rng
from vis2sound_jax.training.progress import Progress, track
from vis2sound_jax.training.task import TrainState

EVERY_HOST = True
"""Of several processes, all train together."""

_BOOK_CLIPS = 1024


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Trains one stage to its last step, or goes on where it stopped.

    Args:
      config: the settings; `config.stage` says which stage.
      workdir: of the run.

    Returns:
      Where the checkpoints are, the steps made and a digest of the parameters.

    Raises:
      UserError: if `config.init_from` or `config.ablations` does not fit.
    """
    stage = config.stage
    # All at the first training, so that nobody waits hours for a refusal.
    for name in (*config.ablations, stage) if stage in build.ABLATIONS else config.ablations:
        build.check_ablation(config, name)
    state = _STAGES[stage](config, workdir)
    return {
        "checkpoints": str(trained.checkpoints(workdir, stage)),
        "steps": int(state.step),
        "digest": digest(state.params)[:16],
    }


def _encoder(config: Any, workdir: Path) -> TrainState:
    net, encoder = build.encoder_net(config), config.encoder
    if not isinstance(net, ImpactNet):
        return train_paper.encoder(config, workdir)
    task = stage_task(config, "encoder").task
    records = list(open_split(config, prepared_dir(workdir), "train"))
    with Progress(len(records), "listening", unit="recording") as progress:
        heard = hear(records, bands=net.bands, sound=encoder.targets == "sound", progress=progress.reach)
    example = functools.partial(encoder_example, frames=encoder.clip_frames, spread_s=encoder.onset_spread_s)
    return fit(config, workdir, task, heard, example, batch=encoder.batch, steps=encoder.steps)


def _codebook(config: Any, workdir: Path) -> TrainState:
    net = build.codebook_net(config)
    if isinstance(net, PatchCoder):
        return _patch_books(config, workdir, net)
    if isinstance(net, BandCoder):
        return _band_coder(config, workdir, net)
    return train_paper.codebook(config, workdir)


def _patch_books(config: Any, workdir: Path, net: PatchCoder) -> TrainState:
    spec, prepared = build.mel_spec(config), prepared_dir(workdir)
    train_set, held = (open_split(config, prepared, split) for split in ("train", "validation"))
    start = load_params(earlier(config, "codebook")) if config.init_from else None
    if start is not None:
        check_fit(start, jax.eval_shape(net.init, jax.random.key(0), np.zeros((1, net.n_mels, net.frames)))["params"])
    mels = (
        recording_mel(record, spec, config.codebook.rms) for record in track(train_set, "listening", unit="recording")
    )
    held_mels = (recording_mel(record, spec, config.codebook.rms) for record in held)
    folder = workdir / "codebook"

    def fit_books() -> dict[str, Any]:
        books.fit(net, mels, held_mels, folder, seed=config.seed, start=start)
        return {}

    hosts.first_alone("books", fit_books)
    kept = folder / "checkpoints"
    return TrainState(jax.numpy.int32(load_meta(kept)["step"]), load_params(kept), {}, {})


def _band_coder(config: Any, workdir: Path, net: BandCoder) -> TrainState:
    codebook, spec = config.codebook, build.mel_spec(config)
    frames = config.transformer.columns * net.frames
    mels = [
        recording_mel(record, spec, config.codebook.rms)
        for record in open_split(config, prepared_dir(workdir), "train")
    ]
    example = functools.partial(mel_piece, frames=frames)
    fit_mels = functools.partial(fit, config, workdir, source=mels, example=example, batch=codebook.batch)
    task = CodebookTask(net, codebook.steps, learning_rate=codebook.learning_rate)
    if not codebook.warmup_steps:
        return fit_mels(task=task, steps=codebook.steps)
    steps = codebook.warmup_steps
    warmup = CodebookTask(net, steps, quantised=False, learning_rate=codebook.learning_rate)
    state = fit_mels(task=warmup, steps=steps, folder="codebook/warmup")
    rng = named_rng(config.seed, "books")
    clips = np.stack([example(mels[k], rng)["mel"] for k in rng.integers(len(mels), size=_BOOK_CLIPS)])
    key = named_key(config.seed, "books")
    params = jax.jit(functools.partial(start_books, net))(state.params, clips, key)
    return fit_mels(task=task, steps=codebook.steps, params=params)


def _transformer(config: Any, workdir: Path, ablation: str = "") -> TrainState:
    task, transformer, video = transformer_task(config, ablation), config.transformer, build.video_net(config)
    if video is not None:
        return train_paper.transformer(config, workdir, task, video, augment=ablation != "no_augmentation")
    example = functools.partial(
        pair_example,
        columns=transformer.columns,
        book=build.book_size(config),
        prefix_frames=build.prefix_frames(config),
    )
    usable = [r for r in token_recordings(config, workdir, "train") if r.codes.shape[1] >= transformer.columns]
    if not usable:
        raise UserError(
            f"no training recording is {transformer.columns} columns long; lower config.transformer.columns"
        )
    held = [r for r in token_recordings(config, workdir, "validation") if r.codes.shape[1] >= transformer.columns]
    evaluate = evaluator(task, held, example, seed=config.seed, size=16)
    return fit(
        config,
        workdir,
        task,
        usable,
        example,
        batch=transformer.batch,
        steps=transformer.steps,
        folder=trained.folder(config.stage),
        evaluate=evaluate,
    )


_STAGES: Mapping[str, Callable[[Any, Path], TrainState]] = {
    "encoder": _encoder,
    "codebook": _codebook,
    "transformer": _transformer,
    **{name: functools.partial(_transformer, ablation=name) for name in build.ABLATIONS},
    "vocoder": train_paper.vocoder,
}

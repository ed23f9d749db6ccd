"""Learns the codes of sound: the books of the patch coder, the band coder, or the paper's VQGAN."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from vis2sound_jax.data.pieces import mel_piece
from vis2sound_jax.models.band_coder import BandCoder
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.vqgan import VQGAN
from vis2sound_jax.run import hosts
from vis2sound_jax.run.conversion import shapes_of
from vis2sound_jax.run.fit import check_fit, earlier, fit, run_training, summary
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.training import Material, NotTrained, Shapes, Training
from vis2sound_jax.run.workdir import checkpoints_dir, prepared_dir
from vis2sound_jax.systems.condfoley import books, build
from vis2sound_jax.systems.condfoley.heard import heard_mels, recording_mel
from vis2sound_jax.tasks.codebook import CodebookTask, start_books
from vis2sound_jax.tasks.vqgan import VqganTask
from vis2sound_jax.training.checkpoint import load_meta, load_params
from vis2sound_jax.training.keys import named_key, named_rng
from vis2sound_jax.training.progress import track
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict

_FOLDER = "codebook"
_BOOK_CLIPS = 1024
_JUDGED_FRAMES = 160  # of a log-mel that the perceptual distance compares


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Fits the books of a patch coder by k-means, or trains the coder that the config names.

    Args:
      config: the settings.
      workdir: of the run.

    Returns:
      See `run.fit.summary`; a fitted coder's steps are the rounds of k-means.

    Raises:
      UserError: if `config.init_from` does not fit.
    """
    if config.codebook.kind == "patch_coder":
        return summary(workdir, _FOLDER, _fit_books(config, workdir))
    return run_training(training, config, workdir)


def training(config: Any) -> Training:
    """Says how the coder that `config.codebook.kind` names is trained.

    Raises:
      NotTrained: if it is not trained by steps.
    """
    net = build.codebook_net(config)  # refuses an unknown kind
    if config.codebook.kind == "patch_coder":
        raise NotTrained("config.codebook.kind is 'patch_coder', which is not trained by steps; set it to 'vqgan'")
    return _KINDS[config.codebook.kind](config, net)


def _fit_books(config: Any, workdir: Path) -> TrainState:
    net: Any = build.codebook_net(config)
    spec, prepared = build.mel_spec(config), prepared_dir(workdir)
    train_set, held = (open_split(config, prepared, split) for split in ("train", "validation"))
    start = load_params(earlier(config, _FOLDER)) if config.init_from else None
    if start is not None:
        check_fit(start, jax.eval_shape(net.init, jax.random.key(0), np.zeros((1, net.n_mels, net.frames)))["params"])
    mels = (
        recording_mel(record, spec, config.codebook.rms) for record in track(train_set, "listening", unit="recording")
    )
    held_mels = (recording_mel(record, spec, config.codebook.rms) for record in held)

    def fit_books() -> dict[str, Any]:
        books.fit(net, mels, held_mels, workdir / _FOLDER, seed=config.seed, start=start)
        return {}

    hosts.first_alone("books", fit_books)
    kept = checkpoints_dir(workdir, _FOLDER)
    return TrainState(jax.numpy.int32(load_meta(kept)["step"]), load_params(kept), {}, {})


def _mel_shapes(config: Any) -> Shapes:
    return {"mel": ((config.mel.n_mels, config.transformer.columns * config.codebook.frames), np.float32)}


def _band_coder(config: Any, net: BandCoder) -> Training:
    section = config.codebook
    example = functools.partial(mel_piece, frames=config.transformer.columns * net.frames)

    def opened(workdir: Path) -> Material:
        material = Material(heard_mels(config, workdir, build.mel_spec(config)), example)
        if not section.warmup_steps:
            return material
        return material._replace(params=_warmed_up(config, workdir, net, material))

    task = CodebookTask(net, section.steps, learning_rate=section.learning_rate)
    return Training(task, _mel_shapes(config), section.batch, section.steps, _FOLDER, opened)


def _warmed_up(config: Any, workdir: Path, net: BandCoder, material: Material) -> Any:
    """Trains without quantisation, then starts the books by k-means."""
    section, steps = config.codebook, config.codebook.warmup_steps
    task = CodebookTask(net, steps, quantised=False, learning_rate=section.learning_rate)
    shapes, folder = _mel_shapes(config), f"{_FOLDER}/warmup"
    state = fit(config, workdir, Training(task, shapes, section.batch, steps, folder, lambda _: material))
    rng, mels = named_rng(config.seed, "books"), material.source
    clips = np.stack([material.example(mels[k], rng)["mel"] for k in rng.integers(len(mels), size=_BOOK_CLIPS)])
    key = named_key(config.seed, "books")
    return jax.jit(functools.partial(start_books, net))(state.params, clips, key)


def _vqgan(config: Any, net: VQGAN) -> Training:
    """A VQGAN against its discriminator (Du et al. 2023, section 3.2)."""
    section = config.codebook
    # Weights of the perceptual distance are a user's file; without one there is no such distance.
    weights = read_state_dict(section.perceptual) if section.perceptual else None
    perceptual = Lpaps() if weights is None else Lpaps(**sizes_from_state_dict(weights, "perceptual"))
    judged, shapes = (1, config.mel.n_mels, _JUDGED_FRAMES), None
    if weights is not None:
        shapes = {"perceptual": shapes_of(perceptual, judged, judged)}
    task = VqganTask(
        net,
        section.disc_start,
        PatchDiscriminator(section.disc_width),
        perceptual,
        section.learning_rate,
        adaptive_limits=(1.0, 1.0) if config.compat else (0.0, 1e4),
        perceptual_dropout=config.compat,
    )
    example = functools.partial(mel_piece, frames=config.transformer.columns * section.frames)

    def opened(workdir: Path) -> Material:
        frozen = None
        if weights is not None and shapes is not None:
            frozen = {"perceptual": params_from_state_dict(weights, "perceptual", shapes["perceptual"])}
        return Material(heard_mels(config, workdir, build.mel_spec(config)), example, frozen=frozen)

    return Training(task, _mel_shapes(config), section.batch, section.steps, _FOLDER, opened, shapes)


_KINDS: Mapping[str, Callable[[Any, Any], Training]] = {"band_coder": _band_coder, "vqgan": _vqgan}

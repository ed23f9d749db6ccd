"""Trains the paper's networks: onset network, GAN codebook, transformer with a video network of its own, MelGAN."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.mel import MelSpec, crop_centre, levelled, log_mel, rms_normalise_batch
from vis2sound_jax.data.film_pairs import FilmRecording, film_pair_example, published_pair_example
from vis2sound_jax.data.pieces import mel_piece, onset_clip, sound_piece
from vis2sound_jax.data.targets import hear
from vis2sound_jax.errors import UserError
from vis2sound_jax.generation.coder import Coder
from vis2sound_jax.models.discriminators import PatchDiscriminator
from vis2sound_jax.models.grid import tokens_from_grid
from vis2sound_jax.models.perceptual import Lpaps
from vis2sound_jax.models.r2plus1d import IMAGENET_MEAN, IMAGENET_STD, KINETICS_MEAN, KINETICS_STD, R2Plus1D
from vis2sound_jax.run.fit import check_fit, fit
from vis2sound_jax.run.recordings import open_split
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import build, trained
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.tasks.film_transformer import FilmTransformerTask
from vis2sound_jax.tasks.transformer import TransformerTask
from vis2sound_jax.tasks.video_onset import VideoOnsetTask
from vis2sound_jax.tasks.vocoder import VocoderTask
from vis2sound_jax.tasks.vqgan import VqganTask
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.training.progress import Progress, track
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.files import read_state_dict
from vis2sound_jax.weights.sizes import sizes_from_state_dict


def encoder(config: Any, workdir: Path) -> TrainState:
    """Trains the network of the paper's onset transfer on the sound's onsets (Du et al. 2023, section 4.2)."""
    section = config.encoder
    net = build.encoder_net(config)
    colours = (IMAGENET_MEAN, IMAGENET_STD) if config.compat else (KINETICS_MEAN, KINETICS_STD)
    task = VideoOnsetTask(net, section.steps, section.learning_rate, section.weight_decay, *colours)
    records = list(open_split(config, prepared_dir(workdir), "train"))
    with Progress(len(records), "listening", unit="recording") as progress:
        heard = hear(records, bands=section.bands, sound=section.targets == "sound", progress=progress.reach)
    example = functools.partial(onset_clip, frames=section.clip_frames)
    start = _kinetics(config) if section.weights else None
    return fit(config, workdir, task, heard, example, batch=section.batch, steps=section.steps, begin=start)


def _kinetics(config: Any) -> Any:
    """Puts torchvision's Kinetics weights, from a file or from the folder of a conversion, under a fresh head."""
    path, net = Path(config.encoder.weights).expanduser(), R2Plus1D(widths=tuple(config.encoder.widths))
    if path.is_dir():
        folder = path / "r2plus1d" / "checkpoints"
        found = {"params": load_params(folder), **load_params(folder, item="variables")}
    else:
        clip = jax.ShapeDtypeStruct((1, 2, 16, 16, 3), jnp.float32)
        shapes = jax.eval_shape(functools.partial(net.init, use_running_average=True), jax.random.key(0), clip)
        found = params_from_state_dict(read_state_dict(path), "r2plus1d", shapes)

    def begin(state: TrainState) -> TrainState:
        check_fit(found["params"], state.params["net"], "encoder.weights")
        params, statistics = {**state.params, "net": found["params"]}, {"net": found["batch_stats"]}
        return state.replace(params=params, variables={**state.variables, "batch_stats": statistics})

    return begin


def codebook(config: Any, workdir: Path) -> TrainState:
    """Trains the VQGAN against its discriminator (Du et al. 2023, section 3.2)."""
    section, spec = config.codebook, build.mel_spec(config)
    perceptual, frozen = _perceptual(config)
    task = VqganTask(
        build.codebook_net(config),
        section.disc_start,
        PatchDiscriminator(section.disc_width),
        perceptual,
        section.learning_rate,
        adaptive_limits=(1.0, 1.0) if config.compat else (0.0, 1e4),
        perceptual_dropout=config.compat,
    )
    records = track(_train(config, workdir), "listening", unit="recording")
    mels = [recording_mel(record, spec, section.rms) for record in records]
    example = functools.partial(mel_piece, frames=config.transformer.columns * section.frames)
    return fit(config, workdir, task, mels, example, batch=section.batch, steps=section.steps, frozen=frozen)


def _perceptual(config: Any) -> tuple[Lpaps, Any]:
    """The network of the perceptual distance and its weights; without a file there is no such distance."""
    if not config.codebook.perceptual:
        return Lpaps(), None
    state = read_state_dict(config.codebook.perceptual)
    net = Lpaps(**sizes_from_state_dict(state, "perceptual"))
    mel = jax.ShapeDtypeStruct((1, config.mel.n_mels, 160), jnp.float32)
    shapes = jax.eval_shape(net.init, jax.random.key(0), mel, mel)
    return net, {"perceptual": params_from_state_dict(state, "perceptual", shapes)}


def vocoder(config: Any, workdir: Path) -> TrainState:
    """Trains MelGAN on the recordings' own log-mels (Kumar et al. 2019)."""
    section, spec = config.vocoder, build.mel_spec(config)
    net = build.vocoder_net(config)
    if net is None:
        raise UserError("config.vocoder.kind is 'griffin_lim', which is not trained; set it to 'melgan'")
    task = VocoderTask(net, learning_rate=section.learning_rate)
    sounds = [
        (decode_flac(record["audio"])[0], recording_mel(record, spec))
        for record in track(_train(config, workdir), "listening", unit="recording")
    ]
    example = functools.partial(sound_piece, frames=section.frames, hop=spec.hop)
    return fit(config, workdir, task, sounds, example, batch=section.batch, steps=section.steps)


def transformer(config: Any, workdir: Path, inner: TransformerTask, video: R2Plus1D, *, augment: bool) -> TrainState:
    """Trains the transformer on frames, altered or as they are; its video network starts as the encoder.

    Du et al. 2023, section 3.3. The encoder has seen altered frames in any case.
    """
    section, fps = config.transformer, config.data.fps
    own = section.video == "trained"
    task = FilmTransformerTask(inner, video, own, config.compat, _listener(config) if config.compat else None)
    records = _train(config, workdir)
    if config.compat:
        source: Any = [record for record in records if (record["event_time_s"] >= 0.5).any()]
        duration_s = build.PREFIX_FRAMES / fps
        example: Any = functools.partial(published_pair_example, duration_s=duration_s, augment=augment)
    else:
        frames = {record["id"]: record["frames"] for record in records}
        tokens = token_recordings(config, workdir, "train")
        source = [FilmRecording(one, frames[one.id]) for one in tokens if one.codes.shape[1] >= section.columns]
        example = functools.partial(
            film_pair_example, columns=section.columns, frames=build.PREFIX_FRAMES, augment=augment
        )
    if not source:
        raise UserError(f"no training recording is {section.columns} columns long; lower config.transformer.columns")
    seen = trained.encoder_variables(config, workdir)

    def begin(state: TrainState) -> TrainState:
        params = {**state.params, "video": seen["params"]["net"]}
        return state.replace(params=params, variables={"video": seen["batch_stats"]["net"]})

    frozen = trained.codebook_params(workdir) if config.compat else None
    return fit(
        config,
        workdir,
        task,
        source,
        example,
        batch=section.batch,
        steps=section.steps,
        folder=trained.folder(config.stage),
        begin=begin,
        frozen=frozen,
    )


def _listener(config: Any) -> Any:
    """Makes tokens of sound within the step, as published: one level for the whole batch, the middle of the image."""
    spec, coder = build.mel_spec(config), Coder(build.codebook_net(config))
    frames = config.transformer.columns * config.codebook.frames
    level = rms_normalise_batch if config.data.builder == "greatest_hits" else lambda wavs: wavs

    def listen(params: Mapping[str, Any], wavs: jax.Array) -> jax.Array:
        return tokens_from_grid(coder.encode(params, crop_centre(log_mel(level(wavs), spec), frames)), 0)

    return listen


def _train(config: Any, workdir: Path) -> list[Any]:
    return list(open_split(config, prepared_dir(workdir), "train"))


def recording_mel(record: Any, spec: MelSpec, rms: float = 0.0) -> np.ndarray:
    """Computes the log-mel [f, t] of a recording, in half precision; see `audio.mel.levelled` for the level."""
    wav, _ = decode_flac(record["audio"])
    return np.asarray(log_mel(levelled(wav, rms), spec), np.float16)

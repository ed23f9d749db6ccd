"""Trains the video encoder: the small network, or the paper's, which finds onsets (Du et al. 2023, section 4.2)."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vis2sound_jax.data.film_pairs import altered_size, clip_shapes
from vis2sound_jax.data.pieces import onset_clip
from vis2sound_jax.data.targets import encoder_example
from vis2sound_jax.models.impact_net import ImpactNet
from vis2sound_jax.models.r2plus1d import IMAGENET_MEAN, IMAGENET_STD, KINETICS_MEAN, KINETICS_STD, R2Plus1D
from vis2sound_jax.models.video_onset import VideoOnsetNet
from vis2sound_jax.models.views import GREY_NUMBERS
from vis2sound_jax.run.decoded import decoded_films, removal
from vis2sound_jax.run.fit import check_fit
from vis2sound_jax.run.training import Material, Training
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.condfoley.everyday import everyday_films, mixed
from vis2sound_jax.systems.condfoley.heard import heard_onsets
from vis2sound_jax.tasks.encoder import EncoderTask
from vis2sound_jax.tasks.video_onset import VideoOnsetTask
from vis2sound_jax.training.checkpoint import load_params
from vis2sound_jax.training.task import TrainState
from vis2sound_jax.weights.convert import params_from_state_dict
from vis2sound_jax.weights.files import read_state_dict


def training(config: Any) -> Training:
    """Says how the network that `config.encoder.kind` names is trained."""
    net = build.encoder_net(config)  # refuses an unknown kind
    return _KINDS[config.encoder.kind](config, net)


def _impacts(config: Any, net: ImpactNet) -> Training:
    section, t = config.encoder, config.encoder.clip_frames
    task = EncoderTask(
        net,
        section.steps,
        section.learning_rate,
        section.weight_decay,
        section.ema,
        accumulate=config.training.accumulate,
    )
    shapes = {
        "frames": ((t, config.data.height, config.data.width), np.uint8),
        "onset": ((t,), np.float32),
        "bands": ((t, section.bands), np.float32),
        "mask": ((t,), np.float32),
        "heard": ((), np.float32),
        "view": ((GREY_NUMBERS,), np.float32),
        "view_seed": ((), np.uint32),
    }
    example = functools.partial(encoder_example, frames=t, spread_s=section.onset_spread_s, bands=section.bands)

    def opened(workdir: Path) -> Material:
        heard = heard_onsets(config, workdir)
        films = decoded_films(config, workdir, "encoder", [one.record for one in heard])
        source = [one._replace(film=film) for one, film in zip(heard, films, strict=True)]
        silent = everyday_films(config, workdir)
        return Material(mixed(source, silent, section.everyday_share), example, finished=removal(workdir, "encoder"))

    return Training(task, shapes, section.batch, section.steps, "encoder", opened)


def _onsets(config: Any, net: VideoOnsetNet) -> Training:
    section, t = config.encoder, config.encoder.clip_frames
    colours = (IMAGENET_MEAN, IMAGENET_STD) if config.compat else (KINETICS_MEAN, KINETICS_STD)
    size = (config.data.height, config.data.width)
    task = VideoOnsetTask(
        net, section.steps, section.learning_rate, section.weight_decay, *colours, altered_size(*size)[0]
    )
    shapes = {**clip_shapes(*size, t), "onset": ((t,), np.float32)}
    example = functools.partial(onset_clip, frames=t)

    def opened(workdir: Path) -> Material:
        begin = _kinetics(section) if section.weights else None
        return Material(heard_onsets(config, workdir), example, begin=begin)

    return Training(task, shapes, section.batch, section.steps, "encoder", opened)


def _kinetics(section: Any) -> Callable[[TrainState], TrainState]:
    """Puts torchvision's Kinetics weights, from a file or from the folder of a conversion, under a fresh head."""
    path, net = Path(section.weights).expanduser(), R2Plus1D(widths=tuple(section.widths))
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


_KINDS: Mapping[str, Callable[[Any, Any], Training]] = {"impact_net": _impacts, "r2plus1d": _onsets}

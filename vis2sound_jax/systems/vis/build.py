"""From a configuration to the networks of Visually Indicated Sounds: the only place that reads their sizes."""

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from vis2sound_jax.data.impacts import STEPS
from vis2sound_jax.models.alexnet import GRID, AlexNet
from vis2sound_jax.models.image_streams import SoundGuess
from vis2sound_jax.models.impact_lstm import ImpactLSTM
from vis2sound_jax.run.choices import unknown_choice
from vis2sound_jax.run.conversion import shapes_of


def streams_net(config: Any) -> SoundGuess:
    """Builds the streams of Visually Indicated Sounds that `config.streams.kind` names."""
    streams = config.streams
    if streams.kind != "small":
        raise unknown_choice("streams", streams.kind, ("small", "alexnet"))
    return SoundGuess(
        spacetime_widths=tuple(streams.spacetime_widths),
        colour_widths=tuple(streams.colour_widths),
        places=streams.places,
        every=streams.every,
        width=streams.width,
        blocks=streams.blocks,
        sound=STEPS * config.sound.components,
        timbres=streams.timbres,
        dropout=streams.dropout,
    )


def looked_at(config: Any) -> int:
    """Returns how many of the last values of a row of motion are colours, read where it moves."""
    return config.streams.places * config.streams.colour_widths[-1] if config.streams.kind == "small" else 0


def seen_widths(config: Any) -> tuple[int, int]:
    """Computes how wide rows of what is seen are.

    Args:
      config: the settings; AlexNet's file need not be there, its layers are known.

    Returns:
      Values of a row of motion and of one of colour.
    """
    if config.streams.kind == "alexnet":
        # It watches with networks that are built here, so that neither could be imported first.
        from vis2sound_jax.systems.vis.pretrained import load_alexnet

        path = config.streams.weights
        net = load_alexnet(path)[0] if path and Path(path).expanduser().exists() else AlexNet()
        return (GRID**2 * net.widths[-1],) * 2
    net, every, size = streams_net(config), config.streams.every, (config.data.height, config.data.width)
    params = shapes_of(net, (1, every, *size), (1, 1, *size, 3))
    films = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((1, every + 2, *size), (1, every, *size, 3))]
    motion, colour = jax.eval_shape(functools.partial(net.apply, method="watch"), params, *films)
    return motion.shape[-1], colour.shape[-1]


def predictor_parts(stage: str) -> tuple[str, str]:
    """Splits the name of a stage such as "prediction_no_rnn" into task and ablation, "" for the full system."""
    name, _, ablation = stage.partition("_")
    return name, ablation


def predictor_net(config: Any, stage: str) -> ImpactLSTM:
    """Builds the recurrent network.

    Args:
      config: the settings.
      stage: such as "prediction" or "prediction_no_rnn".
    """
    name, ablation = predictor_parts(stage)
    section = config[name]
    return ImpactLSTM(
        width=section.width,
        layers=section.layers,
        sound=config.sound.components,
        head=section.head,
        head_width=section.head_width,
        recurrent=ablation != "no_rnn",
        dropout=section.dropout,
        repeat=STEPS,
        ahead=section.ahead,
        glance=looked_at(config) if section.glance and ablation != "no_spacetime" else 0,
    )

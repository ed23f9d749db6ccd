"""From a configuration to the networks of Visually Indicated Sounds: the only place that reads their sizes."""

from typing import Any

from vis2sound_jax.models.image_streams import SoundGuess
from vis2sound_jax.models.impact_lstm import ImpactLSTM
from vis2sound_jax.run.choices import unknown_choice

STEPS = 3
"""Steps of sound a frame of film (Owens et al. 2016, section 5.1)."""


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


def predictor_parts(stage: str) -> tuple[str, str]:
    """Splits the name of a stage such as "prediction_no_rnn" into task and ablation, "" for the full system."""
    name, _, ablation = stage.partition("_")
    return name, ablation


def predictor_net(config: Any, stage: str) -> ImpactLSTM:
    """Builds the recurrent network of a stage such as "prediction" or "prediction_no_rnn"."""
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

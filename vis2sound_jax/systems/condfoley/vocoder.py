"""Trains the vocoder, MelGAN, on the recordings' own log-mels (Kumar et al. 2019)."""

import functools
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.data.pieces import sound_piece
from vis2sound_jax.run.training import Material, NotTrained, Training
from vis2sound_jax.systems.condfoley import build
from vis2sound_jax.systems.condfoley.heard import recording_mel, training_records
from vis2sound_jax.tasks.vocoder import VocoderTask
from vis2sound_jax.training.progress import track


def training(config: Any) -> Training:
    """Says how the vocoder that `config.vocoder.kind` names is trained.

    Raises:
      NotTrained: if it has no weights.
    """
    section, hop, net = config.vocoder, config.mel.hop, build.vocoder_net(config)
    if net is None:
        raise NotTrained("config.vocoder.kind is 'griffin_lim', which is not trained; set it to 'melgan'")
    task = VocoderTask(net, learning_rate=section.learning_rate)
    shapes = {
        "mel": ((config.mel.n_mels, section.frames), np.float32),
        "wav": ((section.frames * hop,), np.float32),
    }
    example = functools.partial(sound_piece, frames=section.frames, hop=hop)

    def opened(workdir: Path) -> Material:
        spec = build.mel_spec(config)
        records = track(training_records(config, workdir), "listening", unit="recording")
        return Material([(decode_flac(record["audio"])[0], recording_mel(record, spec)) for record in records], example)

    return Training(task, shapes, section.batch, section.steps, "vocoder", opened)

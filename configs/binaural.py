"""2.5D Visual Sound (Gao & Grauman, CVPR 2019): mono sound becomes binaural where the picture says so.

    python -m vis2sound_jax.main --config=configs/binaural.py[:preset]

Presets (two idle CPU cores):
  laptop   learns on procedural scenes; scored on timbres, azimuths, rooms and heads that were held out; the default
  smoke    every stage on a handful of scenes; nothing is learned

Any value can be changed from the command line: --config.upmix.steps=500.
"""

import ml_collections

from vis2sound_jax.run.settings import shared


def get_config(preset: str = "laptop") -> ml_collections.ConfigDict:
    """Returns the configuration of a preset."""
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; configs/binaural.py has {', '.join(PRESETS)}")
    config = shared("binaural" if preset == "laptop" else f"binaural_{preset}", "binaural", preset)
    # The networks' own rates: 16 kHz, ten pictures a second.
    config.data.update(rate_hz=16000, fps=10.0, height=56, width=112)

    # Procedural scenes: fewest and most things that sound in one.
    config.scenes = ml_collections.ConfigDict({"sources": (1, 2)})

    config.upmix = upmix = ml_collections.ConfigDict()
    # The visual network: blocks and channels of each level, and whether blocks are bottlenecks.
    upmix.blocks = (1, 1, 1, 1)
    upmix.widths = (16, 32, 64, 64)
    upmix.bottleneck = False
    # The audio network: channels of the first layer, layers, channels of each place that is seen.
    upmix.width = 8
    upmix.depth = 5
    upmix.reduced = 8
    # As the reference: its inverse transform, and the level of the true channels.
    upmix.compat = False
    upmix.batch = 16
    upmix.steps = 1600
    upmix.learning_rate = 1e-3
    # The visual network's rate as a share of it; the reference's, which starts from ImageNet, is 0.1.
    upmix.eye_rate = 1.0
    upmix.weight_decay = 1e-5

    # Windows of each split, with one thing and with two, that are scored.
    config.evaluate = ml_collections.ConfigDict({"windows": 48})
    config.stages = ("upmix", "upmix_blind", "evaluate")
    PRESETS[preset](config)
    return config


def _laptop(config: ml_collections.ConfigDict) -> None:
    """The values above."""


def _smoke(config: ml_collections.ConfigDict) -> None:
    """Every stage, nothing learned."""
    config.upmix.blocks = (1, 1)
    config.upmix.widths = (4, 4)
    config.upmix.width = 2
    config.upmix.depth = 2
    config.upmix.batch = 4
    config.upmix.steps = 4
    config.evaluate.windows = 3
    config.log_every = 2
    config.save_every = 2


PRESETS = {"laptop": _laptop, "smoke": _smoke}

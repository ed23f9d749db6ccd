"""AutoFoley (Ghose & Prevost, IEEE TMM 2020): a silent film of one of many classes gets its sound, class, then time.

    python -m vis2sound_jax.main --config=configs/autofoley.py[:preset]

Presets (two idle CPU cores unless said otherwise; measured numbers stand in docs/results.md):
  laptop      the frame-sequence network on procedural clips of twelve classes; the default
  relation    the frame-relation network on the same clips
  smoke       every stage of both networks on a handful of clips; nothing is learned
  paper       the sizes that are known of the paper, for folders <class>/<clip>.mp4

Any value can be changed from the command line: --config.sequence.steps=500.
"""

import ml_collections

from vis2sound_jax.run.settings import shared


def get_config(preset: str = "laptop") -> ml_collections.ConfigDict:
    """Returns the configuration of a preset."""
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; configs/autofoley.py has {', '.join(PRESETS)}")
    config = shared("autofoley" if preset == "laptop" else f"autofoley_{preset}", "autofoley", preset)
    _clips(config)
    _networks(config)
    _results(config)
    _set_stages(config, "sequence")
    PRESETS[preset](config)
    return config


def _set_stages(config: ml_collections.ConfigDict, *trained: str) -> None:
    # The network that makes films; both are scored where both are trained.
    config.model = trained[0]
    config.stages = ("prepare", "sounds", *trained, "evaluate", "generate")


def _clips(config: ml_collections.ConfigDict) -> None:
    config.data.update(builder="clips_by_class", rate_hz=16000, fps=30.0, height=64, width=96)
    # Clips of a class.
    config.world.update(train=36, test=6, seconds=5.0)

    # Spectrograms: columns of n_fft samples, one every hop; "log1p", log(1 + gain |X|), or "linear".
    config.sound = sound = ml_collections.ConfigDict()
    sound.update(n_fft=512, hop=160, domain="log1p", gain=10.0)
    # Which mean of a class residuals are added to: of every bin, or of every bin and column from a clip's begin.
    sound.mean = "bin"
    # Windows in which films are watched, in seconds.
    sound.window_s = 5.0
    # How many classes the clips have.
    sound.classes = 12


def _networks(config: ml_collections.ConfigDict) -> None:
    # What sees the frames; "small" learns with the network behind it.
    config.eye = eye = ml_collections.ConfigDict({"kind": "small"})
    eye.spacetime_widths = (16, 32, 64)
    eye.colour_widths = (16, 32, 32)
    eye.width = 128
    # How far ahead of its time a column sees; the paper's does not.
    eye.ahead_s = 0.05
    # Whether the frames themselves are blended to one a column, as the paper does, or what is seen of them.
    eye.blend_pixels = False

    config.sequence = sequence = ml_collections.ConfigDict()
    sequence.update(width=128, fast=2, keep_h=1.0, keep_c=1.0, dropout=0.1, last=False)
    # Seconds of a training window, cut anywhere from a clip.
    sequence.update(clip_s=2.5, batch=16, steps=1200, learning_rate=2e-3, weight_decay=0.02, ema=0.99, clip_norm=1.0)
    sequence.update(class_weight=1.0, loud_weight=2.0)

    config.relation = relation = ml_collections.ConfigDict()
    # Frames that are compared around a column, and columns from one to the next.
    relation.update(width=64, bottleneck=96, frames=8, every=3, dropout=0.1)
    relation.update(clip_s=2.5, batch=16, steps=1000, learning_rate=2e-3, weight_decay=0.02, ema=0.99, clip_norm=1.0)
    relation.update(class_weight=1.0, loud_weight=2.0)


def _results(config: ml_collections.ConfigDict) -> None:
    config.synthesis = synthesis = ml_collections.ConfigDict()
    # "griffin_lim", or "nearest": the phases of the nearest training clip.
    synthesis.update(phase="griffin_lim", iterations=60)
    # Steps of the classifier of sounds that judges what is made, and films on the page.
    config.evaluate = ml_collections.ConfigDict({"judge_steps": 300, "films": 12})
    config.generate = ml_collections.ConfigDict({"films": 12})


def _laptop(config: ml_collections.ConfigDict) -> None:
    """The values above."""


def _relation(config: ml_collections.ConfigDict) -> None:
    """The second network."""
    _set_stages(config, "relation")


def _smoke(config: ml_collections.ConfigDict) -> None:
    """Every stage of both networks, nothing learned."""
    _set_stages(config, "sequence", "relation")
    config.data.update(fps=15.0, height=32, width=48)
    config.world.update(train=2, test=1, seconds=2.0)
    config.sound.window_s = 2.0
    config.eye.update(spacetime_widths=(8, 8), colour_widths=(8, 8, 8), width=16)
    for section in (config.sequence, config.relation):
        section.update(width=16, clip_s=1.0, batch=4, steps=4)
    config.relation.update(bottleneck=16, frames=4)
    config.synthesis.iterations = 4
    config.evaluate.update(judge_steps=4, films=2)
    config.generate.films = 2
    config.log_every = 2
    config.save_every = 2


def _paper(config: ml_collections.ConfigDict) -> None:
    """What is known of the paper's sizes: 44.1 kHz, 513 bins, 860 columns, one blended frame a column."""
    _set_stages(config, "sequence", "relation")
    config.data.update(recordings="afd", rate_hz=44100, fps=30.0, height=224, width=224)
    config.sound.update(n_fft=1024, hop=256, domain="linear", mean="column", window_s=860 * 256 / 44100)
    config.eye.update(ahead_s=0.0, blend_pixels=True)
    config.sequence.update(width=512)
    config.relation.update(width=256, bottleneck=256)
    for section in (config.sequence, config.relation):
        section.update(clip_s=860 * 256 / 44100, steps=20000, learning_rate=1e-3, weight_decay=0.0, loud_weight=0.0)
    config.save_every = 1000


PRESETS = {"laptop": _laptop, "relation": _relation, "smoke": _smoke, "paper": _paper}

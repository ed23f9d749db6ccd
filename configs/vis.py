"""Visually Indicated Sounds (Owens et al., CVPR 2016): silent film of a drumstick striking things becomes sound.

    python -m vis2sound_jax.main --config=configs/vis.py[:preset]

Presets (two idle CPU cores unless said otherwise; measured numbers stand in docs/results.md):
  laptop                the sound of single impacts, on procedural recordings; the default
  detection             the sound of whole films, and when it happens, on procedural recordings
  shipped               detection without tables and films: what makes the weights in vis2sound_jax/pretrained/vis
  smoke                 every stage of both on a handful of recordings; nothing is learned
  greatest_hits_mini    both on real recordings that you have, from the streams of a finished run
  paper                 the paper's network for single impacts, for data in the Greatest Hits layout
  paper_detection       the paper's network for whole films

Any value can be changed from the command line: --config.prediction.steps=500.
"""

import ml_collections

from vis2sound_jax.run.settings import shared

_PREDICTION = ("prediction", "prediction_no_spacetime", "prediction_no_rnn")
_DETECTION = ("detection", "detection_no_spacetime")


def get_config(preset: str = "laptop") -> ml_collections.ConfigDict:
    """Returns the configuration of a preset."""
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; configs/vis.py has {', '.join(PRESETS)}")
    config = shared("vis" if preset == "laptop" else f"vis_{preset}", "vis", preset)
    config.pretrained = "vis"
    _recordings(config)
    _streams(config)
    _predictors(config)
    _results(config)
    _set_stages(config, _PREDICTION)
    PRESETS[preset](config)
    return config


def _set_stages(config: ml_collections.ConfigDict, trained: tuple[str, ...]) -> None:
    streams = ("streams",) if config.streams.kind == "small" else ()  # AlexNet's are trained
    config.stages = ("prepare", "sounds", *streams, "seen", *trained, "evaluate", "generate")


def _recordings(config: ml_collections.ConfigDict) -> None:
    config.data.fps = 30.0
    # Short recordings, many of them: what things look like is learned from different scenes. One thing fills much of
    # the frame, as in most films of Greatest Hits.
    config.world.update(train=1600, test=140, seconds=3.0, close_up=1.0)

    # Cochleagrams (section 4); their rate is three steps a frame.
    config.sound = sound = ml_collections.ConfigDict()
    sound.bands = 40
    sound.low_hz = 20.0
    sound.high_hz = 10000.0
    sound.power = 0.3
    sound.compress_first = False
    # Principal components that are predicted (section 5.1).
    sound.components = 10


def _streams(config: ml_collections.ConfigDict) -> None:
    # The streams of motion and colour learn from the sound, in place of ImageNet.
    config.streams = streams = ml_collections.ConfigDict()
    # "small", or "alexnet": a file of ImageNet weights that you name.
    streams.kind = "small"
    streams.weights = ""
    streams.spacetime_widths = (32, 64, 128)
    streams.colour_widths = (32, 64, 64)
    # Places in the picture at which colour is read, and frames that share a colour frame.
    streams.places = 2
    streams.every = 6
    # Kinds of sound of impacts to tell apart, which k-means finds in the sounds, and their weight in the loss.
    streams.timbres = 32
    streams.timbre_weight = 1.0
    streams.width = 128
    streams.blocks = 3
    # Altered views of each training film (mirrored, nearer, in other light) for the recurrent network.
    streams.views = 1
    streams.dropout = 0.1
    streams.clip_frames = 6
    streams.batch = 64
    streams.steps = 1200
    streams.learning_rate = 3e-3
    streams.weight_decay = 0.05
    streams.onset_spread_s = 0.03
    streams.ema = 0.99


def _predictors(config: ml_collections.ConfigDict) -> None:
    # The sound of clips of 15 frames centred on an impact (section 5.1).
    config.prediction = prediction = ml_collections.ConfigDict()
    prediction.frames = 15
    prediction.lag = 0
    # Frames that a step of sound knows beyond its own.
    prediction.ahead = 4
    # Whether the colours where it moves, averaged over the clip, join the look of the first frame.
    prediction.glance = True
    prediction.layers = 2
    prediction.width = 256
    prediction.head = "dense"
    prediction.head_width = 128
    prediction.dropout = 0.5
    prediction.batch = 32
    prediction.steps = 1300
    prediction.learning_rate = 2e-3
    prediction.weight_decay = 0.05
    prediction.ema = 0.99
    prediction.clip_norm = 5.0
    # Share of the paper's robust error in the loss, and of the steps in which it is reached from squared error.
    # With few examples squared error predicts loudness and material better.
    prediction.robust = 0.0
    prediction.warmup = 0.6
    prediction.aligned = False

    # The sound of whole films (section A1.1): sequences of 2 s, two frames of lag, three layers.
    config.detection = detection = ml_collections.ConfigDict(prediction)
    detection.frames = 60
    detection.lag = 2
    detection.ahead = 2
    detection.glance = False
    detection.layers = 3
    detection.batch = 16
    detection.steps = 1500
    # The paper compares with the best of shifts up to 8 steps; trained on few films the network learns to sound
    # everywhere instead, so that some shift always fits.
    detection.aligned = False


def _results(config: ml_collections.ConfigDict) -> None:
    config.synthesis = synthesis = ml_collections.ConfigDict()
    # "exemplar" copies training sounds, "parametric" imposes the predicted envelopes on noise.
    synthesis.kind = "exemplar"
    synthesis.iterations = 1
    # Whether predictions get the statistics of real impacts before exemplars are compared (section A1.1). On
    # procedural validation films fewer different exemplars were copied then, and not of the right material more often.
    synthesis.coloured = False
    # Long films are predicted in windows of 10 s that overlap by 30 %.
    synthesis.window_s = 10.0
    synthesis.overlap = 0.3

    config.evaluate = evaluate = ml_collections.ConfigDict()
    evaluate.films = 6
    # Weights that come with the package whose events seen are a row of the table of detection; empty for none.
    evaluate.eye = "condfoley"

    config.generate = generate = ml_collections.ConfigDict()
    generate.films = 12


def _laptop(config: ml_collections.ConfigDict) -> None:
    """The values above."""


def _detection(config: ml_collections.ConfigDict) -> None:
    """Whole films instead of single impacts."""
    _set_stages(config, _DETECTION)


def _shipped(config: ml_collections.ConfigDict) -> None:
    """What `--job=pack` needs to make the weights that come with the package."""
    config.stages = ("prepare", "sounds", "streams", "seen", "detection")


def _smoke(config: ml_collections.ConfigDict) -> None:
    """Every stage of both tasks, nothing learned."""
    _set_stages(config, (*_PREDICTION, *_DETECTION))
    config.world.train = 8
    config.world.test = 4
    config.streams.steps = 4
    config.streams.batch = 2
    config.prediction.steps = 4
    config.prediction.batch = 8
    config.detection.steps = 4
    config.detection.batch = 4
    config.evaluate.films = 2
    config.generate.films = 2
    config.log_every = 2
    config.save_every = 2


def _greatest_hits_mini(config: ml_collections.ConfigDict) -> None:
    """Real recordings, both tasks, from the streams of the procedural recordings."""
    _set_stages(config, (*_PREDICTION, *_DETECTION))
    config.pretrained = ""
    config.init_from = "runs/vis"
    # A folder of yours, looked for from the current folder; another one: --config.data.recordings=DIR.
    config.data.recordings = "greatest_hits_mini"
    # Many of these films have 25 frames a second; shown at 30, every sixth would stand still.
    config.data.fps = 25.0
    # Few films: what they look like is soon known by heart, so timing weighs more and training ends early.
    config.streams.learning_rate = 2e-3
    config.streams.steps = 600
    config.streams.timbre_weight = 0.2
    config.streams.views = 6
    config.prediction.steps = 500
    config.detection.steps = 500
    # Annotations of real films are rounded to 1/15 s, and sound and picture are not always in step.
    config.streams.onset_spread_s = 0.05


def _paper(config: ml_collections.ConfigDict) -> None:
    """The paper's sizes (sections 5.1 and 6), with ImageNet weights that the user names."""
    config.pretrained = ""
    config.data.recordings = "greatest_hits"
    config.data.fps = 29.97
    config.data.height = 256
    config.data.width = 256
    config.streams.kind = "alexnet"
    config.streams.weights = "alexnet.pth"
    for section in (config.prediction, config.detection):
        section.head = "alexnet"
        section.ahead = 0
        section.glance = False
        section.dropout = 0.0
        section.robust = 1.0
        section.warmup = 0.1
        section.steps = 20000
        section.learning_rate = 1e-4
        section.weight_decay = 0.0
    config.prediction.batch = 128
    config.detection.batch = 32
    config.detection.aligned = True
    config.synthesis.coloured = True
    config.save_every = 1000
    _set_stages(config, _PREDICTION)


def _paper_detection(config: ml_collections.ConfigDict) -> None:
    """The paper's sizes for whole films."""
    _paper(config)
    _set_stages(config, _DETECTION)


PRESETS = {
    "laptop": _laptop,
    "detection": _detection,
    "shipped": _shipped,
    "smoke": _smoke,
    "greatest_hits_mini": _greatest_hits_mini,
    "paper": _paper,
    "paper_detection": _paper_detection,
}

"""Conditional Foley (Du et al., CVPR 2023): a silent video and an example sound become a soundtrack.

    python -m vis2sound_jax.main --config=configs/condfoley.py[:preset]

Presets (two idle CPU cores unless said otherwise; measured numbers stand in the README):
  laptop              the whole chain on procedural recordings; the default
  smoke               the same stages on a handful of recordings, about a minute; its films sound like noise
  workstation         laptop with more recordings and longer training; not timed yet
  greatest_hits_mini  starts from the laptop's weights and trains on real recordings that you have
  paper               the sizes of the paper (24 x 1024 transformer, VQGAN, R(2+1)D-18) for data in the
                      Greatest Hits layout; its GAN training is not built yet

Any value can be changed from the command line: --config.transformer.steps=500.
"""

import ml_collections

PRESETS = ("laptop", "smoke", "workstation", "greatest_hits_mini", "paper")


def get_config(preset: str = "laptop") -> ml_collections.ConfigDict:
    """Returns the configuration of a preset."""
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; configs/condfoley.py has {', '.join(PRESETS)}")
    config = ml_collections.ConfigDict()
    config.name = "condfoley" if preset == "laptop" else f"condfoley_{preset}"
    config.preset = preset
    config.seed = 0
    config.stages = ("prepare", "encoder", "codebook", "transformer", "sync", "evaluate", "generate")
    # Stage or job → module that does it.
    config.jobs = ml_collections.ConfigDict(
        {
            "prepare": "prepare",
            "encoder": "train",
            "codebook": "train",
            "transformer": "train",
            "sync": "sync",
            "evaluate": "evaluate",
            "generate": "generate",
            "onsets": "onsets",
        }
    )
    # A workdir whose encoder, codebook and transformer this run starts from; empty starts from nothing.
    config.init_from = ""

    # Recordings. "procedural" writes a made-up world; anything else is a folder in the Greatest Hits layout.
    config.data = data = ml_collections.ConfigDict()
    data.recordings = "procedural"
    data.split = "official"
    data.rate_hz = 22050
    data.fps = 25.0
    data.height = 72
    data.width = 128
    data.max_bad_share = 0.05

    config.world = world = ml_collections.ConfigDict()
    world.train = 420
    world.test = 48
    world.seconds = 10.0
    world.close_up = False

    # Log-mel as CondFoleyGen computes it, but clipped at a higher floor: below it lies background noise,
    # which would take most of the codes.
    config.mel = mel = ml_collections.ConfigDict()
    mel.n_mels = 80
    mel.n_fft = 1024
    mel.hop = 256
    mel.low_hz = 125.0
    mel.high_hz = 7600.0
    mel.scale = "htk"
    mel.floor_db = -60.0
    mel.top_db = 20.0

    # The video encoder learns when the film sounds, and how: the coarse spectrum of every frame's sound.
    config.encoder = encoder = ml_collections.ConfigDict()
    encoder.kind = "impact_net"
    encoder.widths = (32, 64, 128)
    encoder.width = 128
    encoder.temporal_blocks = 3
    encoder.bands = 16
    # Where onsets are learned from: "events", the annotated times, or "sound", the sound's own onsets.
    encoder.targets = "events"
    encoder.clip_frames = 48
    encoder.batch = 8
    encoder.steps = 1600
    encoder.learning_rate = 3e-3
    encoder.weight_decay = 0.05
    # Standard deviation, in seconds, of the bump that marks an onset in the target.
    encoder.onset_spread_s = 0.03
    encoder.ema = 0.99

    config.codebook = codebook = ml_collections.ConfigDict()
    # "patch_coder": pieces of log-mel found by k-means; "band_coder": a trained autoencoder; "vqgan": the paper's.
    codebook.kind = "patch_coder"
    # Of the patch coder, row 0 is the outline of a column and the others are its bands' details.
    codebook.rows = 6
    codebook.frames = 8
    codebook.codes = 256
    # Groups of mel bands of which an outline holds the means.
    codebook.outline = 20
    # From here to the end the band coder alone.
    codebook.latent = 16
    codebook.width = 256
    codebook.blocks = 2
    codebook.batch = 32
    # Steps without quantisation before k-means starts the books; a book trained from scratch collapses.
    codebook.warmup_steps = 400
    codebook.steps = 1200
    codebook.learning_rate = 1e-3

    # The transformer over [example codes, target codes]; 20 columns of 8 frames are 1.858 s.
    config.transformer = transformer = ml_collections.ConfigDict()
    transformer.columns = 20
    # "aligned": each moment's video feature enters the token of that moment; "prefix": the paper's.
    transformer.conditioning = "aligned"
    transformer.layers = 4
    transformer.heads = 4
    transformer.width = 128
    transformer.batch = 16
    transformer.steps = 900
    transformer.learning_rate = 3e-3
    transformer.weight_decay = 0.05
    # Share of training examples whose condition is hidden, so that one network also serves without one.
    transformer.drop_condition = 0.1
    # Weight of the loss on the example's own codes; the paper has none.
    transformer.condition_weight = 0.25
    transformer.dtype = "float32"

    config.sync = _sync()

    config.decoding = decoding = ml_collections.ConfigDict()
    decoding.temperature = 0.9
    decoding.top_k = 64
    decoding.guidance = 1.5
    decoding.griffin_lim_iterations = 60
    # A take that seems to be further out of step with its film is not accepted.
    decoding.tolerance_s = 0.2

    config.evaluate = evaluate = ml_collections.ConfigDict()
    evaluate.pairs = 96
    evaluate.takes = 4
    evaluate.griffin_lim_iterations = 32

    config.generate = generate = ml_collections.ConfigDict()
    generate.films = 6
    generate.takes = 4

    config.log_every = 50
    config.save_every = 200

    # What the command line asks of --job=generate and --job=onsets.
    config.request = ml_collections.ConfigDict()
    config.request.video = ""
    config.request.example = ""
    config.request.output = ""
    config.request.takes = 4
    config.request.seed = 0
    # Second of the example at which its window begins; negative takes the most eventful one.
    config.request.start = -1.0

    # Which parts of this document each stage depends on: a finished stage is not run again unless they change.
    config.stage_keys = ml_collections.ConfigDict(
        {
            "prepare": ("seed", "data", "world"),
            "encoder": ("seed", "data", "world", "mel", "encoder", "init_from"),
            "codebook": ("seed", "data", "world", "mel", "codebook", "init_from"),
            "transformer": (
                "seed",
                "data",
                "world",
                "mel",
                "encoder",
                "codebook",
                "transformer",
                "init_from",
            ),
            "sync": ("seed", "data", "world", "mel", "encoder", "codebook", "sync", "init_from"),
            "evaluate": (
                "seed",
                "data",
                "world",
                "mel",
                "encoder",
                "codebook",
                "transformer",
                "sync",
                "decoding",
                "evaluate",
            ),
            "generate": (
                "seed",
                "data",
                "world",
                "mel",
                "encoder",
                "codebook",
                "transformer",
                "sync",
                "decoding",
                "generate",
            ),
        }
    )
    globals()[f"_{preset}"](config)
    return config


def _sync() -> ml_collections.ConfigDict:
    """The scorer that ranks takes: it learns how late a sound is from recordings whose sound was shifted."""
    sync = ml_collections.ConfigDict()
    # Offsets up to this are told apart, in steps of a frame.
    sync.reach_s = 1.0
    # Film compared at a time; longer films add up the evidence of their windows.
    sync.window_s = 4.0
    sync.hidden = 64
    sync.width = 16
    # Groups of mel bands that the sound is heard in; must divide mel.n_mels.
    sync.bands = 16
    sync.dropout = 0.2
    sync.batch = 32
    sync.steps = 600
    sync.learning_rate = 2e-3
    sync.weight_decay = 0.05
    sync.ema = 0.99
    return sync


def _laptop(config: ml_collections.ConfigDict) -> None:
    """The values above."""


def _smoke(config: ml_collections.ConfigDict) -> None:
    """Every stage, nothing learned."""
    config.world.train = 8
    config.world.test = 4
    config.world.seconds = 6.0
    config.encoder.steps = 4
    config.encoder.batch = 2
    config.codebook.codes = 32
    config.transformer.steps = 4
    config.transformer.batch = 4
    config.transformer.layers = 2
    config.transformer.width = 64
    config.sync.steps = 4
    config.sync.batch = 4
    config.evaluate.pairs = 6
    config.evaluate.takes = 2
    config.evaluate.griffin_lim_iterations = 4
    config.generate.films = 6
    config.generate.takes = 1
    config.decoding.griffin_lim_iterations = 8
    config.log_every = 2
    config.save_every = 2


def _workstation(config: ml_collections.ConfigDict) -> None:
    """More of everything; not run yet."""
    config.world.train = 1200
    config.encoder.steps = 3000
    config.transformer.layers = 6
    config.transformer.width = 256
    config.transformer.steps = 6000
    config.save_every = 500


def _greatest_hits_mini(config: ml_collections.ConfigDict) -> None:
    """Real recordings, from the laptop's weights."""
    config.init_from = "runs/condfoley"
    config.data.recordings = "$VIS2SOUND_SHARED/greatest_hits_mini"
    config.encoder.steps = 1500
    config.encoder.learning_rate = 2e-3
    # Annotations of real films are rounded to 1/15 s, and sound and picture are not always in step.
    config.encoder.onset_spread_s = 0.05
    config.transformer.steps = 600
    config.transformer.learning_rate = 1e-3
    config.sync.steps = 300
    config.sync.learning_rate = 1e-3


def _paper(config: ml_collections.ConfigDict) -> None:
    """The paper's sizes (Du et al. 2023, section 4 and the released configurations)."""
    config.data.recordings = "greatest_hits"
    config.data.split = "condfoley"
    config.data.fps = 15.0
    config.data.height = 128
    config.data.width = 128
    config.mel.floor_db = -80.0
    config.encoder.kind = "r2plus1d"
    config.codebook.kind = "vqgan"
    config.codebook.rows = 5
    config.codebook.frames = 16
    config.codebook.codes = 1024
    config.codebook.latent = 256
    config.transformer.columns = 10
    config.transformer.conditioning = "prefix"
    config.transformer.layers = 24
    config.transformer.heads = 16
    config.transformer.width = 1024
    config.transformer.batch = 8
    config.transformer.learning_rate = 4e-5
    config.transformer.weight_decay = 0.01
    config.transformer.drop_condition = 0.0
    config.transformer.condition_weight = 0.0
    config.decoding.temperature = 1.0
    config.decoding.top_k = 512
    config.decoding.guidance = 1.0

"""Conditional Foley (Du et al., CVPR 2023): a silent video and an example sound become a soundtrack.

    python -m vis2sound_jax.main --config=configs/condfoley.py[:preset]

Presets (two idle CPU cores unless said otherwise; measured numbers stand in docs/results.md):
  laptop              the whole chain on procedural recordings; the default
  laptop_ablations    laptop and a second transformer that is trained without a condition; goes on in laptop's folder
  shipped             laptop without tables and films: what makes the weights in vis2sound_jax/pretrained/condfoley
  smoke               the same stages on a handful of recordings, about a minute; its films sound like noise
  workstation         laptop with more recordings and longer training; not timed yet
  greatest_hits_mini  starts from the weights that ship and trains on real recordings that you have
  paper               the paper's networks and training for the full Greatest Hits: GAN codebook, R(2+1)D-18,
                      24 x 1024 transformer, MelGAN; for an accelerator
  countixav           the same for Countix-AV
  paper_smoke         every stage of paper, small, on a handful of procedural recordings
  released            for --job=convert and --job=generate with the released weights of Greatest Hits
  released_countixav  the same for those of Countix-AV

Any value can be changed from the command line: --config.transformer.steps=500.
"""

from ml_collections import ConfigDict, FieldReference

from vis2sound_jax.run.settings import shared


def get_config(preset: str = "laptop") -> ConfigDict:
    """Returns the configuration of a preset."""
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}; configs/condfoley.py has {', '.join(PRESETS)}")
    # The ablations go on in the folder of a laptop run, without doing its stages again.
    config = shared("condfoley" if preset.startswith("laptop") else f"condfoley_{preset}", "condfoley", preset)
    config.pretrained = "condfoley"
    # Further transformers, each a stage and a row of the tables: "no_condition" is trained without examples,
    # "no_augmentation" on frames as they are, for which it must look at frames itself (transformer.video).
    config.ablations = ()
    config.stages = _stages(config, "sync", "evaluate", "generate")
    # True does as the published code did where its released weights need it: the video network normalises by the
    # statistics of each clip, in training sounds share one level a batch, spectrograms are cropped in the middle,
    # and the example's sound moves by the target's shift.
    config.compat = False
    config.mel = _mel()
    config.encoder, config.codebook, config.transformer = _encoder(), _codebook(), _transformer()
    config.events = _events()
    config.vocoder, config.sync, config.decoding = _vocoder(), _sync(), _decoding()
    config.evaluate = _evaluate()
    # Films of the test recordings.
    config.generate = ConfigDict({"films": 6, "takes": 4})
    PRESETS[preset](config)
    return config


def _stages(config: ConfigDict, *after: str) -> FieldReference:
    """The stages by a reference, so that those of --config.ablations=... are among them."""
    return ("prepare", "encoder", "codebook", "events", "transformer") + config.get_ref("ablations") + after


def _mel() -> ConfigDict:
    """Log-mel as CondFoleyGen computes it, but with a higher floor: background noise would take most of the codes."""
    mel = ConfigDict({"n_mels": 80, "n_fft": 1024, "hop": 256, "low_hz": 125.0, "high_hz": 7600.0, "scale": "htk"})
    mel.update(floor_db=-60.0, top_db=20.0)
    return mel


def _encoder() -> ConfigDict:
    """The video encoder learns when the film sounds, and how: the coarse spectrum of every frame's sound."""
    encoder = ConfigDict()
    # "impact_net", or "r2plus1d": the paper's network, which here learns the onsets alone.
    encoder.kind = "impact_net"
    encoder.widths = (32, 64, 128)
    encoder.width = 128
    # Of the convolutions over time after pooling, which look at 5 frames so far apart.
    encoder.dilations = (1, 1, 2, 4)
    encoder.bands = 16
    # Where onsets are learned from: "events", the annotated times, or "sound", the sound's own onsets.
    encoder.targets = "events"
    # Procedural films of everyday events, silent, from which the small network learns beside the recordings: their
    # number, their length in frames, and their share of the examples.
    encoder.everyday = 400
    encoder.everyday_frames = 96
    encoder.everyday_share = 0.4
    encoder.clip_frames = 48
    encoder.batch = 8
    encoder.steps = 1600
    encoder.learning_rate = 3e-3
    encoder.weight_decay = 0.05
    # Standard deviation, in seconds, of the bump that marks an onset in the target.
    encoder.onset_spread_s = 0.03
    encoder.ema = 0.99
    # Of r2plus1d alone: a file of torchvision's Kinetics weights to start from; empty starts from nothing.
    encoder.weights = ""
    return encoder


def _events() -> ConfigDict:
    """The event reader: from several seconds of what the encoder saw, and of motion, to events, kinds and force."""
    events = ConfigDict({"width": 48, "dropout": 0.4, "clip_frames": 128, "batch": 16, "steps": 1600})
    events.update(learning_rate=2e-3, weight_decay=0.1, ema=0.98)
    # Standard deviation, in seconds, of the bump that marks an event in the target.
    events.spread_s = 0.04
    # Whether the reader changes when events are; otherwise it says of which kind they are, and how hard, alone.
    events.refine = True
    # How sure the clearest moments are at which motion stops, beside what is learned; 0 leaves them out.
    events.stops = 0.0
    return events


def _codebook() -> ConfigDict:
    """The codes of sound."""
    codebook = ConfigDict()
    # "patch_coder": pieces of log-mel found by k-means; "band_coder": a trained autoencoder; "vqgan": the paper's.
    codebook.kind = "patch_coder"
    # Of the patch coder, row 0 is the outline of a column and the others are its bands' details.
    codebook.rows = 6
    codebook.frames = 8
    codebook.codes = 256
    # Groups of mel bands of which an outline holds the means.
    codebook.outline = 20
    # From here to the end the trained coders alone.
    codebook.latent = 16
    codebook.width = 256
    codebook.blocks = 2
    codebook.batch = 32
    # Steps without quantisation before k-means starts the books; a book trained from scratch collapses.
    codebook.warmup_steps = 400
    codebook.steps = 1200
    codebook.learning_rate = 1e-3
    # Of the VQGAN alone: width of each level over `width`; the step at which the discriminator begins; and a file
    # of weights for the perceptual loss, which is left out without one.
    codebook.levels = (1, 1, 2, 2, 4)
    codebook.disc_start = 600
    codebook.disc_width = 64
    codebook.perceptual = ""
    # RMS level to which every sound is brought before it is encoded; 0 leaves it as it is.
    codebook.rms = 0.0
    return codebook


def _transformer() -> ConfigDict:
    """The transformer over [example codes, target codes]; 20 columns of 8 frames are 1.858 s."""
    transformer = ConfigDict()
    transformer.columns = 20
    # "aligned": each moment's video feature enters the token of that moment; "prefix": the paper's.
    transformer.conditioning = "aligned"
    # "cached": the encoder's features, computed once; or the transformer has an r2plus1d of its own, which starts as
    # the encoder, sees altered frames and is "trained" or "frozen".
    transformer.video = "cached"
    # Codes of a recording are computed at so many places in a column.
    transformer.phases = 4
    transformer.layers = 4
    transformer.heads = 4
    transformer.width = 128
    # Heads by which a row of the codes copies from its earlier columns, for coders with a book a row; 0 has none.
    transformer.copy_heads = 2
    transformer.batch = 16
    transformer.steps = 2600
    transformer.learning_rate = 3e-3
    transformer.weight_decay = 0.05
    # Share of training examples whose condition is hidden, so that one network also serves without one.
    transformer.drop_condition = 0.1
    # Weight of the loss on the example's own codes; the paper has none.
    transformer.condition_weight = 0.25
    transformer.dtype = "float32"
    return transformer


def _vocoder() -> ConfigDict:
    """From log-mel to waveform."""
    # "griffin_lim", or "melgan": trained by the stage "vocoder", or converted.
    vocoder = ConfigDict({"kind": "griffin_lim", "width": 32, "residual_layers": 3})
    vocoder.update(batch=16, frames=32, steps=20000, learning_rate=1e-4)
    return vocoder


def _sync() -> ConfigDict:
    """The scorer that ranks takes: it learns how late a sound is from recordings whose sound was shifted."""
    sync = ConfigDict()
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


def _decoding() -> ConfigDict:
    """How takes are drawn."""
    decoding = ConfigDict()
    decoding.temperature = 0.7
    decoding.top_k = 64
    decoding.guidance = 1.5
    decoding.griffin_lim_iterations = 60
    # Further windows of a film take further windows of a long example, and not always the first.
    decoding.slide_condition = False
    # A take that seems to be further out of step with its film is not accepted.
    decoding.tolerance_s = 0.2
    # What orders accepted takes: "agreement" with the onsets seen, or "likeness" of their hits to the example's and
    # agreement together, or, as published, the least "offset".
    decoding.rank = "likeness"
    return decoding


def _evaluate() -> ConfigDict:
    """The test."""
    evaluate = ConfigDict({"pairs": 96, "takes": 4, "griffin_lim_iterations": 32})
    # Whether to add a row of Gatys' style transfer (given the true sound): minutes a pair on CPU.
    evaluate.style_transfer = False
    # torchvision's VGG19 weights as a file; without one its filters are random.
    evaluate.style_weights = ""
    evaluate.style_iterations = 300
    return evaluate


def _laptop(config: ConfigDict) -> None:
    """The values above."""


def _laptop_ablations(config: ConfigDict) -> None:
    """Its features are cached, so that there is no augmentation to leave out."""
    config.ablations = ("no_condition",)


def _shipped(config: ConfigDict) -> None:
    """What `--job=pack` needs to make the weights that come with the package; on procedural film alone."""
    config.stages = ("prepare", "encoder", "codebook", "events", "transformer", "sync")
    # More films than the laptop's, half of them close-ups, and more of everyday events.
    config.world.update(train=640, close_up=0.5)
    config.encoder.update(everyday=2600, everyday_share=0.6, clip_frames=64, steps=3600)
    # On films unlike those it learned from, the reader moves onsets away from where they are.
    config.events.update(steps=2000, refine=False, stops=0.1)


def _smoke(config: ConfigDict) -> None:
    """Every stage, nothing learned."""
    _few_recordings(config)
    config.encoder.update(steps=4, batch=2, everyday=20)
    config.codebook.codes = 32
    config.transformer.update(steps=4, batch=4, layers=2, width=64)


def _few_recordings(config: ConfigDict) -> None:
    config.world.update(train=8, test=4, seconds=6.0)
    config.sync.update(steps=4, batch=4)
    config.events.update(steps=4, batch=4)
    config.evaluate.update(pairs=6, takes=2, griffin_lim_iterations=4)
    config.generate.update(films=6, takes=1)
    config.decoding.griffin_lim_iterations = 8
    config.log_every, config.save_every = 2, 2


def _workstation(config: ConfigDict) -> None:
    """More of everything; not run yet."""
    config.world.train = 1200
    config.encoder.steps = 3000
    config.transformer.update(layers=6, width=256, steps=6000)
    config.save_every = 500


def _greatest_hits_mini(config: ConfigDict) -> None:
    """Real recordings, from the weights that ship."""
    config.pretrained = ""
    config.init_from = "pretrained"
    # A folder of yours, looked for from the current folder; another one: --config.data.recordings=DIR.
    config.data.recordings = "greatest_hits_mini"
    # Annotations of real films are rounded to 1/15 s, and sound and picture are not always in step.
    # Held-out sessions among the training recordings are seen best after so few steps (docs/results.md).
    config.encoder.update(steps=300, learning_rate=2e-3, onset_spread_s=0.05, everyday=0)
    config.transformer.update(steps=600, learning_rate=1e-3)
    config.events.update(steps=300, spread_s=0.06)
    config.sync.update(steps=300, learning_rate=1e-3)


def _paper(config: ConfigDict) -> None:
    """The paper's sizes and training (Du et al. 2023, section 4 and the released configurations)."""
    # One more training each of the largest network; --config.ablations=() leaves them out.
    config.ablations = ("no_condition", "no_augmentation")
    config.pretrained = ""
    config.stages = _stages(config, "vocoder", "sync", "evaluate", "generate")
    config.data.update(recordings="greatest_hits", split="condfoley", fps=15.0, height=128, width=128)
    config.mel.floor_db = -80.0
    # The network of the paper's onset transfer, from which the transformer's own starts: 100 passes.
    config.encoder.update(
        everyday=0, kind="r2plus1d", widths=(64, 128, 256, 512), width=512, targets="sound", clip_frames=30
    )
    config.encoder.update(batch=12, steps=270_000, learning_rate=1e-4, weight_decay=5e-4)
    config.codebook.update(kind="vqgan", rows=5, frames=16, codes=1024, latent=256, width=128)
    config.codebook.update(warmup_steps=0, steps=200_000, disc_start=30_000, learning_rate=1.44e-4)
    config.transformer.update(columns=10, conditioning="prefix", video="trained", phases=3)
    config.transformer.update(layers=24, heads=16, width=1024, copy_heads=0)
    config.transformer.update(drop_condition=0.0, condition_weight=0.0)
    config.transformer.update(batch=8, steps=200_000, learning_rate=4e-5, weight_decay=0.01)
    config.vocoder.update(kind="melgan", batch=64, steps=400_000)
    config.decoding.update(temperature=1.0, top_k=512, guidance=1.0)
    config.log_every, config.save_every = 200, 2000


def _countixav(config: ConfigDict) -> None:
    """The paper's second data set: fewer recordings, repeated actions, no labelled hits."""
    _paper(config)
    config.data.update(recordings="countix_av", builder="countix_av", split="condfoley")
    config.encoder.steps = 6_700
    config.transformer.steps = 100_000


def _released(config: ConfigDict) -> None:
    """Greatest Hits, the transformer of 2022-05-03: windows of 12 columns, an older log-mel, sounds of one level."""
    _paper(config)
    config.compat, config.ablations = True, ()
    config.mel.scale = "slaney"
    config.codebook.rms = 0.1
    config.transformer.columns = 12


def _released_countixav(config: ConfigDict) -> None:
    """Countix-AV."""
    _countixav(config)
    config.compat, config.ablations = True, ()


def _paper_smoke(config: ConfigDict) -> None:
    """Every stage of `paper`, nothing learned."""
    _paper(config)
    _few_recordings(config)
    config.data.update(recordings="procedural", split="official")
    config.encoder.update(widths=(4, 8, 8, 16), width=16)
    config.codebook.update(width=8, latent=16, codes=64, disc_width=8)
    config.transformer.update(layers=2, heads=2, width=32)
    config.vocoder.update(width=4, residual_layers=1)
    for stage in (config.encoder, config.codebook, config.transformer, config.vocoder):
        stage.update(batch=2, steps=4)
    config.codebook.disc_start = 2


PRESETS = {
    "laptop": _laptop,
    "laptop_ablations": _laptop_ablations,
    "shipped": _shipped,
    "smoke": _smoke,
    "workstation": _workstation,
    "greatest_hits_mini": _greatest_hits_mini,
    "paper": _paper,
    "countixav": _countixav,
    "paper_smoke": _paper_smoke,
    "released": _released,
    "released_countixav": _released_countixav,
}

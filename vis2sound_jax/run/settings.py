"""The sections that the configs of all systems share. Configs import this module and nothing else of the package."""

from ml_collections import ConfigDict


def shared(name: str, system: str, preset: str) -> ConfigDict:
    """Makes a config with the sections that every system has.

    Args:
      name: of the run, and of its folder in `runs/`.
      system: a folder of `systems/`, or the dotted name of a module.
      preset: as it was asked for.

    Returns:
      The config; the system's document changes and adds what it needs.
    """
    config = ConfigDict({"name": name, "system": system, "preset": preset, "seed": 0})
    # A workdir whose trained stages this run starts from, or "pretrained", the weights that come with the package;
    # empty starts from nothing.
    config.init_from = ""
    # The weights that come with the package by whose name they are used where there is no run; empty for none.
    config.pretrained = ""
    config.data = _data()
    # Who makes the records, which are the same: processes (-1 for all cores, 0 for none), or, with options such as
    # "--runner=DirectRunner", Apache Beam (extra `beam`).
    config.prepare = ConfigDict({"workers": -1, "beam": ""})
    # The procedural recordings: how many, how long, and in what share of them one thing fills much of the frame.
    config.world = ConfigDict({"train": 420, "test": 48, "seconds": 10.0, "close_up": 0.0})
    config.mesh = _mesh()
    config.training = _training()
    config.log_every, config.save_every = 50, 200
    return config


def _data() -> ConfigDict:
    """Recordings: "procedural" writes a made-up world; anything else is a folder in the builder's layout."""
    data = ConfigDict({"recordings": "procedural"})
    # A folder in datasets/: "greatest_hits", "countix_av" or "clips_by_class".
    data.builder = "greatest_hits"
    data.split = "official"
    # Sample rate of the sound; frames a second, rows and columns of the pictures.
    data.update(rate_hz=22050, fps=25.0, height=72, width=128)
    # Share of the recordings that may be unreadable before preparation stops.
    data.max_bad_share = 0.05
    return data


def _mesh() -> ConfigDict:
    """How devices share the work, which changes no result; -1 takes the devices that are left.

    Examples are divided over data and fsdp, parameters over fsdp; heads, MLPs, codes and vocabulary over model.
    """
    return ConfigDict({"data": -1, "fsdp": 1, "model": 1})


def _training() -> ConfigDict:
    """How training is computed and kept, whatever is trained."""
    training = ConfigDict()
    # Parts of a batch whose gradients are computed one after the other, to save memory.
    training.accumulate = 1
    # What the backward pass of transformer and video network computes again: "none", "dots" (all but products of
    # matrices), "full", or "auto": full where the transformer has more than 8 layers.
    training.remat = "auto"
    # Whether the transformer's layers are one loop, which compiles faster and copies their weights.
    training.scan = False
    # How the transformer attends in training: "own", or by jax.nn.dot_product_attention "xla" or, on an NVIDIA GPU and
    # with transformer.dtype="bfloat16", "cudnn". Takes are drawn by "own" in any case.
    training.attention = "own"
    # Steps between evaluations (0: only after the last), and an evaluated number, such as "held_out/nats_matched",
    # the checkpoint of whose lowest value is kept in best/.
    training.update(eval_every=0, best="")
    # How many checkpoints are kept, and where: a folder or bucket (gs://...); empty keeps them in the workdir.
    training.update(keep=2, checkpoints="")
    # Grey films are decoded once and kept in the run's folder while a network is trained, one byte a pixel, where they
    # take no more than so many GB; 0 decodes the frames of every example anew. It changes no result.
    training.decoded_gb = 2.0
    # First and last step of a trace by jax.profiler, such as "20:25"; and whether to write TensorBoard events.
    training.update(profile="", tensorboard=False)
    return training

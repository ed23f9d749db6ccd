"""The door for notebooks, apps and other programs: load a trained run of any system and take films through it.

    foley = api.load()  # the weights that ship with the package; api.load("runs/condfoley"): your own run
    result = foley.generate("film.mp4", api.Request(example="sound.wav", takes=4))
    api.write_result(result, "out.mp4")

Or step by step, each step handing on one value: `Film.open`, `foley.watch`, `foley.compose`, `foley.sound`,
`foley.rank`. Arrays may come in instead of files: `Film.of_frames`, `Example.of_wav`.
"""

import os
from pathlib import Path

from ml_collections import ConfigDict

from vis2sound_jax.audio.example import Example
from vis2sound_jax.errors import UserError
from vis2sound_jax.exchange.events import EventList
from vis2sound_jax.exchange.formats import read_events, write_events
from vis2sound_jax.run.delivery import Delivery
from vis2sound_jax.run.loading import load_system
from vis2sound_jax.run.manifest import manifest_of, write_result
from vis2sound_jax.run.steps import Composed, Events, Progress, Request, Result, System, Watched
from vis2sound_jax.shipped import pretrained_dir, pretrained_names
from vis2sound_jax.video.film import Film

__all__ = [
    "Composed",
    "Delivery",
    "EventList",
    "Events",
    "Example",
    "Film",
    "Progress",
    "Request",
    "Result",
    "System",
    "Watched",
    "load",
    "manifest_of",
    "read_events",
    "write_events",
    "write_result",
]


def load(
    workdir: str | os.PathLike[str] | None = None, config: ConfigDict | None = None, *, system: str = "condfoley"
) -> System:
    """Loads a finished run of any system, or the weights that ship with the package.

    The first film compiles for seconds. `main` keeps compiled programs in a folder for the next time; a program of
    your own does so if it sets JAX_COMPILATION_CACHE_DIR before jax is imported, or calls
    `jax.config.update("jax_compilation_cache_dir", FOLDER)`.

    Args:
      workdir: the folder that `python -m vis2sound_jax.main` wrote, or the name of a run in `runs/`; without one, the
        weights that ship with the package are taken.
      config: settings to use instead of the run's own, for example of the decoding; what the weights depend
        on must be the same.
      system: whose weights are taken where no run is named: "condfoley" or "vis".

    Returns:
      The system, ready for films.

    Raises:
      UserError: if there is no trained run, it lacks a setting that this version reads, the config is not the one of
        its weights, or weights are damaged.
    """
    folder = _shipped(system) if workdir is None else Path(workdir)
    if not folder.exists() and (Path("runs") / folder).exists():
        folder = Path("runs") / folder
    return load_system(folder, config)


def _shipped(system: str) -> Path:
    known = pretrained_names()
    if system not in known:
        raise UserError(
            f"system={system!r}: no such weights ship with vis2sound_jax; choose from {', '.join(known)}, or name the "
            "folder of a run"
        )
    return pretrained_dir(system)

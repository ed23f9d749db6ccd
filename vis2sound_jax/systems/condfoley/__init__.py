"""Conditional Foley (Du et al., CVPR 2023): its stages and jobs. Nothing heavy is imported here."""

from vis2sound_jax.run import requests
from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import Stage

_HERE = "vis2sound_jax.systems.condfoley"
CHAIN = f"{_HERE}.chain"
"""The module whose `load` opens a finished run; see `api.load`."""
_FILMS = Flag("films", "", "Folder of films, each to be given the sound of several others.", "films/")
_EXAMPLE = Flag("example", "", "Film or sound file whose sound to imitate.", "sound.wav")
_EXAMPLES = Flag("examples", 3, "Number of examples for each film.", "3", least=1)
_TAKES = Flag("takes", 4, "Number of different soundtracks.", "4", least=1)
_START = Flag("start", -1.0, "Second of the example at which its window begins; by default the busiest.", "2.5")

_DATA = ("seed", "data", "world", "mel")
_NETWORKS = (*_DATA, "encoder", "codebook", "transformer", "compat")
_CHAIN = (*_NETWORKS, "vocoder", "sync", "decoding")

STAGES = (
    Stage(
        "prepare",
        "vis2sound_jax.run.prepare",
        "reads or draws the recordings and turns them into records",
        reads=("seed", "data", "world"),
    ),
    Stage(
        "encoder",
        f"{_HERE}.train",
        "trains the network that sees when something sounds",
        reads=(*_DATA, "encoder", "compat", "init_from"),
        every_host=True,
    ),
    Stage(
        "codebook",
        f"{_HERE}.train",
        "learns the codes of sound",
        reads=(*_DATA, "codebook", "transformer.columns", "compat", "init_from"),
        every_host=True,
    ),
    *(
        Stage(name, f"{_HERE}.train", text, reads=(*_NETWORKS, "init_from"), every_host=True)
        for name, text in (
            ("transformer", "trains the network that composes codes for film and example"),
            ("no_condition", "trains a second transformer that never hears an example"),
            ("no_augmentation", "trains a second transformer on frames as they are"),
        )
    ),
    Stage(
        "vocoder",
        f"{_HERE}.train",
        "trains the network from log-mel to waveform",
        reads=(*_DATA, "vocoder", "init_from"),
        every_host=True,
    ),
    Stage(
        "sync",
        f"{_HERE}.sync",
        "trains the scorer that ranks takes",
        reads=(*_NETWORKS, "sync", "init_from"),
        every_host=True,
    ),
    Stage(
        "evaluate",
        f"{_HERE}.evaluate",
        "scores held-out recordings: metrics.json and report.html",
        reads=(*_CHAIN, "evaluate", "ablations"),
        remade=True,
    ),
    Stage(
        "generate",
        f"{_HERE}.generate",
        "makes soundtracks: for your film, or as a stage for held-out films",
        reads=(*_CHAIN, "generate"),
        flags=(requests.VIDEO, _EXAMPLE, requests.OUTPUT, _TAKES, requests.SEED, _START),
    ),
)
"""In the order in which a run does them; `config.stages` says which ones it does."""

JOBS = (
    Stage(
        "onsets",
        f"{_HERE}.onsets",
        "lists the events seen in a film as a table",
        flags=(requests.VIDEO, requests.OUTPUT._replace(example="events.csv")),
    ),
    Stage("amt", f"{_HERE}.amt", "scores the pairs of the published listening test"),
    Stage(
        "sheet",
        f"{_HERE}.sheet",
        "gives every film of a folder the sound of others, on one page",
        flags=(_FILMS, _EXAMPLES, requests.OUTPUT._replace(example="sheet/"), requests.SEED),
    ),
    Stage(
        "convert",
        f"{_HERE}.convert",
        "converts a file of released weights",
        flags=(
            requests.KIND._replace(example="transformer"),
            requests.SOURCE,
            requests.OUTPUT._replace(example="weights/"),
        ),
    ),
    Stage(
        "plan",
        "vis2sound_jax.planning.plan",
        "tells what a training step needs on chips that are not there",
        flags=(
            requests.TOPOLOGY,
            requests.STAGE._replace(default="transformer"),
            requests.SCALE_BATCH,
            requests.OUTPUT._replace(example="plan.json"),
        ),
    ),
)
"""Asked for by name alone, of a finished run or of none."""

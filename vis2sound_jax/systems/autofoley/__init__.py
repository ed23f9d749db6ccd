"""AutoFoley (Ghose & Prevost, IEEE TMM 2020): its stages and jobs. Nothing heavy is imported here."""

from vis2sound_jax.run import requests
from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import Stage, plan_job

_HERE = "vis2sound_jax.systems.autofoley"
CHAIN = f"{_HERE}.chain"
"""The module whose `load` opens a finished run; see `api.load`."""
_CLASS = Flag("class", "", "What sounds in the film; by default what is recognised in it.", "rain")

_PREPARED = ("seed", "data", "world")
_HEARD = (*_PREPARED, "sound")
_SEEN = (*_HEARD, "eye", "init_from")
_RESULTS = (*_SEEN, "model", "sequence", "relation", "synthesis")

STAGES = (
    Stage("prepare", f"{_HERE}.prepare", "reads or draws the clips and turns them into records", reads=_PREPARED),
    Stage("sounds", f"{_HERE}.sounds", "computes spectrograms and the mean of every class", reads=_HEARD),
    Stage(
        "sequence",
        f"{_HERE}.foley",
        "trains the frame-sequence network, a fast-slow LSTM",
        reads=(*_SEEN, "sequence"),
        every_host=True,
    ),
    Stage(
        "relation",
        f"{_HERE}.foley",
        "trains the frame-relation network, which compares frames",
        reads=(*_SEEN, "relation"),
        every_host=True,
    ),
    Stage(
        "evaluate",
        f"{_HERE}.evaluate",
        "scores held-out clips: metrics.json and report.html",
        reads=(*_RESULTS, "evaluate"),
        remade=True,
    ),
    Stage(
        "generate",
        f"{_HERE}.generate",
        "makes soundtracks: for your film, or as a stage for held-out clips",
        reads=(*_RESULTS, "generate"),
        flags=(requests.VIDEO, requests.OUTPUT, requests.SEED, _CLASS, *requests.DELIVERY),
        weights_for=("video",),
    ),
)
"""In the order in which a run does them; `config.stages` says which ones it does."""

JOBS = (plan_job("sequence", "relation"),)
"""Asked for by name alone, of a finished run or of none."""

"""Visually Indicated Sounds (Owens et al., CVPR 2016): its stages and jobs. Nothing heavy is imported here."""

from vis2sound_jax.run import requests
from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import DRAW, PREPARE, Stage, pack_job, plan_job

_HERE = "vis2sound_jax.systems.vis"
CHAIN = f"{_HERE}.chain"
"""The module whose `load` opens a finished run; see `api.load`."""
_SYNTHESIS = Flag(
    "synthesis",
    "",
    "How sounds of impacts are made; by default as config.synthesis.kind says.",
    "exemplar",
    choices=("exemplar", "parametric"),
)

_HEARD = (*PREPARE.reads, "sound")
_SEEN = (*_HEARD, "streams", "init_from")
_RESULTS = (*_SEEN, "prediction", "detection", "synthesis")

STAGES = (
    PREPARE,
    Stage("sounds", f"{_HERE}.sounds", "computes cochleagrams and collects exemplars", reads=_HEARD),
    Stage(
        "streams",
        f"{_HERE}.streams",
        "trains the streams of motion and colour from the sound",
        reads=_SEEN,
        every_host=True,
    ),
    Stage("seen", f"{_HERE}.seen", "watches all recordings once and keeps what is seen", reads=_SEEN),
    *(
        Stage(name, f"{_HERE}.recurrent", text, reads=(*_SEEN, name.partition("_")[0]), every_host=True)
        for name, text in (
            ("prediction", "trains the network from what is seen to the sound of single impacts"),
            ("prediction_no_spacetime", "the same without motion"),
            ("prediction_no_rnn", "the same without recurrence"),
            ("detection", "trains the network from what is seen to the sound of whole films"),
            ("detection_no_spacetime", "the same without motion"),
        )
    ),
    Stage(
        "evaluate",
        f"{_HERE}.evaluate",
        "scores held-out recordings: metrics.json and report.html",
        reads=(*_RESULTS, "evaluate"),
        remade=True,
    ),
    Stage(
        "generate",
        f"{_HERE}.generate",
        "makes soundtracks: for your film, or as a stage for held-out films",
        reads=(*_RESULTS, "generate"),
        remade=True,
        flags=(requests.VIDEO, requests.OUTPUT, requests.SEED, _SYNTHESIS, *requests.DELIVERY),
        weights_for=("video",),
    ),
)
"""In the order in which a run does them; `config.stages` says which ones it does."""

JOBS = (
    Stage(
        "convert",
        f"{_HERE}.convert",
        "converts ImageNet weights",
        flags=(requests.KIND, requests.SOURCE, requests.OUTPUT._replace(example="weights/")),
    ),
    pack_job(f"{_HERE}.pack"),
    DRAW,
    plan_job("prediction", "streams"),
)
"""Asked for by name alone, of a finished run or of none."""

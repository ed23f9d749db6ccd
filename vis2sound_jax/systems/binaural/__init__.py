"""2.5D Visual Sound (Gao & Grauman, CVPR 2019): its stages and jobs. Nothing heavy is imported here."""

from vis2sound_jax.run import requests
from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import Stage, plan_job

_HERE = "vis2sound_jax.systems.binaural"
_LEARNED = ("seed", "data", "scenes", "upmix", "init_from")
_SOUND = Flag("sound", "", "Mono sound of the film; by default the film's own, mixed down.", "mono.wav")
_HOP = Flag("hop", 0.05, "Seconds from one window to the next; each window has 0.63 s.", "0.1", least=0.01)

STAGES = (
    Stage(
        "upmix",
        f"{_HERE}.upmix",
        "trains the networks that look and listen to tell left from right",
        reads=_LEARNED,
        every_host=True,
    ),
    Stage("upmix_blind", f"{_HERE}.upmix", "the same without sight", reads=_LEARNED, every_host=True),
    Stage(
        "evaluate",
        f"{_HERE}.evaluate",
        "scores scenes with what was held out: metrics.json and report.html",
        reads=(*_LEARNED, "evaluate"),
        remade=True,
    ),
)
"""In the order in which a run does them; `config.stages` says which ones it does."""

JOBS = (
    Stage(
        "binaural",
        f"{_HERE}.film",
        "makes a film's mono sound binaural: a film, and a WAV of 24 bits whose channels add up to the mono sound",
        reads=_LEARNED,
        flags=(requests.VIDEO, _SOUND, requests.OUTPUT, _HOP, requests.OVERWRITE),
    ),
    Stage(
        "convert",
        f"{_HERE}.convert",
        "converts released weights, and those of torchvision's ResNet-18",
        flags=(
            requests.KIND._replace(example="audio_unet"),
            requests.SOURCE._replace(example="audio_best.pth"),
            requests.OUTPUT._replace(example="weights/"),
        ),
    ),
    plan_job("upmix", "upmix_blind"),
)
"""Asked for by name alone, of a finished run or of none."""

"""Conditional Foley (Du et al., CVPR 2023): its stages and jobs. Nothing heavy is imported here."""

from vis2sound_jax.exchange.formats import FORMS
from vis2sound_jax.run import requests
from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import DRAW, PREPARE, Stage, pack_job, plan_job

_HERE = "vis2sound_jax.systems.condfoley"
CHAIN = f"{_HERE}.chain"
"""The module whose `load` opens a finished run; see `api.load`."""
_FILMS = Flag("films", "", "Folder of films, each to be given the sound of several others.", "films/")
_EXAMPLE = Flag(
    "example", (), "Film, sound file or folder of sounds to sound like; may be given several times.", "sound.wav"
)
_EXAMPLE_TRACK = Flag(
    "example_track",
    (),
    "Number of the example's sound track, from 1; by default the first that is not silent. May be a list.",
    "2",
)
_EXAMPLES = Flag("examples", 3, "Number of examples for each film.", "3", least=1)
_RECORDINGS = Flag("recordings", 24, "Number of test recordings, of each one window.", "24", least=2)
_TAKES = Flag("takes", 4, "Number of different soundtracks.", "4", least=1)
_ENGINE = Flag(
    "engine",
    "exemplar",
    "Copy pieces of the example, compose codes by the transformer, or both and rank them.",
    choices=("exemplar", "codes", "both"),
)
_VARY = Flag("vary", 1.0, "Small changes of gain, pitch and time of copied pieces, from 0 to 1.", "0")
_TONE = Flag("tone", "", "Level in dB of the example's room tone under copied pieces; without it, none.", "-6")
_EVENTS = Flag(
    "events",
    "",
    "List of events to sound instead of those that are seen; only a list, the film is not looked at.",
    "events.csv",
)
_EVENTS_OUT = Flag("events_out", "", "Where to write the list of events with the piece that each got.", "events.csv")
_FORMAT = Flag(
    "format",
    "",
    "Form of the list that is written; by default the one of its ending.",
    choices=tuple(form.name for form in FORMS.values() if form.writes),
)
_TIMECODE = Flag("timecode", "", "Timecode of the film's first frame; by default its own.", "10:00:00:00")
_START = Flag("start", -1.0, "Second of the example at which its window begins; by default the busiest.", "2.5")

_BEGUN = (*PREPARE.reads, "init_from")
_CODES = (*_BEGUN, "mel", "codebook", "compat")
_COMPOSED = (*_CODES, "encoder", "transformer")
_CHAIN = (*_COMPOSED, "events", "vocoder", "sync", "decoding")

STAGES = (
    PREPARE,
    Stage(
        "encoder",
        f"{_HERE}.encoder",
        "trains the network that sees when something sounds",
        reads=(*_BEGUN, "encoder", "compat"),
        every_host=True,
    ),
    Stage(
        "codebook",
        f"{_HERE}.codebook",
        "learns the codes of sound",
        reads=(*_CODES, "transformer.columns"),
        every_host=True,
    ),
    Stage(
        "events",
        f"{_HERE}.events",
        "trains what reads events in what is seen: when, of which kind, how hard",
        reads=(*_CODES, "encoder", "events", "transformer.columns", "transformer.phases", "transformer.video"),
        every_host=True,
    ),
    *(
        Stage(name, f"{_HERE}.transformer", text, reads=_COMPOSED, every_host=True)
        for name, text in (
            ("transformer", "trains the network that composes codes for film and example"),
            ("no_condition", "trains a second transformer that never hears an example"),
            ("no_augmentation", "trains a second transformer on frames as they are"),
        )
    ),
    Stage(
        "vocoder",
        f"{_HERE}.vocoder",
        "trains the network from log-mel to waveform",
        reads=(*_BEGUN, "mel", "vocoder"),
        every_host=True,
    ),
    Stage(
        "sync",
        f"{_HERE}.sync",
        "trains the scorer that ranks takes",
        # It learns from what encoder and codebook make of the recordings, and needs no transformer.
        reads=(*_CODES, "encoder", "transformer.columns", "transformer.phases", "transformer.video", "sync"),
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
        remade=True,
        flags=(
            *(requests.VIDEO, _EXAMPLE, requests.OUTPUT, _TAKES, requests.SEED),
            *(_EXAMPLE_TRACK, _ENGINE, _VARY, _TONE, _START, *requests.DELIVERY),
            *(_EVENTS, _EVENTS_OUT, _FORMAT, _TIMECODE),
        ),
        weights_for=("video",),
    ),
)
"""In the order in which a run does them; `config.stages` says which ones it does."""

JOBS = (
    Stage(
        "onsets",
        f"{_HERE}.onsets",
        "lists the events seen in a film, for spreadsheets, editors and sequencers",
        flags=(requests.VIDEO, requests.OUTPUT._replace(example="events.csv"), _FORMAT, _TIMECODE, requests.OVERWRITE),
        weights_for=("video",),
    ),
    Stage("amt", f"{_HERE}.amt", "scores the pairs of the published listening test", in_workdir=True),
    Stage(
        "sheet",
        f"{_HERE}.sheet",
        "gives every film of a folder the sound of others, on one page",
        flags=(
            *(_FILMS, _EXAMPLES, requests.OUTPUT._replace(example="sheet/"), requests.SEED, _ENGINE),
            requests.OVERWRITE,
        ),
        weights_for=("films",),
    ),
    Stage(
        "study",
        f"{_HERE}.study",
        "writes a listening study of test recordings: which sound is real?",
        flags=(requests.OUTPUT._replace(example="study/"), _RECORDINGS, requests.OVERWRITE),
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
    pack_job(f"{_HERE}.pack"),
    DRAW,
    plan_job("transformer", "encoder"),
)
"""Asked for by name alone, of a finished run or of none."""

"""A system for the tests of stages: nothing in it is ever imported."""

from vis2sound_jax.run.requests import TOPOLOGY, VIDEO, Flag
from vis2sound_jax.run.stage import Stage

_TAKES = Flag("takes", 4, "Number of soundtracks.", "2", least=1)

STAGES = (
    Stage("prepare", "tests.run.nowhere", "prepares", reads=("data",)),
    Stage("codebook", "tests.run.nowhere", "learns", reads=("data", "codebook")),
    Stage("evaluate", "tests.run.nowhere", "scores", reads=("data", "codebook", "evaluate"), remade=True),
)
JOBS = (
    Stage("onsets", "tests.run.nowhere", "lists onsets", flags=(VIDEO, _TAKES)),
    Stage("plan", "tests.run.nowhere", "plans", flags=(TOPOLOGY,)),
)

"""What the command line asks of a job: each flag stands in one place, with its default, help and an example."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from absl import flags
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError


class Flag(NamedTuple):
    """A flag of a job. Its value arrives in `config.request` under its name.

    Attributes:
      name: without dashes.
      default: used where the flag is not given; its type is the flag's type, and a tuple that of a flag which may be
        given several times.
      help: what it does, in one sentence.
      example: a value, as a user would write it.
      choices: the allowed values of a flag that has few.
      least: the smallest allowed number.
    """

    name: str
    default: Any
    help: str
    example: str = ""
    choices: tuple[str, ...] = ()
    least: float | None = None


VIDEO = Flag("video", "", "Film to make sound for.", "film.mp4")
OUTPUT = Flag("output", "", "File or folder to write.", "out.mp4")
SEED = Flag("seed", 0, "Seed of what is drawn at random; the same seed gives the same result.", "1")
RATE = Flag("rate", 48_000, "Samples a second of the sound that is written.", "96000")
LUFS = Flag("lufs", "", "Loudness in LUFS (EBU R 128) to bring it to; by default it stays as loud as it is.", "-23")
KEEP_SOUND = Flag(
    "keep_sound", "", "Level in dB at which the film's own sound is mixed under it; by default it is left out.", "-12"
)
PCM = Flag("pcm", False, "Whether the film holds the sound as PCM of 24 bits, in a .mov or .mkv.")
OVERWRITE = Flag("overwrite", False, "Whether files that this program did not write may be replaced.")
DELIVERY = (RATE, LUFS, KEEP_SOUND, PCM, OVERWRITE)
"""How a soundtrack is written: the flags of every job that makes films, read by `run.delivery`."""
TOPOLOGY = Flag("topology", "", "Chips to plan for; several with commas between them.", "v5e-4,v5e-16")
STAGE = Flag("stage", "", "Stage to plan; by default the largest one of the system.", "encoder")
SCALE_BATCH = Flag("scale_batch", False, "Whether a plan takes the config's batch as one chip's.")
KIND = Flag("kind", "", "Which network a file of released weights holds.", "alexnet")
SOURCE = Flag("source", "", "File of released weights to convert.", "weights.pt")


_DEFINED: set[str] = set()
"""Names of the flags of the last call of `define`."""


def define(wanted: Iterable[Flag]) -> None:
    """Makes the flags known to absl, and those of an earlier call unknown.

    Args:
      wanted: the flags; a name that comes twice is defined once.
    """
    for name in _DEFINED & set(flags.FLAGS):
        delattr(flags.FLAGS, name)
    _DEFINED.clear()
    for flag in {flag.name: flag for flag in wanted}.values():
        _DEFINED.add(flag.name)
        if flag.choices:
            flags.DEFINE_enum(flag.name, None, flag.choices, flag.help)
        elif isinstance(flag.default, tuple):
            flags.DEFINE_multi_string(flag.name, None, flag.help)
        elif isinstance(flag.default, bool):
            flags.DEFINE_bool(flag.name, None, flag.help)
        elif isinstance(flag.default, int):
            flags.DEFINE_integer(flag.name, None, flag.help, lower_bound=flag.least)  # type: ignore[arg-type]
        elif isinstance(flag.default, float):
            flags.DEFINE_float(flag.name, None, flag.help, lower_bound=flag.least)
        else:
            flags.DEFINE_string(flag.name, None, flag.help)


def given(wanted: Iterable[Flag]) -> dict[str, Any]:
    """Reads the flags that stand on the command line.

    Args:
      wanted: flags that `define` has seen.

    Returns:
      name → value of those that were given.
    """
    values = {flag.name: flags.FLAGS[flag.name].value for flag in wanted}
    # Settings hold no lists that anybody could change.
    fixed = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return {name: value for name, value in fixed.items() if value is not None}


def check(job: str | None, values: Mapping[str, Any], hears: Mapping[str, tuple[Flag, ...]]) -> None:
    """Refuses flags that the job does not hear.

    Args:
      job: the name, None for all stages.
      values: the flags that were given.
      hears: by job, its flags.

    Raises:
      UserError: names the jobs that do hear the flag.
    """
    own = {flag.name for flag in hears.get(job, ())} if job else set()
    for name in values:
        if name not in own:
            jobs = [other for other, known in hears.items() if any(flag.name == name for flag in known)]
            listed = " or ".join(f"--job={other}" for other in jobs)
            without = f"--job={job} does nothing with it" if job else "all stages together do nothing with it"
            raise UserError(f"--{name} goes with {listed}, and {without}; add one of these or leave it out")


def with_request(config: ConfigDict, job: str, own: Iterable[Flag], values: Mapping[str, Any]) -> ConfigDict:
    """Prepares the settings that a job gets.

    Args:
      config: the settings of the run; they stay as they are.
      job: its name, which becomes `config.stage`.
      own: the flags of the job.
      values: those that were given.

    Returns:
      A copy with `stage` and with `request`, where every flag has its value or its default.
    """
    copy = config.copy_and_resolve_references()
    with copy.unlocked():
        copy.stage = job
        copy.request = ConfigDict({flag.name: values.get(flag.name, flag.default) for flag in own})
    return copy

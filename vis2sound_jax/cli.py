"""The program `vis2sound`: `vis2sound JOB [FILE] [flags]`, in fewer words what `vis2sound_jax.main` does."""

import re
import sys
from collections.abc import Sequence

from vis2sound_jax import main as entry
from vis2sound_jax.errors import UserError
from vis2sound_jax.run import ending, environment
from vis2sound_jax.run.command_line import argument_of, load_config
from vis2sound_jax.run.help import CONFIG, short_help, short_job_help
from vis2sound_jax.run.nearest import nearest
from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import Stage, listed

_TRAIN = Stage("train", "", "does all stages of a config, in order; those that are finished are left alone")
# The word behind a job is the value of the first of these flags that the job has.
_FILES = ("video", "films", "source")
_SWITCHES = ("multihost",)


def _asks_for_help(words: Sequence[str]) -> bool:
    return any(re.fullmatch(r"-h|--?help(full|short)?", word) for word in words)


def _file_flag(job: Stage) -> Flag | None:
    if job is _TRAIN:
        return CONFIG
    return next((flag for flag in job.flags if flag.name in _FILES), None)


def _apart(words: Sequence[str], job: Stage) -> tuple[list[str], list[str]]:
    """Files, and flags with their values: a flag without `=` takes the next word, unless it is a switch."""
    switches = {*_SWITCHES, *(flag.name for flag in job.flags if isinstance(flag.default, bool))}
    switches |= {f"no{name}" for name in switches}
    files, flags, takes = [], [], False
    for word in words:
        if takes or word.startswith("-"):
            flags.append(word)
            takes = not takes and "=" not in word and word.lstrip("-") not in switches
        else:
            files.append(word)
    return files, flags


def _with_file(words: Sequence[str], job: Stage) -> list[str]:
    files, flags = _apart(words, job)
    if not files:
        return flags
    flag = _file_flag(job)
    if flag is None:
        raise UserError(f"vis2sound {job.name}: {files[0]!r} is not understood; this job takes flags alone, see --help")
    if len(files) > 1:
        raise UserError(f"vis2sound {job.name}: {files[1]!r} is one word too many; it takes one {flag.name} and flags")
    if argument_of(flag.name, flags) is not None:
        raise UserError(f"vis2sound {job.name}: {files[0]!r} and --{flag.name} say the same; leave one out")
    return [f"--{flag.name}={files[0]}", *flags]


def translate(words: Sequence[str]) -> list[str]:
    """Says the same to `vis2sound_jax.main`.

    Args:
      words: what follows `vis2sound`.

    Returns:
      Its arguments.

    Raises:
      UserError: if the job or the config is unknown (names the nearest), or a word is not understood.
      SystemExit: after the help, which `--help` or no word at all asks for.
    """
    name, *rest = words or ["--help"]
    if name.startswith("-") and not _asks_for_help([name]):
        raise UserError(f"vis2sound {name}: the first word is a job, such as generate or train; see vis2sound --help")
    config = argument_of("config", rest) or CONFIG.default
    jobs = {_TRAIN.name: _TRAIN, **listed(load_config(config))}
    if _asks_for_help([name]):
        print(short_help({job.name: job.help for job in jobs.values()}, config))
        sys.exit(0)
    if name not in jobs:
        raise UserError(f"vis2sound {name}: there is no such job{nearest(name, list(jobs))}")
    job = jobs[name]
    if _asks_for_help(rest):
        print(short_job_help(job, _file_flag(job)))
        sys.exit(0)
    arguments = _with_file(rest, job)
    if argument_of("job", arguments) is not None:
        raise UserError(f"vis2sound {name}: the first word is the job already; leave --job out")
    if argument_of("config", arguments) is None:
        arguments = [f"--config={CONFIG.default}", *arguments]
    return arguments if job is _TRAIN else [f"--job={name}", *arguments]


def _settle_arguments() -> None:
    sys.argv[1:] = translate(sys.argv[1:])


def main() -> None:
    """Does what the words on the command line ask for."""
    environment.take_large_pages()
    ending.guarded(_settle_arguments)
    entry.run()

"""What `--help` says: of the program, of a config, of a job."""

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vis2sound_jax.run.requests import Flag
from vis2sound_jax.run.stage import Stage
from vis2sound_jax.shipped import config_file, config_names

_PROGRAM = "python -m vis2sound_jax.main"
_MOST_EXAMPLES = 3  # flags in a line of usage; all of them are listed below it
_GENERAL = (
    Flag("workdir", "runs/NAME", "Folder of the run; NAME is the config's name.", "runs/mine"),
    Flag("job", "all stages", "One stage or job instead of all stages.", "generate"),
    Flag("config.SETTING", "", "Changes any value of the config.", "500"),
    Flag("multihost", False, "One of several processes; with --coordinator, --processes and --process_id."),
)

CONFIG = Flag("config", "condfoley", "Config, as FILE or FILE:PRESET; those that come along by name.", "vis:smoke")
_UNSET = ("", -1.0)
"""Defaults that stand for no value; the flag's own sentence says what happens then."""
_SHORT = (CONFIG, *(flag for flag in _GENERAL if flag.name != "job"))


def general_help() -> str:
    """Explains the program to someone who has not named a config."""
    return "\n".join(
        [
            "vis2sound makes sound for silent film.",
            f"\nusage: {_PROGRAM} --config=FILE[:PRESET] [--job=NAME] [flags]\n",
            "FILE is a config of your own, or the name of one that comes along:",
            *_config_lines(),
            "",
            *_flag_lines(_GENERAL),
            "\nWith --config, --help lists its stages and jobs; with --job too, the flags of that job.",
        ]
    )


def config_help(config: Any, stages: Mapping[str, Stage]) -> str:
    """Lists what can be done with a config.

    Args:
      config: the settings.
      stages: of its system, by name.
    """
    width = max(len(name) for name in stages)
    own = [name for name in stages if name in config.stages]
    others = [name for name in stages if name not in config.stages]
    return "\n".join(
        [
            f"{config.name}: the stages of a run, in order; without --job all that are not finished are done",
            *(f"  {name:<{width}}  {stages[name].help}" for name in own),
            "\nfurther jobs and stages, by --job=NAME",
            *(f"  {name:<{width}}  {stages[name].help}" for name in others),
            "",
            *_flag_lines(_GENERAL),
            f"\n{_PROGRAM} --config=… --job=NAME --help lists the flags of a job.",
        ]
    )


def job_help(stage: Stage) -> str:
    """Lists the flags of a job, each with its default and an example.

    Args:
      stage: the job.
    """
    usage = f"{_PROGRAM} --config=… --job={stage.name} {_example(stage.flags)}".rstrip()
    own = _flag_lines(stage.flags) if stage.flags else ["  no flags of its own"]
    return "\n".join([f"{stage.name}: {stage.help}\n\n  {usage}\n", *own, "", *_flag_lines(_GENERAL)])


def short_help(jobs: Mapping[str, str], config: str) -> str:
    """Explains the program `vis2sound`: the same in fewer words.

    Args:
      jobs: name → what it does.
      config: whose jobs they are, as the command line calls it.
    """
    width = max(len(name) for name in jobs)
    return "\n".join(
        [
            "vis2sound makes sound for silent film.\n",
            "  vis2sound train [CONFIG[:PRESET]]",
            "  vis2sound generate FILM --example SOUND",
            "  vis2sound JOB [FILE] [flags]\n",
            f"jobs of --config={config}",
            *(f"  {name:<{width}}  {text}" for name, text in jobs.items()),
            "\nconfigs that come along",
            *_config_lines(),
            "",
            *_flag_lines(_SHORT),
            "\nvis2sound JOB --help lists the flags of a job.",
        ]
    )


def short_job_help(job: Stage, file: Flag | None) -> str:
    """Lists the flags of a job as the program `vis2sound` takes them.

    Args:
      job: the job.
      file: the flag whose value may stand behind the job's name; None where nothing may.
    """
    word = f" {file.example}" if file else ""
    usage = f"vis2sound {job.name}{word} {_example(flag for flag in job.flags if flag != file)}".rstrip()
    return "\n".join([f"{job.name}: {job.help}\n\n  {usage}\n", *_flag_lines((*job.flags, *_SHORT))])


def _config_lines() -> list[str]:
    """The first lines of the configs' own documents, so that a new config is listed without a word here."""
    names = config_names()
    width = max(len(name) for name in names)
    return [f"  --config={name:<{width}}  {_first_line(config_file(name))}" for name in names]


def _first_line(config: Path) -> str:
    document = ast.get_docstring(ast.parse(config.read_text(encoding="utf-8")))
    return document.splitlines()[0] if document else ""


def _example(flags: Iterable[Flag]) -> str:
    told = [f"--{flag.name}={flag.example}" for flag in flags if flag.example and not flag.default]
    return " ".join(told[:_MOST_EXAMPLES])


def _flag_lines(flags: tuple[Flag, ...]) -> list[str]:
    width = max(len(flag.name) for flag in flags)
    return [f"  --{flag.name:<{width}}  {flag.help}{_facts(flag)}" for flag in flags]


def _facts(flag: Flag) -> str:
    facts = [f"one of {', '.join(flag.choices)}"] if flag.choices else []
    facts.append(f"default: {'none' if flag.default in _UNSET else flag.default}")
    facts.append(f"example: --{flag.name}={flag.example or (flag.choices or ('true',))[0]}")
    return f" ({'; '.join(facts)})"

"""The command line: flags, config overrides, and where a run is."""

import re
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.run import requests
from vis2sound_jax.run.help import config_help, general_help, job_help
from vis2sound_jax.run.nearest import nearest
from vis2sound_jax.run.stage import listed, stage_named
from vis2sound_jax.shipped import config_file, config_names


def argument_of(flag: str, argv: Sequence[str]) -> str | None:
    """Finds the value of a flag before flags are parsed.

    Args:
      flag: its name, without dashes.
      argv: the arguments.

    Returns:
      The value as it was written, None where the flag is not given.
    """
    for argument, following in zip(argv, [*argv, ""][1:], strict=True):
        found = re.fullmatch(rf"--?{flag}(?:=(.*))?", argument)
        if found:
            return following if found[1] is None else found[1]
    return None


def _check_config_file(argument: str | None) -> Path:
    if not argument:
        raise UserError("--config is missing; say which, for example --config=configs/condfoley.py")
    name = argument.partition(":")[0]
    path = config_file(name)
    if not path.is_file():
        near = nearest(Path(name).stem, config_names()) if Path(name).parent.name in ("", "configs") else ""
        raise file_error(name, "there is no such config file", f"give a file such as configs/condfoley.py{near}")
    return path


def _located(argument: str) -> str:
    name, colon, preset = argument.partition(":")
    return f"{config_file(name)}{colon}{preset}"


def _with_config_file(argv: Sequence[str]) -> list[str]:
    """The arguments with the path of the config's file in place of a name, since the flag knows paths alone."""
    words = list(argv)
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in ("-config", "--config") and equals:
            words[place] = f"{flag}={_located(value)}"
        elif flag in ("-config", "--config") and place + 1 < len(words):
            words[place + 1] = _located(words[place + 1])
    return words


def _check_settings(argv: Sequence[str], config: ConfigDict) -> None:
    """Finds the first override of a setting that the config does not have."""
    for argument in argv:
        found = re.match(r"--?(?:no)?config\.([^=]+)", argument)
        node: Any = config
        for part in found[1].split(".") if found else ():
            if not isinstance(node, ConfigDict):
                raise UserError(f"{argument}: this is a value and has no setting {part!r} inside")
            if part not in node:
                raise UserError(f"{argument}: the config has no {part!r}{nearest(part, list(node))}")
            node = node[part]


def _last_line(error: Exception) -> str:
    """A config's ValueError arrives with its traceback in the message; only its last line is for users."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"^(ValueError|TypeError): ", "", lines[-1])


def load_config(argument: str | None) -> ConfigDict:
    """Loads a config as `--config` names it, before flags are parsed.

    Args:
      argument: FILE or FILE:PRESET; FILE may be a shipped config, from any folder, as `shipped.config_file` says.

    Returns:
      The preset's values, without what the command line changes.

    Raises:
      UserError: if there is no such file or preset; names the nearest.
    """
    path = _check_config_file(argument)
    _, colon, preset = (argument or "").partition(":")
    document = runpy.run_path(str(path))
    try:
        return document["get_config"](*[preset] * bool(colon))
    except ValueError as error:
        presets = list(document.get("PRESETS", ()))
        raise UserError(f"{_last_line(error)}{nearest(preset, presets) if preset not in presets else ''}") from None


def parse(argv: Sequence[str]) -> list[str]:
    """Parses the flags, those of the system's jobs and every `--config.x.y=value` among them.

    Args:
      argv: the program and its arguments.

    Returns:
      What is left: the program alone.

    Raises:
      UserError: if the config is missing, a preset, setting or flag is unknown (names the nearest), or a value does
        not fit its type.
      SystemExit: after the help that `--help` asks for.
    """
    argument = argument_of("config", argv)
    asks_for_help = any(re.fullmatch(r"-h|--?help(full|short)?", word) for word in argv[1:])
    if asks_for_help and not argument:
        print(general_help())
        sys.exit(0)
    config = load_config(argument)
    stages = listed(config)
    requests.define(flag for stage in stages.values() for flag in stage.flags)
    if asks_for_help:
        job = argument_of("job", argv)
        print(job_help(stage_named(stages, job)) if job else config_help(config, stages))
        sys.exit(0)
    try:
        rest = flags.FLAGS(_with_config_file(argv))
    except flags.Error as error:
        raise UserError(_last_line(error)) from None
    except (KeyError, AttributeError):
        _check_settings(argv, config)
        raise
    if len(rest) > 1:
        raise UserError(f"{rest[1]!r} is not understood; every argument is a flag such as --workdir=DIR")
    return rest


def workdir_of(given: str | None, config: ConfigDict) -> Path:
    """Says where a run is.

    Args:
      given: value of `--workdir`, None where it was not given.
      config: its `name` names the folder then.

    Returns:
      The folder.

    Raises:
      UserError: if it is an address in a bucket, or its name is no UTF-8, which libraries that keep weights need.
    """
    if given and given.encode(errors="replace").decode() != given:
        raise UserError(f"--workdir={given}: its name is no UTF-8 text; choose another --workdir")
    if given and "://" in given:
        raise UserError(
            f"--workdir={given}: a run needs a folder on a disk, one that all hosts see; "
            f"checkpoints alone may lie in a bucket: --config.training.checkpoints={given}"
        )
    return Path(given or Path("runs") / config.name)


def check_hosts(multihost: bool, coordinator: str | None, processes: int | None, process_id: int | None) -> None:
    """Refuses flags of several processes that do not go together.

    Args:
      multihost: whether this is one of several processes.
      coordinator: where the first one is.
      processes: how many there are.
      process_id: which one this is.

    Raises:
      UserError: if some are missing.
    """
    given = [value is not None for value in (coordinator, processes, process_id)]
    if any(given) and not (multihost and all(given)):
        raise UserError("--coordinator, --processes and --process_id go together, and with --multihost; give all four")
    if processes is not None and process_id is not None and process_id >= processes:
        raise UserError(f"--process_id={process_id}: the {processes} processes are counted from 0 to {processes - 1}")

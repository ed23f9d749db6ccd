"""The command line: flags, config overrides, and one line instead of a traceback for a user's mistakes."""

import difflib
import errno
import re
import runpy
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from vis2sound_jax.errors import Stopped, UserError, file_error
from vis2sound_jax.jobs import hosts

REQUESTED_JOBS = ("generate", "onsets", "sheet", "convert", "plan")
"""Jobs that hear `--video`, `--output` and the other request flags."""

_LISTED = " or ".join(f"--job={name}" for name in REQUESTED_JOBS)

_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some space and run the same command again",
    errno.EACCES: "change its permissions or choose another place",
    errno.EROFS: "choose another place",
}


def _nearest(word: str, choices: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.0)
    return f"; did you mean {close[0]!r}?" if close else ""


def _config_argument(argv: Sequence[str]) -> str | None:
    for argument, following in zip(argv, [*argv[1:], ""], strict=True):
        found = re.fullmatch(r"--?config(?:=(.*))?", argument)
        if found:
            return following if found[1] is None else found[1]
    return None


def _check_config_file(argument: str | None) -> Path:
    if not argument:
        raise UserError("--config is missing; say which, for example --config=configs/condfoley.py")
    path = Path(argument.partition(":")[0])
    if not path.is_file():
        raise file_error(path, "there is no such config file", "give a file such as configs/condfoley.py")
    return path


def _check_settings(argv: Sequence[str], config: ConfigDict) -> None:
    """Finds the first override of a setting that the config does not have."""
    for argument in argv:
        found = re.match(r"--?(?:no)?config\.([^=]+)", argument)
        node: Any = config
        for part in found[1].split(".") if found else ():
            if not isinstance(node, ConfigDict):
                raise UserError(f"{argument}: this is a value and has no setting {part!r} inside")
            if part not in node:
                raise UserError(f"{argument}: the config has no {part!r}{_nearest(part, list(node))}")
            node = node[part]


def _last_line(error: Exception) -> str:
    """A config's ValueError arrives with its traceback in the message; only its last line is for users."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return re.sub(r"^(ValueError|TypeError): ", "", lines[-1])


def parse(argv: Sequence[str]) -> list[str]:
    """Parses the flags, with every `--config.x.y=value`.

    Args:
      argv: the program and its arguments.

    Returns:
      What is left: the program alone.

    Raises:
      UserError: if the config is missing, a preset or setting is unknown (names the nearest), a value
        does not fit its type, or a flag is unknown.
    """
    asks_for_help = any(re.match(r"--?help", argument) for argument in argv)
    argument = _config_argument(argv)
    path = None if asks_for_help else _check_config_file(argument)
    try:
        rest = flags.FLAGS(argv)
    except flags.Error as error:
        presets = runpy.run_path(str(path)).get("PRESETS", ()) if path else ()
        _, _, preset = (argument or "").partition(":")
        hint = _nearest(preset, presets) if preset and preset not in presets else ""
        raise UserError(f"{_last_line(error)}{hint}") from None
    except (KeyError, AttributeError):
        _, colon, preset = (argument or "").partition(":")
        _check_settings(argv, runpy.run_path(str(path))["get_config"](*[preset] * bool(colon)))
        raise
    if len(rest) > 1:
        raise UserError(f"{rest[1]!r} is not understood; every argument is a flag such as --workdir=DIR")
    return rest


def add_request(config: ConfigDict, values: Mapping[str, Any]) -> bool:
    """Puts what flags ask of a job into `config.request`.

    Args:
      config: locked or not.
      values: setting → value of the flag, None where it was not given.

    Returns:
      Whether any was given.

    Raises:
      UserError: if the config has no such request.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        if name not in config.get("request", {}):
            raise UserError(f"--{name} means nothing to config {config.name}; leave it out")
        config.request[name] = value
    return bool(given)


def check_job(name: str | None, jobs: Collection[str], *, requested: bool) -> None:
    """Refuses a job that does not exist, and requests that no job would hear.

    Args:
      name: of the job, None for all stages.
      jobs: the names that exist.
      requested: whether a flag such as `--video` was given.

    Raises:
      UserError: if they do not go together.
    """
    if name is not None and name not in jobs:
        raise UserError(f"--job={name}: there is no such job{_nearest(name, list(jobs))}")
    if requested and name not in REQUESTED_JOBS:
        raise UserError(f"--video, --example and their like go with {_LISTED}; add one of these or leave them out")


def workdir_of(given: str | None, config: ConfigDict) -> Path:
    """Says where a run is.

    Args:
      given: value of `--workdir`, None where it was not given.
      config: its `name` names the folder then.

    Returns:
      The folder.

    Raises:
      UserError: if it is an address in a bucket.
    """
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


def guarded(run: Callable[[], None]) -> None:
    """Runs the program and ends it with one line and an exit code: 0 stopped on request, 2 a user's mistake, 130 ^C.

    Args:
      run: the program.
    """
    try:
        run()
    except KeyboardInterrupt:
        print("vis2sound: interrupted; run the same command again to continue", file=sys.stderr)
        sys.exit(130)
    except Stopped as stopped:
        print(f"vis2sound: {stopped}; resume by running again", flush=True)
        sys.exit(0)
    except Exception as error:
        line = explain(error)
        if line is None:
            hosts.fail(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}", 1, error)
            raise
        print(f"vis2sound: error: {line}", file=sys.stderr)
        hosts.fail(line, 2)
        sys.exit(2)


def explain(error: BaseException) -> str | None:
    """Says in one line what a user can do about an error.

    Args:
      error: anything raised while a job ran.

    Returns:
      The line, or None for an error that is the program's own and deserves its traceback.
    """
    if isinstance(error, UserError):
        return " ".join(str(error).split())
    # jax's own error class is not imported here: a finished run must not wait for jax.
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED: Out of memory" in str(error):
        return "the memory is full; close other programs, or make the batch or the model smaller"
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}; {_REMEDIES[error.errno]}"
    return None

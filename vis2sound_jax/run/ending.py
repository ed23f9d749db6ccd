"""How a run ends: one line instead of a traceback for a user's mistakes, and an exit code."""

import errno
import sys
from collections.abc import Callable

from vis2sound_jax.errors import Stopped, UserError
from vis2sound_jax.run import hosts

_REMEDIES = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "free some space and run the same command again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f) or choose another disk",
    errno.EACCES: "change its permissions or choose another place",
    errno.EROFS: "choose another place",
}


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
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return "there is no home folder, which a ~ stands for; set HOME, or name the whole path"
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}; {_REMEDIES[error.errno]}"
    return None

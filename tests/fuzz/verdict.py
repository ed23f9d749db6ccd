"""What is right of a command: success with whole outputs, or one line, exit code 2 and no output, in little time."""

import contextlib
import io
import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from vis2sound_jax.run.ending import guarded

MOST_S, MOST_MB = 5.0, 500
"""What an input may take: seconds of this process, and memory beyond what it had."""
OURS = f"vis2sound_jax{os.sep}"


class Verdict(NamedTuple):
    """How a command ended.

    Attributes:
      code: 0 or 2; 1 for anything else.
      wrong: what is not right; empty where all is.
      where: a short name of the fault, the same for inputs that show the same fault.
      line: what the command printed, or the end of the traceback.
      seconds: it took, of this process's time.
      mb: memory it took at most.
    """

    code: int
    wrong: str
    where: str
    line: str
    seconds: float
    mb: float


def judged(command: Callable[[], None], check: Callable[[], None], check_refused: Callable[[], None]) -> Verdict:
    """Runs a command and looks at all that it left.

    Args:
      command: does what a job does.
      check: raises AssertionError where the outputs of a success are not whole.
      check_refused: the same for what is left after a refusal.
    """
    before_mb = _forget_peak()
    started_s, cpu_s = time.monotonic(), time.process_time()
    code, wrong, where, out = 0, "", "", io.StringIO()
    with _stderr() as err:
        try:
            with contextlib.redirect_stdout(out):
                guarded(command)
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            code, wrong, where = 1, traceback.format_exc(), f"{type(error).__name__} {_place(error)}"
    # A machine may be busy with other things: neither clock alone is fair.
    seconds = min(time.monotonic() - started_s, time.process_time() - cpu_s)
    mb = _peak_mb() - before_mb
    lines = err[0].splitlines()
    if not wrong:
        wrong, where = _looked_at(code, lines, check if code == 0 else check_refused)
    if not wrong and seconds > MOST_S:
        wrong, where = f"it took {seconds:.1f} s", "slow"
    if not wrong and mb > MOST_MB:
        wrong, where = f"it took {mb:.0f} MB", "large"
    return Verdict(code, wrong, where, "\n".join(lines or out.getvalue().splitlines()[-1:])[-2000:], seconds, mb)


def _looked_at(code: int, lines: list[str], check: Callable[[], None]) -> tuple[str, str]:
    refusal = [line for line in lines if line.startswith("vis2sound: error: ")]
    if code not in (0, 2):
        return f"exit code {code}", f"exit {code}"
    if code == 2 and (len(refusal) != 1 or len(lines) != 1):
        return f"not one line but {len(lines)}", "lines"
    if code == 0 and lines:
        return "a success with errors printed", "lines at success"
    try:
        check()
    except Exception as error:
        kind = "left" if "left behind" in str(error) else "not whole"
        return "".join(traceback.format_exception_only(error)), f"{kind} {_unnumbered(str(error))[:60]}"
    return "", ""


def _unnumbered(text: str) -> str:
    return re.sub(r"[\d.]+", "#", text.split("\n")[0])


def _place(error: BaseException) -> str:
    """The deepest line of ours in a traceback, or the deepest at all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if OURS in frame.filename or f"{os.sep}datasets{os.sep}" in frame.filename]
    frame = (ours or list(frames))[-1]
    return f"{frame.filename.rpartition(OURS)[2]}:{frame.name}"


@contextlib.contextmanager
def _stderr() -> Iterator[list[str]]:
    """Catches all that is written as an error, by libraries in C too."""
    found = [""]
    sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:
        before = os.dup(2)
        os.dup2(caught.fileno(), 2)
        python = open(caught.fileno(), "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        try:
            with contextlib.redirect_stderr(python):
                yield found
        finally:
            python.flush()
            os.dup2(before, 2)
            os.close(before)
            caught.seek(0)
            found[0] = caught.read().decode("utf-8", "replace")


def _status(name: str) -> float:
    """A line of the kernel's facts about this process, in MB."""
    path = Path("/proc/self/status")
    found = re.search(rf"{name}:\s+(\d+) kB", path.read_text()) if path.exists() else None
    return int(found[1]) / 1024 if found else 0.0


def _forget_peak() -> float:
    """Lets the kernel measure the peak anew; tells what is used now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak_mb() -> float:
    return _status("VmHWM")

"""Tries new inputs: `python -m tests.fuzz --minutes=30 --keep=FOLDER`; README.md says more."""

import argparse
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Does what the command line says.

    Returns:
      The exit code: 0 where nothing went wrong.
    """
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long; 1 where no --count is given")
    parser.add_argument("--count", type=int, help="how many inputs of every kind")
    parser.add_argument("--seed", type=int, default=0, help="of all inputs")
    parser.add_argument("--only", default="", help="kinds, with commas between them")
    parser.add_argument("--keep", type=Path, help="folder for what goes wrong; a run with the same seed goes on there")
    parser.add_argument("--again", type=Path, help="folder of one kept input, to try it again")
    asked = parser.parse_args()
    # What comes now is heavy.
    from tests.fuzz.kinds import KINDS
    from tests.fuzz.loop import Run, go
    from tests.fuzz.worker import again

    if asked.again:
        verdict = again(asked.again)
        print(verdict.wrong or "right", verdict._replace(wrong=""), sep="\n")
        return int(bool(verdict.wrong))
    kinds = [name for name in KINDS if not asked.only or name in asked.only.split(",")]
    if not kinds:
        parser.error(f"--only={asked.only}: the kinds are {', '.join(KINDS)}")
    kept = asked.keep or Path(tempfile.mkdtemp(prefix="fuzz_kept_"))
    run = Run.open(asked.seed, kept, kinds)
    minutes = 1.0 if asked.minutes is None and asked.count is None else asked.minutes
    try:
        go(run, kinds, seconds=None if minutes is None else 60 * minutes, count=asked.count)
    except KeyboardInterrupt:
        print("stopped; the same command goes on")
    print(run.table())
    return int(bool(run.faults))


if __name__ == "__main__":
    sys.exit(main())

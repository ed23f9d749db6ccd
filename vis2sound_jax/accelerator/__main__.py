"""Checks one GPU or TPU within minutes: `python -m vis2sound_jax.accelerator --output=accelerator.json`.

Nothing is downloaded and no data is needed: batches and weights are drawn. `launch/accelerator_check.sh` calls it with
a limit of time. It ends with 0 if everything was done and agreed, with 1 if a row says otherwise, with 2 if it could
not begin.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vis2sound_jax.errors import UserError
from vis2sound_jax.run.environment import settle
from vis2sound_jax.run.outputs import check_output

CHECKS = ("limits", "networks", "decoder", "laptop steps", "paper step", "gradients")
"""In the order in which they are run: what compiles long comes late."""

# Parts of the time, as a case takes seconds to minutes to compile; what is left goes to the next ones.
_PARTS = {"limits": 3, "networks": 22, "decoder": 12, "laptop steps": 10, "paper step": 38, "gradients": 15}


def read_flags(argv: Sequence[str]) -> argparse.Namespace:
    """Reads the command line.

    Args:
      argv: the arguments, without the program's name.

    Returns:
      The flags.
    """
    parser = argparse.ArgumentParser("vis2sound_jax.accelerator", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("accelerator.json"), help="tables are written beside it")
    parser.add_argument("--minutes", type=float, default=7.0, help="after which no case is begun")
    parser.add_argument("--small", action="store_true", help="small networks, to try the check itself on any device")
    parser.add_argument("--only", help=f"some of the checks, with commas between them: {', '.join(CHECKS)}")
    return parser.parse_args(argv)


def check(flags: argparse.Namespace) -> bool:
    """Runs the checks, prints each row, and writes the report.

    Args:
      flags: as `read_flags` returns them.

    Returns:
      Whether nothing failed, differed or was left out.

    Raises:
      UserError: if there is no accelerator, no such check, or the report cannot be written.
    """
    # jax reads its settings when it is imported.
    import jax

    from vis2sound_jax.accelerator import checks, decoder, networks, parity, steps, timing
    from vis2sound_jax.accelerator.device import Limits
    from vis2sound_jax.accelerator.report import Report

    check_output(flags.output, (".json",))
    names = [name.strip() for name in flags.only.split(",")] if flags.only else list(CHECKS)
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise UserError(f"--only={flags.only}: there is no check {unknown[0]!r}; there are {', '.join(CHECKS)}")
    device = jax.devices()[0]
    if device.platform == "cpu" and not flags.small:
        raise UserError(
            "jax sees no accelerator here; install the package with the extra `cuda` or `tpu` "
            "(VIS2SOUND_EXTRAS=cuda bash launch/install.sh), or add --small to try the check on the CPU"
        )
    limits = Limits(device, timing.SMALL if flags.small else timing.Effort())
    cases = {
        "limits": limits.cases,
        "networks": networks.network_cases(device, small=flags.small),
        "decoder": decoder.decoder_cases(limits),
        "laptop steps": steps.laptop_cases(limits),
        "paper step": steps.paper_cases(limits),
        "gradients": parity.step_cases(device),
    }
    # The others are held against the limits.
    chosen = [name for name in CHECKS if name in names or name == "limits"]
    report, part = Report(flags.output, limits), 60 * flags.minutes / sum(_PARTS[name] for name in chosen)

    def note(name: str, row: checks.Row) -> None:
        report.note(name, row)
        print(f"{name}: {row['name']}: {row['status']} {row.get('reason', '')}".rstrip(), flush=True)

    clock = checks.Clock(60 * flags.minutes)
    good = checks.run_checks([checks.Check(name, _PARTS[name] * part, cases[name]) for name in chosen], clock, note)
    print(f"{clock.passed:.0f} s; {flags.output} and {report.tables} are written")
    return good


def main() -> None:
    """Checks, and says by the exit code how it went."""
    flags = read_flags(sys.argv[1:])
    settle()
    try:
        sys.exit(0 if check(flags) else 1)
    except UserError as error:
        print(f"vis2sound: error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

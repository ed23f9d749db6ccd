"""Prepares many small recordings in every way, and compares the files, the speed and the memory.

Run `python tests/benchmarks/prepare_benchmark.py`. Recordings are procedural; a few are drawn and the others copied,
since only their number matters here. Every way runs in a process of its own, so that memory is counted apart (Linux).
A rate a core is recordings by seconds of processor time, which other programs on the machine change little;
starting processes and loading libraries is counted.
"""

import argparse
import contextlib
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from vis2sound_jax.prepare.dataset import REPORT_NAME, prepare
from vis2sound_jax.video.form import MediaForm

ENDINGS = ("_denoised.mp4", "_denoised.wav", "_times.txt")
WAYS = ("plain", "pool", "beam")


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recordings", type=int, default=1000)
    parser.add_argument("--drawn", type=int, default=20, help="recordings that differ")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--height", type=int, default=36)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--beam", default="--runner=DirectRunner", help="options of Apache Beam")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def write_recordings(flags: argparse.Namespace, folder: Path) -> None:
    """Draws some recordings and copies them under further names; a fifth of all are for the test."""
    from vis2sound_jax.world.writer import recording_id, write_world  # loads jax, which preparation does not need

    form = MediaForm(rate_hz=16000, fps=25.0, height=flags.height, width=flags.width)
    write_world(folder, train=flags.drawn, test=1, seconds=flags.seconds, form=form, seed=0)
    names = [recording_id("train", number) for number in range(flags.recordings)]
    for number, name in enumerate(names[flags.drawn :]):
        for ending in ENDINGS:
            shutil.copyfile(folder / f"{names[number % flags.drawn]}{ending}", folder / f"{name}{ending}")
    cut = flags.recordings * 4 // 5
    for split, ids in (("train", names[:cut]), ("test", names[cut:])):
        (folder / f"{split}.txt").write_text("\n".join(ids))


class Memory:
    """The most memory that this process and those that it started have had resident, looked up now and then."""

    def __init__(self) -> None:
        self._peaks: dict[str, float] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def peaks(self) -> list[float]:
        """Returns megabytes: this process, then each of the others."""
        self._look("self")
        return list(self._peaks.values())

    def _watch(self) -> None:
        while True:
            self._look("self")
            time.sleep(0.1)

    def _look(self, process: str) -> None:
        # A process that has ended meanwhile is no longer listed.
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
            peak = [line.split()[1] for line in lines if line.startswith("VmHWM")]
            self._peaks |= {process: int(peak[0]) / 1024} if peak else {}
            for children in Path(f"/proc/{process}/task").glob("*/children"):
                for child in children.read_text().split():
                    self._look(child)


def run_one(flags: argparse.Namespace) -> None:
    """Prepares in one way and prints what it took."""
    way = {"plain": {}, "pool": {"workers": flags.workers}, "beam": {"beam": flags.beam}}[flags.one]
    form = MediaForm(rate_hz=16000, fps=15.0, height=flags.height, width=flags.width)
    memory, start = Memory(), time.perf_counter()
    report = prepare("greatest_hits", flags.folder / "films", flags.folder / flags.one, form=form, **way)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "wall_s": time.perf_counter() - start,
                "cpu_s": sum(one.ru_utime + one.ru_stime for one in usage),
                "peak_mb": memory.peaks(),
                "stored": sum(report.recordings.values()),
            }
        )
    )


def digest(folder: Path) -> str:
    """Sums up the names and bytes of all files but the report, in which the time differs."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != REPORT_NAME):
        total.update(str(path.relative_to(folder)).encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def main() -> None:
    """Prints a line for each way."""
    flags = read_flags()
    if flags.one:
        run_one(flags)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_recordings(flags, folder / "films")
        for way in flags.ways:
            command = [sys.executable, __file__, *sys.argv[1:], f"--one={way}", f"--folder={folder}"]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            count, (own, *others) = found["stored"], found["peak_mb"]
            print(
                f"{way:6}{count:6} recordings in {found['wall_s']:6.1f} s: {count / found['wall_s']:6.1f} a second, "
                f"{count / found['cpu_s']:6.1f} a second and core; peak memory {own:4.0f} MB, "
                f"of {len(others)} others at most {max(others, default=0):4.0f} MB; files {digest(folder / way)[:16]}",
                flush=True,
            )


if __name__ == "__main__":
    main()

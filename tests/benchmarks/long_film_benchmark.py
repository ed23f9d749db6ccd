"""Times soundtracks for long films, and measures the memory they take: both should follow the length of the film.

Run `python tests/benchmarks/long_film_benchmark.py --workdir=runs/condfoley`. The film is procedural:
ten minutes are drawn from a seed and repeated. Each is sounded by `--job=generate` in a process of its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from vis2sound_jax.audio.files import write_wav
from vis2sound_jax.video.mux import write_film
from vis2sound_jax.world.recording import Measures, render_recording

DRAWN_MINUTES, PIECE_S = 10, 10.0


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workdir", required=True, help="a finished run of --config")
    parser.add_argument("--config", default="configs/condfoley.py")
    parser.add_argument("--engine", default="exemplar", help="of Conditional Foley")
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 20, 60])
    return parser.parse_args()


def draw(folder: Path) -> tuple[Path, Path]:
    """Writes ten minutes of procedural film without sound, and an example sound of its beginning."""
    pieces = round(60 * DRAWN_MINUTES / PIECE_S)
    drawn = [render_recording(0, "test", index, Measures(PIECE_S)) for index in range(pieces)]
    write_wav(folder / "example.wav", drawn[0].wav, drawn[0].rate_hz)
    write_film(folder / "drawn.mp4", np.concatenate([one.frames for one in drawn]), drawn[0].fps)
    return folder / "drawn.mp4", folder / "example.wav"


def repeat(film: Path, times: int, output: Path) -> Path:
    """Writes a film several times after itself, its packets as they are."""
    with av.open(str(film)) as source, av.open(str(output), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        length = round(60 * DRAWN_MINUTES / stream.time_base)
        for k in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.pts, packet.dts = packet.pts + k * length, packet.dts + k * length
                    packet.stream = copy
                    target.mux(packet)
    return output


def generate(flags: argparse.Namespace, film: Path, example: Path) -> tuple[float, float, float]:
    """Sounds a film by the command line; seconds on the clock and of the cores, and the process's peak memory in GB."""
    command = [sys.executable, "-m", "vis2sound_jax.main", f"--config={flags.config}", f"--workdir={flags.workdir}"]
    command += ["--job=generate", f"--video={film}", f"--output={film.with_name('out.mp4')}"]
    command += [f"--example={example}", "--takes=1", f"--engine={flags.engine}"] if "condfoley" in flags.config else []
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"generate failed with status {status}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def main() -> None:
    """Prints a row for every length."""
    flags = read_flags()
    with tempfile.TemporaryDirectory() as folder:
        drawn, example = draw(Path(folder))
        print("minutes   seconds   core seconds   core seconds a minute   peak GB")
        for minutes in flags.minutes:
            film = repeat(drawn, minutes // DRAWN_MINUTES, drawn.with_name(f"{minutes}.mp4"))
            seconds, core_s, peak_gb = generate(flags, film, example)
            print(f"{minutes:7d}{seconds:10.0f}{core_s:15.0f}{core_s / minutes:24.1f}{peak_gb:10.2f}", flush=True)


if __name__ == "__main__":
    main()

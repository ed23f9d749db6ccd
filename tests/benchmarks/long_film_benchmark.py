"""Times soundtracks for long films, and measures the memory they take: time should follow the length, memory not.

Run `python tests/benchmarks/long_film_benchmark.py --system=condfoley --minutes 5 10 60`. The film is procedural: a
minute of it is drawn from a seed and repeated, packet by packet. The example is as long as the film unless
`--example_minutes` says otherwise: the minute's own sound at 48 kHz, left and right a little apart. Each film is
sounded by `--job=generate` in a process of its own, by the weights that ship unless `--workdir` names a finished run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import soundfile
import soxr

sys.path.insert(0, str(Path(__file__).parents[2]))

from vis2sound_jax.video.mux import write_film
from vis2sound_jax.world.recording import Measures, render_recording

_MINUTE, _PIECE_S, _RATE_HZ, _APART = 60.0, 10.0, 48_000, 20
_SYSTEMS = ("condfoley", "vis")


class Cost(NamedTuple):
    """What a process took: seconds on the clock and of the cores, and its peak memory in GB."""

    seconds: float
    core_s: float
    peak_gb: float


def read_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--system", choices=_SYSTEMS, default="condfoley")
    parser.add_argument("--workdir", default="", help="a finished run; by default the weights that ship")
    parser.add_argument("--minutes", type=int, nargs="+", default=[5, 10, 60])
    parser.add_argument("--example_minutes", type=int, default=0, help="by default as long as the film")
    parser.add_argument("--engine", default="exemplar", help="of Conditional Foley")
    parser.add_argument("--takes", type=int, default=1, help="of Conditional Foley")
    parser.add_argument("--flags", nargs="*", default=[], help="more of them for the job, such as lufs=-23")
    parser.add_argument("--folder", default=None, help="for films and sounds; by default the system's temporary one")
    return parser.parse_args()


def draw(folder: Path) -> tuple[Path, np.ndarray]:
    """Writes a minute of procedural film without sound; gives its sound at 48 kHz with two channels."""
    pieces = round(_MINUTE / _PIECE_S)
    drawn = [render_recording(0, "test", index, Measures(_PIECE_S, 25.0)) for index in range(pieces)]
    write_film(folder / "drawn.mp4", np.concatenate([one.frames for one in drawn]), drawn[0].fps)
    wav = soxr.resample(np.concatenate([one.wav for one in drawn]), drawn[0].rate_hz, _RATE_HZ)
    return folder / "drawn.mp4", np.stack([wav, 0.8 * np.roll(wav, _APART)], axis=1)


def repeat(film: Path, times: int, output: Path) -> Path:
    """Writes a film several times after itself, its packets as they are."""
    with av.open(str(film)) as source, av.open(str(output), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        length = round(_MINUTE / stream.time_base)
        for k in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.pts, packet.dts = packet.pts + k * length, packet.dts + k * length
                    packet.stream = copy
                    target.mux(packet)
    return output


def repeat_sound(wav: np.ndarray, times: int, output: Path) -> Path:
    """Writes a sound several times after itself, as FLAC."""
    with soundfile.SoundFile(str(output), "w", _RATE_HZ, wav.shape[1]) as file:
        for _ in range(times):
            file.write(wav)
    return output


def generate(flags: argparse.Namespace, film: Path, example: Path) -> Cost:
    """Sounds a film by the command line."""
    config = Path(__file__).parents[2] / "configs" / f"{flags.system}.py"
    command = [sys.executable, "-m", "vis2sound_jax.main", f"--config={config}", "--job=generate"]
    command += [f"--workdir={flags.workdir}"] if flags.workdir else []
    command += [f"--video={film}", f"--output={film.with_name(film.stem + '_sound.mp4')}"]
    if flags.system == "condfoley":
        command += [f"--example={example}", f"--takes={flags.takes}", f"--engine={flags.engine}"]
    command += [f"--{flag}" for flag in flags.flags]
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"generate failed with status {status}")
    return Cost(time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)


def main() -> None:
    """Prints a row for every length."""
    flags = read_flags()
    with tempfile.TemporaryDirectory(dir=flags.folder) as folder:
        drawn, wav = draw(Path(folder))
        print("minutes   seconds   core seconds   core seconds a minute   peak GB")
        for minutes in flags.minutes:
            film = repeat(drawn, minutes, drawn.with_name(f"{minutes}.mp4"))
            example = repeat_sound(wav, flags.example_minutes or minutes, drawn.with_name(f"{minutes}.flac"))
            cost = generate(flags, film, example)
            per_minute = cost.core_s / minutes
            print(
                f"{minutes:7d}{cost.seconds:10.0f}{cost.core_s:15.0f}{per_minute:24.1f}{cost.peak_gb:10.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

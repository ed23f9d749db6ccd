"""Worst errors of times in every form of events, over all rates of timecode and several seeds.

    python tests/benchmarks/exchange_roundtrip.py --seeds=3

Prints a table: how far times are off for a program that reads the form's own times, and how far for us, who find the
exact ones in the markers.
"""

import argparse
import os
import random
import tempfile
from pathlib import Path

from vis2sound_jax.exchange.bwf import mark_wave
from vis2sound_jax.exchange.events import Event, EventList, FilmClock
from vis2sound_jax.exchange.formats import FORMS, Form, read_events, write_events
from vis2sound_jax.exchange.timecode import RATES, Rate

HOUR_S = 3600.0
WAVE_HZ = 48_000


def _drawn(rate: Rate, seed: int, number: int = 200) -> EventList:
    """Events all over an hour, from 10:00:00:00 on."""
    rng = random.Random(seed)
    times_s = sorted(rng.random() * (HOUR_S - 0.1) for _ in range(number))
    clock = FilmClock("film", rate, rate.number("10:00:00:00"), HOUR_S)
    return EventList(tuple(Event(time_s, id=k, kind="hit") for k, time_s in enumerate(times_s)), clock, seed)


def _written(form: Form, events: EventList, folder: Path) -> Path:
    path = folder / f"events{form.suffixes[0]}"
    if form.writes:
        write_events(path, events, form.name)
    else:
        mark_wave(_silence(folder), path, events)
    return path


def _silence(folder: Path) -> Path:
    import numpy as np
    import soundfile

    soundfile.write(folder / "silence.wav", np.zeros(8), WAVE_HZ, subtype="PCM_24")
    return folder / "silence.wav"


def _worst_s(events: EventList, back: EventList) -> float:
    return max(abs(one.time_s - two.time_s) for one, two in zip(events.events, back.events, strict=True))


def _errors(form: Form, seeds: int, folder: Path) -> tuple[float, float, float]:
    """Worst error for others in seconds and in frames, and for us in seconds."""
    plain_s, frames, ours_s = 0.0, 0.0, 0.0
    for rate in RATES:
        for seed in range(seeds):
            events = _drawn(rate, seed)
            path = _written(form, events, folder)
            ours_s = max(ours_s, _worst_s(events, read_events(path, events.clock)))
            data = path.read_bytes()
            for encoding in ("utf-8", "utf-16-le"):
                data = data.replace("[at=".encode(encoding), "[to=".encode(encoding))
            path.write_bytes(data)
            error_s = _worst_s(events, read_events(path, events.clock))
            plain_s, frames = max(plain_s, error_s), max(frames, error_s * float(rate.fps))
    return plain_s, frames, ours_s


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    os.fsync = lambda number: None  # type: ignore[assignment]  # none of these files is kept
    print(f"{len(RATES)} rates, {asked.seeds} seeds, 200 events in an hour from 10:00:00:00")
    print("| form | times are kept to | worst error for others (µs) | in frames | worst error for us (µs) |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS.values():
            plain_s, frames, ours_s = _errors(form, asked.seeds, Path(folder))
            print(f"| {form.name} | {form.grid} | {1e6 * plain_s:.3f} | {frames:.4f} | {1e6 * ours_s:.3f} |")


if __name__ == "__main__":
    main()

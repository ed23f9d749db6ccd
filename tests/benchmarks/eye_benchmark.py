"""Scores the events that trained weights see in real films, beside peaks of motion that stops.

Run `python tests/benchmarks/eye_benchmark.py --clips=DIR --recordings=DIR [--weights=RUN]`. A folder of clips has a
`manifest.json`: a list of objects with `file` and `onset_times` in seconds. Recordings have the layout of
Greatest Hits; `manifest.json` may say which span (`annotated`) of each `video` is annotated.
Clips are scored one by one and averaged, the first half of them by name and the second apart, so that settings can be
chosen on the first; recordings are pooled. Without `--weights` those that ship with the package are taken.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vis2sound_jax import api
from vis2sound_jax.evaluation.baselines import motion_peaks
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import best_rates, pooled_average_precision
from vis2sound_jax.video.film import Film

Detected = tuple[np.ndarray, np.ndarray]
FPS, HEIGHT, WIDTH = 25.0, 72, 128
_SHIFTS_S = np.arange(-0.15, 0.151, 0.01)


def moving(path: Path) -> Detected:
    """Finds peaks of motion that stops."""
    with Film.open(path) as film:
        return motion_peaks(np.stack(list(film.pictures(FPS, HEIGHT, WIDTH, look="grey"))), FPS)


def seeing(weights: str | None) -> Callable[[Path], Detected]:
    """Loads weights that see events."""
    foley = api.load(weights)

    def see(path: Path) -> Detected:
        events = foley.onsets(path)
        return events.times_s, events.confidence

    return see


def read_clips(folder: Path) -> list[tuple[Path, np.ndarray]]:
    """Lists films with the times of their sounds, by name."""
    listed = json.loads((folder / "manifest.json").read_text())
    return [(folder / one["file"], np.array(one["onset_times"])) for one in sorted(listed, key=lambda one: one["file"])]


def score(clips: Sequence[OnsetClip], window_s: float = 0.1) -> tuple[float, float]:
    """AP and best F1 of clips, pooled."""
    return pooled_average_precision(clips, window_s), best_rates(clips, window_s)[0].f1


def in_step(clip: OnsetClip) -> tuple[float, float]:
    """AP at the shift of the whole film at which it is best, and the shift: how far sound and picture are apart."""
    shifted = [OnsetClip(clip.reference_s, clip.predicted_s + s, clip.confidence) for s in _SHIFTS_S]
    scores = [pooled_average_precision([one], 0.05) for one in shifted]
    best = int(np.argmax(scores))
    return pooled_average_precision([shifted[best]], 0.1), float(_SHIFTS_S[best])


def score_clips(folder: Path, see: Callable[[Path], Detected]) -> None:
    """Prints a table of clips."""
    rows, wins = [], 0
    # Every film has the threshold that suits it best: what is compared are ceilings of F1.
    print("| film | AP | best F1 | motion peaks AP | best F1 | in step AP | sound late by |")
    print("|---|---|---|---|---|---|---|")
    for path, times_s in read_clips(folder):
        seen, moved = (OnsetClip(times_s, *found(path)) for found in (see, moving))
        apart = in_step(seen)
        row = (*score([seen]), *score([moved]), *apart)
        wins += row[0] > row[2]
        rows.append(row)
        print(f"| {path.stem} | " + " | ".join(f"{value:.2f}" for value in row) + " |")
    half = len(rows) // 2
    for name, part in (("first half", rows[:half]), ("second half", rows[half:]), ("all", rows)):
        print(f"| **{name}** | " + " | ".join(f"{value:.3f}" for value in np.mean(part, axis=0)) + " |")
    print(f"better than motion peaks: {wins} of {len(rows)}")


def score_recordings(folder: Path, see: Callable[[Path], Detected]) -> None:
    """Prints scores of annotated recordings, pooled."""
    spans = {}
    if (folder / "manifest.json").exists():
        listed = json.loads((folder / "manifest.json").read_text())
        spans = {one["video"]: one["annotated"] for one in listed}
    clips = []
    for path in sorted(folder.glob("*_denoised.mp4")):
        name = path.stem.removesuffix("_denoised")
        lines = (folder / f"{name}_times.txt").read_text().split("\n")
        times_s = np.array([float(line.split()[0]) for line in lines if line.strip()])
        span = spans.get(name)
        clips.append(OnsetClip(times_s, *see(path), tuple(span) if span else None))
    for window_s in (0.1, 0.05):
        ap, f1 = score(clips, window_s)
        print(f"{len(clips)} recordings, within {window_s:g} s: AP {ap:.3f}, best F1 {f1:.3f}")


def main() -> None:
    """Prints what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", help="a run, or a folder of packed weights")
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--recordings", type=Path)
    arguments = parser.parse_args()
    see = seeing(arguments.weights)
    if arguments.clips:
        score_clips(arguments.clips, see)
    if arguments.recordings:
        score_recordings(arguments.recordings, see)


if __name__ == "__main__":
    main()

"""Sound for whole films by the detection model: of prepared recordings, and of any film that a user names."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.impacts import FilmNotes, impact_times
from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import best_rates
from vis2sound_jax.jobs.stages import write_json
from vis2sound_jax.jobs.vis.bank import open_bank
from vis2sound_jax.jobs.vis.predict import Predictor
from vis2sound_jax.jobs.vis.seen import load_watcher, open_streams
from vis2sound_jax.jobs.vis.sounds import erb_spec, has_split, open_sounds
from vis2sound_jax.jobs.vis.soundtrack import Soundtrack, exemplar_soundtrack, parametric, predicted_impacts
from vis2sound_jax.training.checkpoint import load_meta
from vis2sound_jax.video.files import probe, read_frames

KINDS = ("exemplar", "parametric")
_WINDOW_S = 0.1


class FilmMaker:
    """The chain from film to sound of a finished detection run."""

    def __init__(self, config: Any, workdir: Path) -> None:
        """Loads the newest weights of a run.

        Raises:
          UserError: if the run has no detection stage, or is not finished.
        """
        if "detection" not in config.stages:
            raise UserError(
                f"{config.name} predicts the sound of single impacts and does not know when they happen; "
                "use --config=configs/vis.py:detection for whole films"
            )
        if not (workdir / "detection" / "checkpoints").is_dir():
            raise file_error(
                workdir, "there is no trained detection model", "finish the run first, or name its --workdir"
            )
        if config.synthesis.kind not in KINDS:
            raise UserError(f"config.synthesis.kind is {config.synthesis.kind!r}; it must be one of {', '.join(KINDS)}")
        self.config, self.spec = config, erb_spec(config)
        self.watcher = load_watcher(config, workdir)
        self.streams = open_streams(workdir, "train")
        self.predictor = Predictor.load(config, workdir, "detection")
        self.bank = open_bank(workdir)
        self.least = _threshold(config, workdir, self.predictor)

    def predict(self, video: Path) -> np.ndarray:
        """Predicts the cochleagram of a film, [t, c].

        Raises:
          UserError: if the file is no film.
        """
        data = self.config.data
        colour = read_frames(video, data.fps, data.height, data.width)
        grey = read_frames(video, data.fps, data.height, data.width, grey=True)
        if not len(grey):
            raise file_error(video, "the film has no pictures", "give a film that plays")
        return self.predictor.film(*self.streams.scaled(*self.watcher.watch(grey, colour)))

    def soundtrack(self, features: np.ndarray, duration_s: float, *, kind: str, seed: int) -> Soundtrack:
        """Makes a soundtrack of a predicted cochleagram.

        Args:
          features: compressed envelopes [t, c].
          duration_s: length of the film.
          kind: "exemplar" or "parametric".
          seed: of the noise.
        """
        length = round(duration_s * self.spec.rate_hz)
        if kind == "exemplar":
            return exemplar_soundtrack(features, self.spec, self.bank, length, least=self.least)
        wav = parametric(features, self.spec, length, iterations=self.config.synthesis.iterations, seed=seed)
        times, heights = predicted_impacts(features, self.spec)
        kept = heights >= self.least
        return Soundtrack(wav, times[kept], heights[kept], np.zeros(0, int))

    def for_video(self, video: Path, *, kind: str, seed: int) -> Soundtrack:
        """Makes a soundtrack for a film of any length, size and rate."""
        return self.soundtrack(self.predict(video), probe(video).duration_s, kind=kind, seed=seed)


def detect(
    config: Any, workdir: Path, predictor: Predictor, split: str, *, spacetime: bool = True
) -> tuple[list[FilmNotes], list[tuple[np.ndarray, np.ndarray]]]:
    """Detects the impacts of all recordings of a split from what was seen of them.

    Returns:
      Notes on the recordings, and for each the times and amplitudes of its predicted impacts.
    """
    spec, streams = erb_spec(config), open_streams(workdir, split, spacetime=spacetime)
    _, films = open_sounds(workdir, split)
    found = []
    for notes in films:
        features = predictor.film(*streams.whole(notes.id))
        found.append(predicted_impacts(features, spec))
    return films, found


def onset_clips(films: Sequence[FilmNotes], found: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[OnsetClip]:
    """Puts true and predicted impacts side by side; the true ones are amplitude peaks where there are any."""
    return [
        OnsetClip(np.array(impact_times(notes)), times, heights, notes.span_s)
        for notes, (times, heights) in zip(films, found, strict=True)
    ]


def _threshold(config: Any, workdir: Path, predictor: Predictor) -> float:
    """The amplitude from which a peak is an impact: best F1 on validation recordings; kept beside the weights."""
    path = workdir / "detection" / "threshold.json"
    step = load_meta(workdir / "detection" / "checkpoints")["step"]
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known.get("step") == step:
            return float(known["amplitude"])
    split = "validation" if has_split(workdir, "validation") else "train"
    films, found = detect(config, workdir, predictor, split)
    clips = onset_clips(films, found)
    least = best_rates(clips, _WINDOW_S)[1] if any(len(clip.reference_s) for clip in clips) else 0.0
    write_json(path, {"amplitude": float(least), "step": step, "split": split})
    return float(least)

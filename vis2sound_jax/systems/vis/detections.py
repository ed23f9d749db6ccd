"""Impacts found in whole films, and what is learned of them on validation recordings before sounds are copied."""

import json
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vis2sound_jax.audio.colouring import Colouring, fit_colouring, loud_peaks
from vis2sound_jax.data.impacts import STEPS, FilmNotes, impact_times
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.evaluation.onset_scores import best_rates
from vis2sound_jax.retrieval.exemplars import ExemplarBank
from vis2sound_jax.retrieval.nearest import HIT_OFFSET, windows_at
from vis2sound_jax.systems.vis.predict import Predictor
from vis2sound_jax.systems.vis.seen import open_streams
from vis2sound_jax.systems.vis.sounds import erb_spec, has_split, open_sounds
from vis2sound_jax.systems.vis.soundtrack import predicted_impacts
from vis2sound_jax.training.checkpoint import load_meta
from vis2sound_jax.whole import write_arrays

_WINDOW_S = 0.1
_LEAST_PEAKS = 2


class Found(NamedTuple):
    """What is predicted of a recording.

    Attributes:
      notes: on the recording.
      times_s: [k] times of the predicted impacts in seconds.
      height: [k] their amplitudes.
      features: [t, c] the whole predicted cochleagram.
    """

    notes: FilmNotes
    times_s: np.ndarray
    height: np.ndarray
    features: np.ndarray


class Calibration(NamedTuple):
    """What is known of a detection model's predictions.

    Attributes:
      least: amplitude from which a peak is an impact: best F1 on validation recordings.
      colouring: gives predicted peaks the statistics of real ones; None where there are too few.
    """

    least: float
    colouring: Colouring | None


def detect(
    config: Any,
    workdir: Path,
    predictor: Predictor,
    split: str,
    *,
    spacetime: bool = True,
    only: Container[str] | None = None,
) -> list[Found]:
    """Detects the impacts of the recordings of a split from what was seen of them.

    Args:
      config: the settings.
      workdir: of the run.
      predictor: a trained detection model.
      split: "train", "validation" or "test".
      spacetime: False for the ablation "no spacetime".
      only: names of the recordings that are wanted; by default all.

    Returns:
      What is predicted of each, in the order of the split.
    """
    spec, streams = erb_spec(config), open_streams(workdir, split, spacetime=spacetime)
    _, films = open_sounds(workdir, split)
    found = []
    for notes in films:
        if only is not None and notes.id not in only:
            continue
        features = predictor.film(*streams.whole(notes.id))
        found.append(Found(notes, *predicted_impacts(features, spec), features))
    return found


def calibrate(config: Any, workdir: Path, predictor: Predictor, bank: ExemplarBank) -> Calibration:
    """Learns the threshold and the colouring from validation recordings, or reads what is kept beside the weights.

    The paper takes the statistics of predicted peaks from its test recordings (Owens et al. 2016, A1.1); those of
    validation recordings leave the test alone and are there for a single film too.

    Args:
      config: the settings.
      workdir: of the run.
      predictor: a trained detection model.
      bank: the training sounds.
    """
    path = workdir / "detection" / "calibration.npz"
    step = load_meta(workdir / "detection" / "checkpoints")["step"]
    if path.exists():
        with np.load(path) as kept:
            if json.loads(str(kept["notes"]))["step"] == step:
                return _unpacked(kept)
    split = "validation" if has_split(workdir, "validation") else "train"
    found = detect(config, workdir, predictor, split)
    # The true impacts are amplitude peaks where there are any.
    clips = [OnsetClip(np.array(impact_times(one.notes)), one.times_s, one.height, one.notes.span_s) for one in found]
    least = best_rates(clips, _WINDOW_S)[1] if any(len(clip.reference_s) for clip in clips) else 0.0
    colouring = _colouring(found, float(least), bank, float(erb_spec(config).envelope_hz))
    arrays: dict[str, Any] = {"notes": json.dumps({"step": step, "split": split, "least": float(least)})}
    if colouring is not None:
        arrays |= {"matrix": colouring.matrix, "offset": colouring.offset}
    write_arrays(path, arrays)
    return Calibration(float(least), colouring)


def _unpacked(kept: Any) -> Calibration:
    least = float(json.loads(str(kept["notes"]))["least"])
    return Calibration(least, Colouring(kept["matrix"], kept["offset"], root=True) if "matrix" in kept else None)


def _colouring(found: Sequence[Found], least: float, bank: ExemplarBank, envelope_hz: float) -> Colouring | None:
    """Fits single steps at loud predicted peaks to those of real impacts at their centre."""
    heights = np.concatenate([one.height for one in found])
    at = [np.round(one.times_s * envelope_hz).astype(int) for one in found]
    peaks = np.concatenate(
        [windows_at(one.features, k, before=0, steps=1)[:, 0] for one, k in zip(found, at, strict=True)]
    )
    impacts = heights >= least
    peaks = peaks[impacts][loud_peaks(heights[impacts])]
    if min(len(peaks), len(bank)) < _LEAST_PEAKS:
        return None
    return fit_colouring(peaks, np.asarray(bank.features[:, HIT_OFFSET + STEPS], np.float32))

"""The rows of the table of impacts in whole films: networks, motion that stops, the real sound, other weights."""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.data.impacts import impact_times
from vis2sound_jax.evaluation.baselines import motion_peaks
from vis2sound_jax.evaluation.detection import Detections, Predicted, chosen_thresholds
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.run.loading import load_system
from vis2sound_jax.run.recordings import open_split, validation_records
from vis2sound_jax.run.steps import System
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.shipped import pretrained_dir
from vis2sound_jax.systems.vis.detections import Found, detect
from vis2sound_jax.systems.vis.predict import Predictor
from vis2sound_jax.systems.vis.scoring.detection import DetectionScores, evaluate_detection
from vis2sound_jax.systems.vis.scoring.rows import FULL_ROW
from vis2sound_jax.systems.vis.seen import decode_film
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.film import Film

NO_SPACETIME_ROW = "no spacetime"
EYE_ROW = "the eye that ships"
MOTION_ROW, REAL_ROW = "motion peaks", "real sound"
_ROWS = {"detection": FULL_ROW, "detection_no_spacetime": NO_SPACETIME_ROW}


class Detectors:
    """Everything that looks for impacts in whole films."""

    def __init__(self, config: Any, workdir: Path) -> None:
        """Loads the trained networks of a run, and other weights that `config.evaluate.eye` names.

        Args:
          config: the settings of a run with a detection model.
          workdir: of the run.
        """
        self._config, self._workdir = config, workdir
        self._predictors = {
            row: Predictor.load(config, workdir, stage) for stage, row in _ROWS.items() if stage in config.stages
        }
        eye = config.evaluate.eye
        self._eye: System | None = load_system(pretrained_dir(eye)) if eye else None

    def predicted(self, split: str, only: Container[str] | None = None) -> dict[str, list[Found]]:
        """Predicts whole films by the trained networks of the run.

        Args:
          split: whose films.
          only: names of the recordings that are wanted; by default all.

        Returns:
          By row, what is predicted of each recording.
        """
        return {
            row: detect(self._config, self._workdir, one, split, spacetime=row == FULL_ROW, only=only)
            for row, one in self._predictors.items()
        }

    def evaluate(self, whole: Mapping[str, Sequence[Found]]) -> DetectionScores:
        """Scores impacts found in whole films by the paper's protocol (section 6.2); only annotated ones can be.

        Thresholds of all rows are chosen by one rule on the same validation recordings.

        Args:
          whole: what `predicted` says of the test split.

        Returns:
          The scores.
        """
        prepared = prepared_dir(self._workdir)
        held = validation_records(self._config, prepared)
        names = {record["id"] for record in held}
        thresholds = chosen_thresholds(self._detections(held, self.predicted("validation", names) if held else {}))
        test = self._detections(open_split(self._config, prepared, "test"), whole)
        return evaluate_detection(test, thresholds, seed=self._config.seed)

    def _detections(self, records: Sequence[Record] | Records, whole: Mapping[str, Sequence[Found]]) -> Detections:
        """What all rows find in the annotated ones of some recordings, which networks have predicted already."""
        found: dict[str, list[Predicted]] = {row: [] for row in whole}
        found |= {row: [] for row in ((EYE_ROW,) if self._eye else ()) + (MOTION_ROW, REAL_ROW)}
        kept = []
        for k in track(range(len(records)), "motion and sound of whole films", unit="film"):
            if not records[k]["annotated"]:
                continue
            kept.append(next(iter(whole.values()))[k].notes)
            for row, films in whole.items():
                found[row].append((films[k].times_s, films[k].height))
            for row, events in self._others(records[k]).items():
                found[row].append(events)
        references_s = [np.array(impact_times(notes)) for notes in kept]
        return Detections([notes.id for notes in kept], references_s, [notes.span_s for notes in kept], found)

    def _others(self, record: Record) -> dict[str, Predicted]:
        """The floor, peaks of motion that stops; the ceiling, amplitude peaks of the real sound; and other weights."""
        events: dict[str, Predicted] = {}
        if self._eye is not None:
            frames = np.stack([decode_jpeg(data) for data in record["frames"]])
            seen = self._eye.watch(Film.of_frames(frames, record["fps"])).events
            events[EYE_ROW] = seen.times_s, seen.confidence
        events[MOTION_ROW] = motion_peaks(decode_film(record)[0], record["fps"])
        events[REAL_ROW] = amplitude_peaks(*decode_flac(record["audio"]))
        return events

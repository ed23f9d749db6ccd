"""Evaluates a run of Visually Indicated Sounds: the paper's tables beside the paper's numbers, and films."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.audio.peaks import amplitude_peaks
from vis2sound_jax.data.impacts import CLIP_FRAMES, STEPS, impact_times
from vis2sound_jax.evaluation.baselines import motion_peaks
from vis2sound_jax.prepare.sources import Records
from vis2sound_jax.run.loading import load_system
from vis2sound_jax.run.recordings import data_name, open_split
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.shipped import pretrained_dir
from vis2sound_jax.systems.vis.detections import Found, detect
from vis2sound_jax.systems.vis.held_out_films import write_clips, write_films
from vis2sound_jax.systems.vis.predict import Predictor
from vis2sound_jax.systems.vis.scoring.detection import AP, DetectionScores, evaluate_detection
from vis2sound_jax.systems.vis.scoring.report import Film as PageFilm
from vis2sound_jax.systems.vis.scoring.report import write_vis_report
from vis2sound_jax.systems.vis.scoring.rows import (
    FULL_ROW,
    SplitClips,
    exemplar_rows,
    match_rows,
    network_rows,
    ridge_row,
)
from vis2sound_jax.systems.vis.scoring.tables import VisScores, evaluate_impacts
from vis2sound_jax.systems.vis.scoring.text import scores_text
from vis2sound_jax.systems.vis.seen import decode_film
from vis2sound_jax.training.progress import track
from vis2sound_jax.video.files import decode_jpeg
from vis2sound_jax.video.film import Film
from vis2sound_jax.whole import write_json, write_whole

WHOLE_ROW = "full system, whole films"
NO_SPACETIME_ROW = "no spacetime"
EYE_ROW = "the eye that ships"


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Scores single impacts and, where the run has a detection model, whole films.

    Args:
      config: the settings.
      workdir: of a run whose stages before are finished.

    Returns:
      The files and the leading numbers.

    Raises:
      UserError: if the run was begun with other settings.
    """
    check_before(config, workdir)
    target = workdir / "evaluate"
    target.mkdir(parents=True, exist_ok=True)
    train, test = SplitClips(workdir, "train"), SplitClips(workdir, "test")
    rows = network_rows(config, workdir, test)
    detection = None
    if "detection" in config.stages:
        whole = _whole_films(config, workdir)
        detection = _detection(config, workdir, whole)
        rows[WHOLE_ROW] = _cut_from_films(whole[FULL_ROW], test)
    leading = next(iter(rows))
    if leading == FULL_ROW:
        rows |= exemplar_rows(train, test, rows[FULL_ROW])
    rows["ridge regression"] = ridge_row(config.streams.views, workdir, train, test)
    rows |= match_rows(config, train, test, config.seed)
    scores = evaluate_impacts(train.sounds, test.sounds, rows, seed=config.seed)
    text = scores_text(scores, detection)
    print(text, flush=True)
    films = _films(config, workdir, target, rows)
    data = _data(config, test)
    _save(data, target, scores, detection, text)
    write_vis_report(
        target / "report.html",
        scores,
        test.sounds,
        rows,
        title=f"Visually Indicated Sounds, {config.name}",
        data=data,
        detection=detection,
        films=films,
    )
    return {
        "metrics": str(target / "metrics.json"),
        "report": str(target / "report.html"),
        **_leading(scores, leading, detection),
    }


def _save(data: str, target: Path, scores: VisScores, detection: DetectionScores | None, text: str) -> None:
    metrics = {"data": data, "impacts": scores.as_dict()}
    if detection is not None:
        metrics["detection"] = detection.as_dict()
    write_json(target / "metrics.json", metrics)
    write_whole(target / "table.txt", text + "\n")
    lines = "".join(json.dumps(line) + "\n" for line in scores.examples)
    write_whole(target / "examples.jsonl", lines)


def _leading(scores: VisScores, row: str, detection: DetectionScores | None) -> dict[str, float]:
    wanted = ("loudness_r", "centroid_r", "material", "action")
    values = {name: scores.rows[row][name].value for name in wanted if name in scores.rows[row]}
    found = {name: round(value, 3) for name, value in values.items() if np.isfinite(value)}
    # Where nobody annotated anything, nothing can be found or missed.
    if detection is not None and np.isfinite(detection.rows[FULL_ROW][AP].value):
        found["detection_ap"] = round(detection.rows[FULL_ROW][AP].value, 3)
    return found


def _data(config: Any, test: SplitClips) -> str:
    """What the recordings are, and of how many the impacts are those that can be heard."""
    bare = sum(not notes.annotated for notes in test.films.values())
    if not bare:
        return data_name(config)
    return (
        f"{data_name(config)}; of {bare} of {len(test.films)} test recordings, which nobody annotated, the impacts "
        "are those that can be heard, and are not counted in whole films"
    )


def _whole_films(config: Any, workdir: Path) -> dict[str, list[Found]]:
    """What the trained networks predict of whole test films, by row."""
    stages = {"detection": FULL_ROW, "detection_no_spacetime": NO_SPACETIME_ROW}
    return {
        row: detect(config, workdir, Predictor.load(config, workdir, stage), "test", spacetime=row == FULL_ROW)
        for stage, row in stages.items()
        if stage in config.stages
    }


def _detection(config: Any, workdir: Path, whole: Mapping[str, list[Found]]) -> DetectionScores:
    """Impacts found in whole films, by the paper's protocol (section 6.2); only annotated ones can be scored."""
    every = [one.notes for one in whole[FULL_ROW]]
    predictions = {row: [(one.times_s, one.height) for one in found] for row, found in whole.items()}
    predictions |= _other_detectors(config, workdir)
    films = [notes for notes in every if notes.annotated]
    predictions = {
        row: [one for one, notes in zip(found, every, strict=True) if notes.annotated]
        for row, found in predictions.items()
    }
    return evaluate_detection(
        [np.array(impact_times(notes)) for notes in films],
        [notes.span_s for notes in films],
        [notes.id for notes in films],
        predictions,
        seed=config.seed,
    )


def _other_detectors(config: Any, workdir: Path) -> Mapping[str, list[tuple[np.ndarray, np.ndarray]]]:
    """The floor, peaks of motion that stops, and the ceiling, amplitude peaks of the real sound."""
    moved, heard = [], []
    records = open_split(config, prepared_dir(workdir), "test")
    for k in track(range(len(records)), "motion and sound of whole films", unit="film"):
        record = records[k]
        moved.append(motion_peaks(decode_film(record)[0], record["fps"]))
        heard.append(amplitude_peaks(*decode_flac(record["audio"])))
    return {**_eye(config, records), "motion peaks": moved, "real sound": heard}


def _eye(config: Any, records: Records) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """What other weights see of the films, those that `config.evaluate.eye` names."""
    if not config.evaluate.eye:
        return {}
    eye, seen = load_system(pretrained_dir(config.evaluate.eye)), []
    for k in track(range(len(records)), EYE_ROW, unit="film"):
        frames = np.stack([decode_jpeg(data) for data in records[k]["frames"]])
        events = eye.watch(Film.of_frames(frames, records[k]["fps"])).events
        seen.append((events.times_s, events.confidence))
    return {EYE_ROW: seen}


def _cut_from_films(found: list[Found], test: SplitClips) -> np.ndarray:
    """What the detection model predicts of whole films, at the test clips."""
    whole = {one.notes.id: one.features for one in found}
    cuts = [whole[c.recording][STEPS * c.first : STEPS * (c.first + CLIP_FRAMES)] for c in test.clips]
    return np.stack(cuts).astype(np.float32)


def _films(config: Any, workdir: Path, target: Path, rows: Mapping[str, np.ndarray]) -> list[PageFilm]:
    """Writes some test films with their new sound, for eyes and ears."""
    folder = target / "films"
    if "detection" in config.stages:
        written = write_films(config, workdir, folder, config.evaluate.films)
    else:
        written = write_clips(config, workdir, folder, config.evaluate.films)
    return [PageFilm(path.stem.replace("_", " "), f"films/{path.name}") for path in written]

"""Evaluates a run of Visually Indicated Sounds: the paper's tables beside the paper's numbers, and films."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.data.impacts import CLIP_FRAMES, STEPS
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.systems.vis.detections import Found
from vis2sound_jax.systems.vis.detectors import Detectors
from vis2sound_jax.systems.vis.held_out_films import write_clips, write_films
from vis2sound_jax.systems.vis.scoring.detection import AP, DetectionScores
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
from vis2sound_jax.whole import write_json, write_whole

WHOLE_ROW = "full system, whole films"


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
        detectors = Detectors(config, workdir)
        whole = detectors.predicted("test")
        detection = detectors.evaluate(whole)
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

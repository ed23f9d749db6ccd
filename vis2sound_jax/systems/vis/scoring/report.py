"""The report of Visually Indicated Sounds: tables beside the paper's, pictures, films."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.evaluation.classifiers import labelled
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import Claim, Example, Picture, Report, Table
from vis2sound_jax.report.pictures import bar_picture
from vis2sound_jax.systems.vis.scoring.confusion import confusion_order
from vis2sound_jax.systems.vis.scoring.detection import AP, DetectionScores
from vis2sound_jax.systems.vis.scoring.impacts import ImpactSounds
from vis2sound_jax.systems.vis.scoring.paper import paper_metrics
from vis2sound_jax.systems.vis.scoring.pictures import (
    cochleagrams_picture,
    mean_cochleagrams_picture,
    soft_confusion_picture,
)
from vis2sound_jax.systems.vis.scoring.tables import REAL_ROW, VisScores
from vis2sound_jax.systems.vis.scoring.text import HEARD, LEVELS

_CHANCE_ROW = "chance"
_CLIPS = 6
_UNKNOWN = float("nan")


class Film(NamedTuple):
    """A film to play in the report.

    Attributes:
      title: its heading.
      path: from the report's folder, with forward slashes.
      note: a sentence under the heading.
    """

    title: str
    path: str
    note: str = ""


def write_vis_report(
    path: str | os.PathLike[str],
    scores: VisScores,
    test: ImpactSounds,
    rows: Mapping[str, np.ndarray],
    *,
    title: str,
    data: str,
    detection: DetectionScores | None = None,
    films: Sequence[Film] = (),
) -> None:
    """Writes the report as one HTML file; only the films lie beside it.

    Args:
      path: where to, its folder must exist.
      scores: of single impacts.
      test: the real test sounds.
      rows: what was scored; its first row is the one that the report leads with.
      title: what was evaluated.
      data: what data it is, such as "procedural recordings".
      detection: of whole films, if there was any.
      films: players at the end.

    Raises:
      UserError: where it cannot be written.
    """
    leading = next(iter(rows), REAL_ROW)
    report = Report(
        title=title,
        data=f"{data}: {scores.n_recordings} held-out recordings, {scores.n_test} impacts",
        claims=_claims(scores, leading, detection),
        tables=_tables(scores, detection),
        pictures=_pictures(scores, test, rows, leading),
        examples=[Example(film.title, film.note, 1, {}, film=film.path) for film in films],
    )
    write_report(path, report)


def _claims(scores: VisScores, leading: str, detection: DetectionScores | None) -> list[Claim]:
    claims = []
    for metric, heading in {**LEVELS, **HEARD}.items():
        if metric in scores.rows[leading] and not metric.endswith("_mse"):
            floor = _chance(scores)[metric]
            text = f"{leading}: {heading}" + ("" if metric in LEVELS else " heard, class-averaged")
            claims.append(Claim(text, scores.rows[leading][metric], scores.rows[REAL_ROW][metric], floor))
    if detection is not None:
        row = next(iter(detection.rows))
        claims.append(Claim(f"{row}: AP of impacts, ±0.1 s", detection.rows[row][AP], floor=_last(detection)))
    return claims


def _tables(scores: VisScores, detection: DetectionScores | None) -> list[Table]:
    rows = {**scores.rows, _CHANCE_ROW: _chance(scores)}
    paper = {row: paper_metrics(row) for row in scores.rows}
    note = "“paper”: Owens et al. 2016, on Greatest Hits. "
    levels = "Errors are squared, of envelope norms and of channels. Networks are judged by the features they predict."
    heard = "Class-averaged accuracy of linear SVMs that were trained on real sounds."
    tables = [Table("Loudness and centroid", note + levels, rows, REAL_ROW, _CHANCE_ROW, LEVELS, paper)]
    if scores.classes:
        tables.append(Table("What is heard", note + heard, rows, REAL_ROW, _CHANCE_ROW, HEARD, paper))
    if detection is not None:
        beside = {row: {AP: value} for row, value in detection.paper.items()}
        text = (
            note
            + f"{detection.n_impacts} impacts in {detection.n_recordings} whole films; misses count. "
            + detection.thresholds.note
        )
        floor = list(detection.rows)[-1]
        tables.append(Table("Impacts found in whole films", text, detection.rows, None, floor, published=beside))
    return tables


def _pictures(scores: VisScores, test: ImpactSounds, rows: Mapping[str, np.ndarray], leading: str) -> list[Picture]:
    chance = _chance(scores)
    pictures = []
    for metric, heading in {**LEVELS, **HEARD}.items():
        found = {row: metrics[metric] for row, metrics in scores.rows.items() if metric in metrics}
        if found and not metric.endswith("_mse"):
            given = {row: score for row, score in found.items() if row != REAL_ROW}
            png = bar_picture(heading, given, ceiling=found[REAL_ROW], floor=chance.get(metric))
            pictures.append(Picture(png, f"{heading} of every row with 95 % intervals"))
    for kind, classes in scores.classes.items():
        soft = {row: scores.soft[row][kind] for row in dict.fromkeys((REAL_ROW, leading))}
        order = confusion_order(soft[REAL_ROW])
        png = soft_confusion_picture(soft, classes, order, kind)
        pictures.append(Picture(png, f"soft confusion matrices of {kind}, real sounds and {leading}"))
        png = bar_picture(f"{kind}, {leading}", scores.per_class[leading][kind], floor=chance[kind])
        pictures.append(Picture(png, f"share of each {kind} named right in {leading}, with 95 % intervals"))
    for kind in ("material", "action", "reaction"):
        labels = test.labels(kind)
        if labelled(labels).any():
            png = mean_cochleagrams_picture(test.features, labels, f"mean real sound of each {kind}")
            pictures.append(Picture(png, f"mean cochleagram of each {kind}"))
    png = cochleagrams_picture(_shown(test, rows))
    pictures.append(Picture(png, "cochleagrams of some test clips, real above and given below"))
    return pictures


def _shown(test: ImpactSounds, rows: Mapping[str, np.ndarray]) -> list[tuple[str, dict[str, np.ndarray]]]:
    """A handful of clips: the first of each material, so that nobody chose them by ear."""
    first: dict[str, int] = {}
    for clip in np.argsort(~labelled(test.material), kind="stable").tolist():
        first.setdefault(test.material[clip], clip)
    takes = {row: features if features.ndim == 3 else features[0] for row, features in rows.items()}
    return [
        (
            f"{name}, {test.action[clip]}",
            {REAL_ROW: test.features[clip]}
            | {row: features[clip] for row, features in takes.items() if not np.isnan(features[clip]).any()},
        )
        for name, clip in list(first.items())[:_CLIPS]
    ]


def _chance(scores: VisScores) -> dict[str, Estimate]:
    values = {"loudness_r": 0.0, "centroid_r": 0.0, **scores.chance}
    return {name: Estimate(value, _UNKNOWN, _UNKNOWN) for name, value in values.items()}


def _last(detection: DetectionScores) -> Estimate:
    return detection.rows[list(detection.rows)[-1]][AP]

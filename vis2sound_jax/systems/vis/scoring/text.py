"""The tables of Visually Indicated Sounds as text, ours with 95 % intervals and the paper's number under each."""

from collections.abc import Iterable, Mapping

import numpy as np

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.systems.vis.scoring.detection import AP, DetectionScores
from vis2sound_jax.systems.vis.scoring.paper import paper_metrics
from vis2sound_jax.systems.vis.scoring.tables import VisScores

LEVELS = {
    "loudness_mse": "loudness error",
    "loudness_r": "loudness r",
    "centroid_mse": "centroid error",
    "centroid_r": "centroid r",
}
HEARD = {kind: kind for kind in ("material", "action", "reaction", "hardness")}
_CELL = 22


def scores_text(scores: VisScores, detection: DetectionScores | None = None) -> str:
    """Lays the tables out for a terminal.

    Args:
      scores: of single impacts.
      detection: of whole films, if there was any.

    Returns:
      Lines of at most about 120 characters; the paper's numbers are of Greatest Hits, whatever ours are of.
    """
    paper = {row: paper_metrics(row) for row in scores.rows}
    kinds = {kind: name for kind, name in HEARD.items() if kind in scores.classes}
    lines = [
        f"Single impacts: {scores.n_test} clips of {scores.n_recordings} recordings, "
        f"{scores.n_train} to train on; 95 % intervals over recordings.",
        "",
        *_table(scores.rows, paper, LEVELS),
    ]
    if kinds:
        chance = {kind: Estimate(value, np.nan, np.nan) for kind, value in scores.chance.items()}
        labelled = ", ".join(f"{kind} {scores.labelled[kind]}" for kind in kinds)
        lines += ["", f"Heard by SVMs of real sounds, class-averaged accuracy; labelled clips: {labelled}.", ""]
        lines += _table({**scores.rows, "chance": chance}, paper, kinds)
    if detection is not None:
        lines += ["", f"Whole films: {detection.n_impacts} impacts in {detection.n_recordings} recordings.", ""]
        beside = {row: {AP: value} for row, value in detection.paper.items()}
        lines += _table(detection.rows, beside, {AP: "AP, ±0.1 s"})
    return "\n".join(lines) + "\n"


def number_text(value: float) -> str:
    """A number as tables print it.

    Args:
      value: any number.

    Returns:
      Two decimals, "–" where undefined.
    """
    return f"{round(value, 2) + 0.0:.2f}" if np.isfinite(value) else "–"  # adding 0 turns -0.00 into 0.00


def _table(
    rows: Mapping[str, Mapping[str, Estimate]], paper: Mapping[str, Mapping[str, float]], columns: Mapping[str, str]
) -> list[str]:
    width = max(len(row) for row in rows) + 2
    lines = [_line("", columns.values(), width)]
    for row, found in rows.items():
        lines.append(_line(row, [_cell(found.get(name)) for name in columns], width))
        published = paper.get(row, {})
        if any(name in published for name in columns):
            beside = [number_text(published[name]) if name in published else "" for name in columns]
            lines.append(_line("  paper", beside, width))
    return lines


def _line(name: str, cells: Iterable[str], width: int) -> str:
    return (name.ljust(width) + "".join(cell.ljust(_CELL) for cell in cells)).rstrip()


def _cell(score: Estimate | None) -> str:
    if score is None:
        return ""
    interval = (
        f" [{number_text(score.low)}, {number_text(score.high)}]" if np.isfinite([score.low, score.high]).all() else ""
    )
    return number_text(score.value) + interval

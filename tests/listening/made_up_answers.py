"""Made-up answers of participants, and the CSV files that the study's page would save."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax.listening.table import COLUMNS

ALGORITHMS = ("full system", "random")


def answer(participant: str, recording: str, algorithm: str, correct: bool, **other: Any) -> dict[str, Any]:
    """One line; the real film was on the left."""
    row = dict.fromkeys(("material", "action", "reaction"), "None") | {"item": f"clip of {recording}", "ms": 900}
    row |= {"participant": participant, "recording": recording, "algorithm": algorithm, "side": "left"}
    return row | {"answer": "left" if correct else "right", "correct": int(correct)} | other


def write(path: Path, rows: Iterable[dict[str, Any]], columns: Sequence[str] = COLUMNS) -> Path:
    """Writes the file of one participant or more."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())
    return path


def many_answers(folder: Path) -> list[Path]:
    """Two files of ten people with 40 answers each: the full system fools them in 40 %, random sounds in 20 %."""
    fooled = {"full system": (4, 12), "random": (4, 4)}  # of 20, by participants of even and odd number
    rows = [
        answer(f"p{p}", f"r{i}", name, i // 2 >= fooled[name][p % 2], material="wd"[i // 20])
        for p in range(10)
        for i, name in enumerate(ALGORITHMS * 20)
    ]
    return [write(folder / "a.csv", rows[:160]), write(folder / "b.csv", rows[160:])]


def few_answers(folder: Path) -> list[Path]:
    """One file of one person who is never fooled."""
    rows = [answer("one", f"r{i}", ALGORITHMS[i % 2], correct=True) for i in range(6)]
    return [write(folder / "a.csv", rows)]

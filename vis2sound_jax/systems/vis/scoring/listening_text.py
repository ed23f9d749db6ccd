"""The result of the listening study as text, beside what Visually Indicated Sounds found."""

from collections.abc import Mapping

import numpy as np

from vis2sound_jax.listening.answers import LabelledReal, StudyTable
from vis2sound_jax.systems.vis.scoring.paper import StudyRate, paper_study


def answers_text(table: StudyTable) -> str:
    """Lays the result out for a terminal.

    Args:
      table: the result.

    Returns:
      A table of algorithms, one for each kind of label, and the tests.
    """
    lines = [f"Labelled real, in percent: {table.n_answers} answers of {table.n_participants} people.", ""]
    lines += _lines(table.algorithms, {name: paper_study(name) for name in table.algorithms})
    for kind, labels in table.by_label.items():
        lines += ["", f"By {kind}:"]
        shares = {f"{label}, {name}": share for label, found in labels.items() for name, share in found.items()}
        lines += _lines(shares, {})
    if table.p_values:
        lines += ["", "Two-sided t-tests between algorithms:"]
        lines += [f"{a} – {b}: {_p_text(p)}" for (a, b), p in table.p_values.items()]
    return "\n".join(lines) + "\n"


def _p_text(p: float) -> str:
    if not np.isfinite(p):
        return "–"
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.4f}"


def _lines(shares: Mapping[str, LabelledReal], paper: Mapping[str, StudyRate | None]) -> list[str]:
    width = max(len(name) for name in shares) + 2
    beside = any(paper.values())
    head = f"{'':{width}}{'real ±':16}{'Wilson':16}{'over people':16}{'answers':10}"
    lines = [(head + "paper" * beside).rstrip()]
    for name, share in shares.items():
        people, rate = share.participants, paper.get(name)
        drawn = f"[{people.low:.1f}, {people.high:.1f}]" if np.isfinite([people.low, people.high]).all() else "–"
        wilson = f"[{share.low:.1f}, {share.high:.1f}]"
        published = "" if rate is None else _rate(rate.percent, rate.margin)
        cells = f"{_rate(share.percent, share.margin):16}{wilson:16}{drawn:16}{share.n_answers:<10}{published}"
        lines.append(f"{name:{width}}{cells}".rstrip())
    return lines


def _rate(percent: float, margin: float) -> str:
    return f"{percent:.2f} ± {margin:.2f}"

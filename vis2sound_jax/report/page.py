"""report.html: one file with every table, picture and player in it, to be opened anywhere, offline.

Numbers become text and sounds become addresses here; what goes where is in `templates/report.html`.
"""

import base64
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from vis2sound_jax.audio.files import encode_flac
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.report.parts import Claim, Example, Picture, Report, Table
from vis2sound_jax.report.render import render
from vis2sound_jax.whole import write_whole


class _Section(NamedTuple):
    """A part of the page: where links lead, its heading, the template that shows it, what the template shows."""

    anchor: str
    title: str
    template: str
    content: Any


class _Score(NamedTuple):
    """An estimate as text."""

    value: str
    interval: str


class _Cell(NamedTuple):
    """A score of a table, a published number as text, and how full its meter is, in percent."""

    score: _Score
    published: str | None
    share: str | None


def write_report(path: str | os.PathLike[str], report: Report) -> None:
    """Writes the report; an older one stays whole until the new one is.

    Args:
      path: the HTML file, its folder must exist.
      report: what to show.

    Raises:
      UserError: where it cannot be written.
    """
    write_whole(path, report_html(report))


def report_html(report: Report) -> str:
    """Makes the page.

    Args:
      report: what to show.

    Returns:
      A whole HTML document that needs no other file but the films given by their paths.
    """
    values = {
        "title": report.title,
        "data": report.data,
        "films_beside": any(isinstance(example.film, str) for example in report.examples),
        "sections": list(_sections(report)),
    }
    return render("report/report.html", values)


def _sections(report: Report) -> Iterator[_Section]:
    """The parts that have something to show."""
    if report.claims:
        yield _Section("claims", "What it reaches", "report/claims.html", [_claim(claim) for claim in report.claims])
    for i, table in enumerate(report.tables):
        yield _Section(f"table{i}", table.title, "report/table.html", _table(table))
    if report.pictures:
        pictures = [_picture(picture) for picture in report.pictures]
        yield _Section("pictures", "Pictures", "report/pictures.html", pictures)
    if report.examples:
        examples = [_example(example) for example in report.examples]
        yield _Section("examples", "Examples", "report/examples.html", examples)
    if report.left_out:
        yield _Section("left_out", "What could not be used", "report/left_out.html", report.left_out)


def _claim(claim: Claim) -> dict[str, Any]:
    bounds = [
        f"{name} {_number(bound.value)}"
        for name, bound in (("real sound", claim.ceiling), ("chance", claim.floor))
        if bound is not None
    ]
    return {"text": claim.text, "score": _score(claim.score), "bounds": ", ".join(bounds)}


def _table(table: Table) -> dict[str, Any]:
    columns = [name for name in table.columns if any(name in metrics for metrics in table.rows.values())]
    rows = [
        {
            "name": row,
            "is_bound": row in (table.ceiling_row, table.floor_row),
            "cells": [_cell(table, row, name) for name in columns],
        }
        for row in table.rows
    ]
    return {
        "title": table.title,
        "note": table.note,
        "headings": [table.columns[name] for name in columns],
        "rows": rows,
    }


def _cell(table: Table, row: str, metric: str) -> _Cell | None:
    score = table.rows[row].get(metric)
    if score is None or not np.isfinite(score.value):
        return None
    published = table.published.get(row, {}).get(metric)
    return _Cell(_score(score), None if published is None else _number(published), _share(table, metric, score.value))


def _share(table: Table, metric: str, value: float) -> str | None:
    """How far a value is from chance to the real sound, in percent; None without both or where they are reversed."""
    floor, ceiling = (table.rows.get(bound or "", {}).get(metric) for bound in (table.floor_row, table.ceiling_row))
    if floor is None or ceiling is None or not ceiling.value > floor.value:
        return None
    return f"{100.0 * float(np.clip((value - floor.value) / (ceiling.value - floor.value), 0.0, 1.0)):.0f}"


def _picture(picture: Picture) -> dict[str, str]:
    return {"source": _data_url("image/png", picture.png), "alt": picture.alt, "caption": picture.caption}


def _example(example: Example) -> dict[str, Any]:
    film = example.film
    if film is not None:
        film = quote(os.fsencode(film)) if isinstance(film, str) else _data_url("video/mp4", film)
    return {
        "title": example.title,
        "note": example.note,
        "film": film,
        "picture": None if example.picture is None else _picture(example.picture),
        "sounds": _players(example.sounds, example.rate_hz),
    }


def _players(sounds: Mapping[str, np.ndarray], rate_hz: int) -> dict[str, str]:
    return {
        label: _data_url("audio/flac", encode_flac(np.asarray(wav, np.float32), rate_hz))
        for label, wav in sounds.items()
    }


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "–"


def _score(score: Estimate) -> _Score:
    bounded = np.isfinite([score.low, score.high]).all()
    interval = f"[{_number(score.low)}, {_number(score.high)}]" if bounded else "no interval"
    return _Score(_number(score.value), interval)

"""report.html: one file with every table, picture and player in it, to be opened anywhere, offline."""

import base64
import html
import os
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np

from vis2sound_jax.audio.files import encode_flac
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.report.parts import Claim, Example, Picture, Report, Table
from vis2sound_jax.report.style import STYLE
from vis2sound_jax.whole import write_whole

# No picture, sound or script may come from outside: the browser enforces it.
_POLICY = "default-src 'none'; img-src data:; media-src data:{}; style-src 'unsafe-inline'"
_BESIDE = " 'self' file:"  # films that lie beside the page, opened from a folder or from a server


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
    policy = _POLICY.format(_BESIDE if any(isinstance(example.film, str) for example in report.examples) else "")
    sections = [("claims", "What it reaches", _claims(report.claims))] if report.claims else []
    sections += [(f"table{i}", table.title, _table(table)) for i, table in enumerate(report.tables)]
    if report.pictures:
        shown = "".join(_picture(picture) for picture in report.pictures)
        sections.append(("pictures", "Pictures", f'<div class="pictures">{shown}</div>'))
    if report.examples:
        sections.append(("examples", "Examples", "".join(_example(example) for example in report.examples)))
    if report.left_out:
        reasons = "".join(f"<li>{_text(reason)}</li>" for reason in report.left_out)
        sections.append(("left_out", "What could not be used", f"<ul>{reasons}</ul>"))
    links = "".join(f'<li><a href="#{anchor}">{_text(title)}</a></li>' for anchor, title, _ in sections)
    body = "".join(
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{_text(title)}</h2>{inner}</section>'
        for anchor, title, inner in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(report.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header><p class="data">Data: {_text(report.data)}</p><h1>{_text(report.title)}</h1>'
        '<p class="quiet">In brackets: 95 % bootstrap intervals over recordings. '
        "Meters run from chance (empty) to the real sound (full).</p>"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n<main>{body}</main>\n</body>\n</html>\n'
    )


def _claims(claims: Sequence[Claim]) -> str:
    return f'<ul class="claims">{"".join(_claim(claim) for claim in claims)}</ul>'


def _claim(claim: Claim) -> str:
    bounds = [
        f"{name} {_number(bound.value)}"
        for name, bound in (("real sound", claim.ceiling), ("chance", claim.floor))
        if bound is not None
    ]
    tail = f"<br>{_text(', '.join(bounds))}" if bounds else ""
    return (
        f"<li>{_text(claim.text)}<strong>{_number(claim.score.value)}</strong>"
        f"<small>{_interval(claim.score)}{tail}</small></li>"
    )


def _table(table: Table) -> str:
    columns = [name for name in table.columns if any(name in metrics for metrics in table.rows.values())]
    head = "".join(f'<th scope="col">{_text(table.columns[name])}</th>' for name in columns)
    rows = []
    for row in table.rows:
        bound = ' class="bound"' if row in (table.ceiling_row, table.floor_row) else ""
        cells = "".join(_cell(table, row, name) for name in columns)
        rows.append(f'<tr{bound}><th scope="row">{_text(row)}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(table.title)}"><table>'
        f'<caption>{_text(table.note)}</caption><thead><tr><th scope="col">row</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(table: Table, row: str, metric: str) -> str:
    score = table.rows[row].get(metric)
    if score is None or not np.isfinite(score.value):
        return '<td><span aria-label="undefined">–</span></td>'
    ends = [table.rows.get(bound or "", {}).get(metric) for bound in (table.floor_row, table.ceiling_row)]
    meter = ""
    if ends[0] is not None and ends[1] is not None and ends[1].value > ends[0].value:
        share = 100.0 * float(np.clip((score.value - ends[0].value) / (ends[1].value - ends[0].value), 0.0, 1.0))
        meter = f'<span class="meter" aria-hidden="true"><i style="width:{share:.0f}%"></i></span>'
    published = table.published.get(row, {}).get(metric)
    beside = "" if published is None else f"<small>paper {_number(published)}</small>"
    return f"<td>{_number(score.value)}<small>{_interval(score)}</small>{beside}{meter}</td>"


def _picture(picture: Picture) -> str:
    caption = f"<figcaption>{_text(picture.caption)}</figcaption>" if picture.caption else ""
    source = _data_url("image/png", picture.png)
    return f'<figure><img alt="{_text(picture.alt)}" src="{source}">{caption}</figure>'


def _example(example: Example) -> str:
    players = "".join(
        f"<div><dt>{_text(label)}</dt><dd>{_player(example, label)}</dd></div>" for label in example.sounds
    )
    film = ""
    if example.film is not None:
        source = _text(quote(example.film)) if isinstance(example.film, str) else _data_url("video/mp4", example.film)
        label = _text(f"{example.title}: film")
        film = f'<video controls preload="metadata" aria-label="{label}" src="{source}"></video>'
    picture = "" if example.picture is None else _picture(example.picture)
    return (
        f'<article class="example"><h3>{_text(example.title)}</h3><p class="quiet">{_text(example.note)}</p>'
        f'<div class="media"><div>{film}{picture}</div><dl class="sounds">{players}</dl></div></article>'
    )


def _player(example: Example, label: str) -> str:
    sound = encode_flac(np.asarray(example.sounds[label], np.float32), example.rate_hz)
    name, source = _text(f"{example.title}: {label}"), _data_url("audio/flac", sound)
    return f'<audio controls preload="metadata" aria-label="{name}" src="{source}"></audio>'


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "–"


def _interval(score: Estimate) -> str:
    if not np.isfinite([score.low, score.high]).all():
        return "no interval"
    return f"[{_number(score.low)}, {_number(score.high)}]"


def _text(text: str) -> str:
    return html.escape(text, quote=True)

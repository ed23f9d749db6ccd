"""Lays an evaluation out as report.html."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vis2sound_jax.audio.onsets import onset_times
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.evaluation.detection import RANDOM_ROW
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import Claim, Example, Picture, Report, Table
from vis2sound_jax.report.pictures import MelPanel, bar_picture, confusion_picture, mel_picture
from vis2sound_jax.run.recordings import data_name
from vis2sound_jax.systems.condfoley.chain import Foley
from vis2sound_jax.systems.condfoley.scoring.exemplar_rows import EXEMPLAR_ROW
from vis2sound_jax.systems.condfoley.scoring.items import FoleyItem, as_list
from vis2sound_jax.systems.condfoley.scoring.published import PROTOCOL, PUBLISHED_METRICS
from vis2sound_jax.systems.condfoley.scoring.ranked import BOTH_ROW
from vis2sound_jax.systems.condfoley.scoring.rows import BEST_ROW, CODES_ROW, NO_CONDITION_ROW, TRANSFER_ROW
from vis2sound_jax.systems.condfoley.scoring.soundtracks import CHANCE_ROW, REAL_ROW, FoleyScores

_EXAMPLES = 6
_PANELS = 4
_AP = "onset_ap_100ms"
_HEARD = "All rows have one listener, whose threshold is that of the row “real sound” of the table above. "


class Seen(NamedTuple):
    """The table of events seen in whole films.

    Attributes:
      rows: by row and metric, the estimate.
      note: what its F1 and counts mean.
    """

    rows: Mapping[str, Mapping[str, Estimate]]
    note: str


def write_evaluation_report(
    path: Path,
    config: Any,
    foley: Foley,
    detection: Seen,
    scores: FoleyScores,
    nats: Mapping[str, float],
    items: Sequence[FoleyItem],
    further: Sequence[Table] = (),
) -> None:
    """Writes the page.

    Args:
      path: the HTML file.
      config: the settings.
      foley: the chain that was evaluated.
      detection: onset table of whole films.
      scores: of the soundtracks.
      nats: cross-entropies.
      items: the test pairs with their sounds.
      further: tables to show after those of onsets and soundtracks.
    """
    best = BEST_ROW.format(config.evaluate.takes)
    report = Report(
        title=f"Conditional Foley, {config.name}",
        data=f"{data_name(config)}: {scores.n_recordings} held-out recordings, {scores.n_items} pairs, "
        f"{scores.n_events} events",
        claims=_claims(detection.rows, scores, best),
        tables=[
            Table(
                "Events seen in whole films",
                f"Against the annotations; AP is pooled over films and misses count. {detection.note}",
                detection.rows,
                "real sound",
                RANDOM_ROW,
            ),
            Table(
                "Soundtracks",
                f"Judged by their sound alone. {_HEARD}Cross-entropy in nats a code: "
                + ", ".join(f"{name.removeprefix('nats_')} {value:.3f}" for name, value in nats.items()),
                scores.rows,
                REAL_ROW,
                CHANCE_ROW,
            ),
            Table("Soundtracks, published protocol", PROTOCOL, scores.legacy, REAL_ROW, CHANCE_ROW, PUBLISHED_METRICS),
            *further,
        ],
        pictures=_pictures(scores, best),
        examples=[_example(foley, item, best) for item in items[:_EXAMPLES]],
    )
    write_report(path, report)


def _claims(detection: Mapping[str, Mapping[str, Estimate]], scores: FoleyScores, best: str) -> list[Claim]:
    claims = [
        Claim(
            "Events seen in whole films (onset AP, ±0.1 s)",
            detection.get("event reader", detection["video encoder"])[_AP],
            detection["real sound"][_AP],
            detection[RANDOM_ROW][_AP],
        )
    ]
    wanted = [
        (EXEMPLAR_ROW, "onset_f1_100ms", "Onset F1 of the exemplar engine"),
        (EXEMPLAR_ROW, "material", "Material heard from the exemplar engine"),
        (best, "onset_f1_100ms", "Onset F1 of the best take of codes"),
        (best, "material", "Material heard in the best take of codes"),
    ]
    wanted += [(NO_CONDITION_ROW, "material", "Material heard without a condition")]
    for row, metric, text in wanted:
        if metric in scores.rows.get(row, {}):
            ceiling, floor = scores.rows[REAL_ROW][metric], scores.rows[CHANCE_ROW][metric]
            claims.append(Claim(text, scores.rows[row][metric], ceiling, floor))
    return claims


def _pictures(scores: FoleyScores, best: str) -> list[Picture]:
    pictures = []
    for metric, title in ((_AP, "onset AP, ±0.1 s"), ("material", "material"), ("action", "action")):
        rows = {row: found[metric] for row, found in scores.rows.items() if metric in found}
        if rows:
            png = bar_picture(title, rows, ceiling=rows[REAL_ROW], floor=rows[CHANCE_ROW])
            pictures.append(Picture(png, f"{title} of every row with 95 % intervals"))
    for kind, counts in scores.confusion[best].items():
        png = confusion_picture(counts, scores.classes[kind], f"{kind}, {best}")
        pictures.append(Picture(png, f"confusion matrix of {kind} heard in the best takes"))
    return pictures


def _example(foley: Foley, item: FoleyItem, best: str) -> Example:
    sounds = {"real sound": item.wav, "example": item.condition_wav}
    shown = (EXEMPLAR_ROW, best, BOTH_ROW, NO_CONDITION_ROW, TRANSFER_ROW, CODES_ROW)
    sounds |= {row: as_list(item.takes[row])[0] for row in shown if row in item.takes}
    panels = [
        MelPanel(name, wav, onset_times(np.asarray(wav, np.float32), foley.rate_hz))
        for name, wav in list(sounds.items())[:_PANELS]
    ]
    png = mel_picture(panels, foley.rate_hz, annotated_s=np.asarray(item.target.time_s, float))
    materials = ", ".join(sorted(set(item.target.material))) or "no event"
    return Example(
        title=item.name,
        note=f"target: {materials}; example of the same recording",
        rate_hz=foley.rate_hz,
        sounds=sounds,
        picture=Picture(png, "log-mels of the real sound, the example, the exemplar engine and the best take of codes"),
    )

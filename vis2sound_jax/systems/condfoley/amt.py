"""Evaluates a run on the pairs of CondFoleyGen's listening test, as far as their recordings are there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vis2sound_jax.data.tokens import TokenRecording
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import load_builder_module
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.prepare.sources import prepared_settings
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import METRICS, Report, Table
from vis2sound_jax.run.recordings import data_name, open_split, validation_records
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.detectors import listener_threshold
from vis2sound_jax.systems.condfoley.evaluate import evaluation_data, fit_classifiers
from vis2sound_jax.systems.condfoley.scoring.listening_pairs import (
    SUBSETS,
    AmtPair,
    evaluate_amt,
    present_pairs,
    read_amt_pairs,
    side_by_side,
)
from vis2sound_jax.systems.condfoley.scoring.pairs import Pair, PairMaker
from vis2sound_jax.systems.condfoley.scoring.published import PROTOCOL, PUBLISHED_METRICS
from vis2sound_jax.systems.condfoley.scoring.ranked import add_best
from vis2sound_jax.systems.condfoley.scoring.rows import ablated_chains
from vis2sound_jax.systems.condfoley.scoring.soundtracks import CHANCE_ROW, REAL_ROW, FoleyScores
from vis2sound_jax.systems.condfoley.token_cache import tokens_of
from vis2sound_jax.training.progress import Progress
from vis2sound_jax.whole import write_json, write_whole

_SHOWN = ("onset_ap_100ms", "onset_f1_100ms", "count_match", "material", "action", "material_of_condition")


class _Data(NamedTuple):
    """What the pairs need: their recordings, the pairs by index into these, and real sounds to learn from."""

    records: list[Record]
    training: list[Record]
    pairs: list[AmtPair]
    trained_on: int


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Scores the 582 pairs of the list that the data set's folder ships.

    Args:
      config: the settings; `config.data` names the recordings of Greatest Hits. If they are not what the run was
        trained on, they are prepared on first use.
      workdir: of a finished run.

    Returns:
      The files, and how many pairs were there.

    Raises:
      UserError: if no pair has both of its recordings.
    """
    folder = Path(str(load_builder_module("greatest_hits").__file__)).parent
    return score_pairs(config, workdir, read_amt_pairs(folder / "splits" / "amt_pairs.json"))


def score_pairs(config: Any, workdir: Path, listed: Sequence[AmtPair]) -> dict[str, Any]:
    """Does `run` for any list of pairs; clips begin at the nearest column of codes, at most half a column off.

    Args:
      config: the settings.
      workdir: of the run.
      listed: the pairs.
    """
    prepared, target = evaluation_data(config, workdir)
    target = target.with_name("amt")
    data = _read(config, prepared, listed)
    foley = chain.load(workdir, config)
    tokens = tokens_of(config, workdir, data.records, "codes and features, pairs")
    placed = _place(data.pairs, tokens, config.transformer.columns)
    if not placed:
        raise UserError(f"{prepared}: none of the {len(data.pairs)} pairs lies inside its recordings; use whole films")
    maker = PairMaker(foley, config, tokens, data.records, ablated_chains(foley, workdir))
    with Progress(len(placed), "takes", unit="pair") as progress:
        items = maker.items([pair for pair, _ in placed], progress=progress.reach)
    items, _ = add_best(foley, tokens, [pair for pair, _ in placed], items, config.evaluate.takes)
    classifiers = fit_classifiers(data.training, config.data.rate_hz)
    match = [flag for _, flag in placed]
    judged = {record["id"] for record in data.records}
    held = [record for record in validation_records(config, prepared) if record["id"] not in judged]
    heard = listener_threshold(held)
    scores = evaluate_amt(items, match, config.data.rate_hz, classifiers, threshold=heard, seed=config.seed)
    counts = {"pairs": len(placed), "of": len(listed), "recordings_in_training": data.trained_on}
    target.mkdir(parents=True, exist_ok=True)
    _write(target, f"{data_name(config)}: {len(placed)} of {len(listed)} pairs, {sum(match)} match", counts, scores)
    return {"metrics": str(target / "metrics.json"), "report": str(target / "report.html"), **counts}


def _read(config: Any, prepared: Path, listed: Sequence[AmtPair]) -> _Data:
    """Looks for the pairs' recordings in all splits; what they hold is not used for the classifiers."""
    named = {name for pair in listed for name in (pair.target, pair.condition)}
    records, training, trained_on = [], [], 0
    for split in prepared_settings(prepared)["splits"]:
        for record in open_split(config, prepared, split):
            if record["id"] in named:
                records.append(record)
                trained_on += split == "train"
            elif split == "train":
                training.append(record)
    pairs = present_pairs(listed, {record["id"] for record in records})
    if not pairs:
        raise UserError(
            f"{prepared}: for none of the {len(listed)} pairs both recordings are there; get the films of Greatest "
            "Hits (https://andrewowens.com/vis, see datasets/greatest_hits/README.md) and name their folder as "
            "--config.data.recordings"
        )
    wanted = {name for pair in pairs for name in (pair.target, pair.condition)}
    return _Data([record for record in records if record["id"] in wanted], training, pairs, trained_on)


def _place(pairs: Sequence[AmtPair], tokens: Sequence[TokenRecording], columns: int) -> list[tuple[Pair, bool]]:
    """Turns seconds into columns; pairs whose clips reach beyond their recordings are left out."""
    index = {one.id: k for k, one in enumerate(tokens)}
    placed = []
    for pair in pairs:
        here, there = index[pair.target], index[pair.condition]
        starts = [round(s / tokens[k].column_s) for k, s in ((here, pair.target_s), (there, pair.condition_s))]
        if all(tokens[k].codes.shape[1] >= s + columns for k, s in zip((here, there), starts, strict=True)):
            placed.append((Pair(here, starts[0], starts[1], there), pair.match))
    return placed


def _write(folder: Path, data: str, counts: Mapping[str, int], scores: Mapping[str, FoleyScores]) -> None:
    metrics = {"data": data, **counts, **{name: found.as_dict() for name, found in scores.items()}}
    write_json(folder / "metrics.json", metrics)
    lines = [json.dumps(line) + "\n" for line in scores["all"].examples]
    write_whole(folder / "examples.jsonl", "".join(lines))
    tables = [
        Table(title, note, side_by_side(rows), REAL_ROW, CHANCE_ROW, _columns(headings))
        for title, note, rows, headings in (
            (
                "Soundtracks",
                "Match: both clips show the same actions. The threshold of F1 and counts is that of the real sounds of "
                "validation recordings that are in no pair; without any they have no value.",
                {name: found.rows for name, found in scores.items()},
                {name: METRICS[name] for name in _SHOWN},
            ),
            (
                "Soundtracks, published protocol",
                PROTOCOL,
                {name: found.legacy for name, found in scores.items()},
                PUBLISHED_METRICS,
            ),
        )
    ]
    write_report(folder / "report.html", Report("Pairs of the listening test of Conditional Foley", data, (), tables))


def _columns(headings: Mapping[str, str]) -> dict[str, str]:
    return {f"{name}, {subset}": f"{title}: {subset}" for name, title in headings.items() for subset in SUBSETS}

"""Evaluates a run on held-out recordings: metrics.json, examples.jsonl and report.html."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vis2sound_jax.audio.files import decode_flac
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.evaluation.classifiers import (
    EventClassifier,
    event_features,
    fit_classifier,
    labelled,
    save_classifier,
)
from vis2sound_jax.evaluation.detection import chosen_thresholds, detection_table
from vis2sound_jax.prepare.records import Record
from vis2sound_jax.run.prepare import other_data
from vis2sound_jax.run.recordings import data_name, open_split, validation_records
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.condfoley import chain
from vis2sound_jax.systems.condfoley.detectors import ENCODER_ROW, READER_ROW, detected
from vis2sound_jax.systems.condfoley.scoring.exemplar_rows import EXEMPLAR_ROW
from vis2sound_jax.systems.condfoley.scoring.pairs import Pair, PairMaker, choose_pairs
from vis2sound_jax.systems.condfoley.scoring.ranked import add_best, measure
from vis2sound_jax.systems.condfoley.scoring.report import Seen, write_evaluation_report
from vis2sound_jax.systems.condfoley.scoring.rows import BEST_ROW, ablated_chains
from vis2sound_jax.systems.condfoley.scoring.soundtracks import REAL_ROW, FoleyScores, evaluate_condfoley
from vis2sound_jax.systems.condfoley.token_cache import token_recordings
from vis2sound_jax.systems.condfoley.transformer import transformer_task
from vis2sound_jax.training.progress import Progress, track
from vis2sound_jax.whole import write_json, write_whole

KINDS = ("material", "action")
_MIN_EVENTS = 8


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Scores video onsets and every way to make a soundtrack, with ceiling, floor and 95 % intervals.

    F1 and counts are at thresholds that validation recordings of the same data have chosen: of each detector its own;
    of all sounds that of the onset detector on real sound, since one listener judges them all.

    Args:
      config: the settings. Data that the run was not trained on is prepared first.
      workdir: of a run whose stages before are finished.

    Returns:
      The files and the leading numbers.
    """
    prepared, target = evaluation_data(config, workdir)
    target.mkdir(parents=True, exist_ok=True)
    foley = chain.load(workdir, config)
    records = list(open_split(config, prepared, "test"))
    own = prepared == prepared_dir(workdir)
    tokens = token_recordings(config, workdir, "test", prepared=None if own else prepared)
    thresholds = chosen_thresholds(detected(foley, validation_records(config, prepared)))
    detection, heard = detection_table(detected(foley, records), thresholds), thresholds.least.get(REAL_ROW)
    classifiers = fit_classifiers(list(open_split(config, prepared, "train")), config.data.rate_hz)
    for earlier in target.glob("*_classifier.*"):
        earlier.unlink()
    for kind, classifier in classifiers.items():
        save_classifier(target / f"{kind}_classifier.npz", classifier)
    maker = PairMaker(foley, config, tokens, records, ablated_chains(foley, workdir))
    pairs = choose_pairs(tokens, records, config.transformer.columns, config.evaluate.pairs, config.seed)
    with Progress(len(pairs), "takes", unit="pair") as progress:
        items = maker.items(pairs, progress=progress.reach)
    items, accepted = add_best(foley, tokens, pairs, items, config.evaluate.takes)
    scores = evaluate_condfoley(items, config.data.rate_hz, classifiers, threshold=heard, seed=config.seed)
    sync = measure(foley, tokens, records, items, accepted, threshold=heard)
    nats = _cross_entropy(config, maker, pairs)
    metrics = {
        "data": data_name(config),
        "detection": {row: {name: e.as_dict() for name, e in m.items()} for row, m in detection.items()},
        "thresholds": thresholds.as_dict(),
        "cross_entropy": nats,
        "condfoley": scores.as_dict(),
        "sync": sync.as_dict(),
        "classifier_training_sounds": {kind: list(c.classes) for kind, c in classifiers.items()},
    }
    write_json(target / "metrics.json", metrics)
    lines = "".join(json.dumps(line) + "\n" for line in scores.examples)
    write_whole(target / "examples.jsonl", lines)
    seen = Seen(detection, thresholds.note)
    write_evaluation_report(target / "report.html", config, foley, seen, scores, nats, items, sync.tables())
    return {
        "metrics": str(target / "metrics.json"),
        "report": str(target / "report.html"),
        **_leading(detection, scores, config.evaluate.takes),
    }


def evaluation_data(config: Any, workdir: Path) -> tuple[Path, Path]:
    """Finds the records to evaluate on and where results go; prepares a foreign folder where it is new or changed.

    Args:
      config: the settings.
      workdir: of the run.
    """
    other = other_data(config, workdir)
    if other is None:
        return prepared_dir(workdir), workdir / "evaluate"
    return other, other.with_name("evaluate")


def fit_classifiers(records: Sequence[Record], rate_hz: int) -> dict[str, EventClassifier]:
    """Fits material and action on real training sounds; a kind with one class or few labels is left out.

    Args:
      records: of the training split.
      rate_hz: of their sound.

    Returns:
      Kind → classifier.
    """
    features, names = [], []
    labels: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for record in track(records, "training sounds", unit="recording"):
        wav, _ = decode_flac(record["audio"])
        features.append(event_features(wav, rate_hz, record["event_time_s"]))
        names += [record["id"]] * len(record["event_time_s"])
        labels["material"] += record["event_material"]
        labels["action"] += record["event_action"]
    every = np.concatenate(features)
    found = {}
    for kind, given in labels.items():
        known = np.array(given)[labelled(given)]
        if len(known) >= _MIN_EVENTS and len(set(known)) > 1:
            found[kind] = fit_classifier(every, given, names, label=kind, rate_hz=rate_hz)
    return found


def _cross_entropy(config: Any, maker: PairMaker, pairs: Sequence[Pair]) -> dict[str, float]:
    """Nats a code of the held-out targets with the right, a shuffled and no condition, and of every ablation."""
    nats = transformer_task(config).cross_entropy(maker.foley.params["transformer"], maker.examples(pairs))
    for name, ablated in maker.ablations.items():
        found = transformer_task(config, name).cross_entropy(ablated.params["transformer"], maker.examples(pairs, name))
        nats[f"nats_{name}"] = found["nats_none" if name == "no_condition" else "nats_matched"]
    return nats


def _leading(detection: dict[str, dict[str, Estimate]], scores: FoleyScores, takes: int) -> dict[str, float]:
    seen = detection.get(READER_ROW, detection[ENCODER_ROW])
    leading = {"video_onset_ap": seen["onset_ap_100ms"].value}
    for row, name in ((EXEMPLAR_ROW, "exemplar"), (BEST_ROW.format(takes), "codes")):
        for metric in ("onset_f1_100ms", "material"):
            if metric in scores.rows[row]:
                leading[f"{name}_{metric.removesuffix('_100ms')}"] = scores.rows[row][metric].value
    # What nothing was annotated for has no value.
    return {name: round(value, 3) for name, value in leading.items() if np.isfinite(value)}

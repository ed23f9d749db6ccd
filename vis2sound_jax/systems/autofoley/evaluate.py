"""Evaluates a run of AutoFoley on held-out clips: metrics.json, table.txt and report.html."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vis2sound_jax.data.foley_clips import looped
from vis2sound_jax.data.rows import Rows
from vis2sound_jax.evaluation.sound_judge import SoundJudge, fit_judge
from vis2sound_jax.report.page import write_report
from vis2sound_jax.report.parts import Example, Picture, Report, Table
from vis2sound_jax.report.pictures import confusion_picture
from vis2sound_jax.run.recordings import data_name, open_split
from vis2sound_jax.run.stages import check_before
from vis2sound_jax.run.workdir import prepared_dir
from vis2sound_jax.systems.autofoley import build
from vis2sound_jax.systems.autofoley.chain import ClassFoley, load, model_stages
from vis2sound_jax.systems.autofoley.generate import write_held_out
from vis2sound_jax.systems.autofoley.predict import Seen
from vis2sound_jax.systems.autofoley.scoring import rows as made_rows
from vis2sound_jax.systems.autofoley.scoring.shift import shift_errors
from vis2sound_jax.systems.autofoley.scoring.tables import COLUMNS, Scores, as_json, confusion, scores
from vis2sound_jax.systems.autofoley.sounds import sounds_dir
from vis2sound_jax.systems.autofoley.soundtrack import NearestClips
from vis2sound_jax.whole import write_json, write_whole


def run(config: Any, workdir: Path) -> dict[str, Any]:
    """Scores every network that was trained beside the class mean, the nearest clip and the real sound.

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
    models = model_stages(config)
    chains = {model: load(workdir, config, model) for model in models}
    leading, records = chains[models[0]], open_split(config, prepared_dir(workdir), "test")
    items = made_rows.items_of(records, leading)
    seen = {model: made_rows.watch_all(records, chain, model) for model, chain in chains.items()}
    made: dict[str, list[made_rows.Made]] = {}
    for model, chain in chains.items():
        made |= made_rows.model_rows(chain, model, items, seen[model], config.seed)
    clips = NearestClips(config, workdir)
    made |= made_rows.reference_rows(leading, items, seen[models[0]], clips, config.seed)
    told = {made_rows.NAMES[model]: [int(one.logits.argmax()) for one in seen[model]] for model in models}
    judge = _judge(config, workdir, leading.classes)
    found = scores(made, items, told, judge, leading.spec, len(leading.classes), seed=config.seed)
    shifts = {made_rows.NAMES[model]: shift_errors(chain, records) for model, chain in chains.items()}
    films = write_held_out(config, workdir, leading, target / "films", config.evaluate.films)
    _save(config, target, found, told, items, leading.classes, shifts)
    _page(config, target, found, leading, items, seen[models[0]], films)
    row = found[made_rows.NAMES[models[0]]]
    numbers = {
        name: round(row[name].value, 3) for name in ("class", "retrieval", "smooth_l1", "onset_f1") if name in row
    }
    return {"metrics": str(target / "metrics.json"), "report": str(target / "report.html"), **numbers}


def _judge(config: Any, workdir: Path, classes: Sequence[str]) -> SoundJudge:
    """Fits the judge on the first window of every training clip."""
    store, columns = Rows(sounds_dir(workdir), "train"), build.window(config).columns
    sounds = [store[name][looped(0, columns, len(store[name]))] for name in store.recordings]
    labels = [classes.index(store.notes[name]) for name in store.recordings]
    return fit_judge(sounds, labels, len(classes), steps=config.evaluate.judge_steps, seed=config.seed)


def _save(config: Any, target: Path, found: Scores, told: Any, items: Any, classes: Sequence[str], shifts: Any) -> None:
    labels = [item.label for item in items]
    tables = {row: confusion(labels, one, len(classes)).tolist() for row, one in told.items()}
    metrics = {"data": data_name(config), "clips": len(items), "classes": list(classes), "rows": as_json(found)}
    write_json(target / "metrics.json", metrics | {"confusion": tables, "shift_error_columns": shifts})
    lines = [f"{'':34s}" + "".join(f"{name:>13s}" for name in COLUMNS)]
    for row, numbers in found.items():
        cells = (f"{numbers[name].value:13.3f}" if name in numbers else f"{'':13s}" for name in COLUMNS)
        lines.append(f"{row:34s}" + "".join(cells))
    for row, errors in shifts.items():
        lines.append(f"{row}: a shifted film moves the sound to within {max(errors, default=0)} columns")
    text = "\n".join(lines)
    print(text, flush=True)
    write_whole(target / "table.txt", text + "\n")


def _page(
    config: Any, target: Path, found: Scores, foley: ClassFoley, items: Any, seen: Sequence[Seen], films: Sequence[Path]
) -> None:
    table = Table(
        "Held-out clips",
        "Classes recognised in film, and heard by a judge that was fitted on real sound. Onsets are scored where "
        "something is struck, envelopes where the sound goes on. SmoothL1 is of predicted spectrograms; a sound that "
        "is copied has that of its own.",
        found,
        ceiling_row=made_rows.REAL,
        floor_row=made_rows.CHANCE,
        columns=COLUMNS,
    )
    told = [int(one.logits.argmax()) for one in seen]
    counts = confusion([item.label for item in items], told, len(foley.classes))
    shown = [
        Example(path.stem.replace("_", " "), "the sound that was made", foley.rate_hz, {}, film=f"films/{path.name}")
        for path in films
    ]
    name = f"{data_name(config)}, {len(items)} held-out clips"
    drawn = confusion_picture(counts, foley.classes, "Classes recognised in film")
    pictures = [Picture(drawn, "true classes by rows, recognised ones by columns")]
    report = Report(f"AutoFoley, {config.name}", name, tables=[table], pictures=pictures, examples=shown)
    write_report(target / "report.html", report)

"""Turns a folder of recordings into prepared records, through the data set's own TFDS builder.

The records do not go through `download_and_prepare`: it shuffles, and beyond 1000 MiB a split its shuffle spills to
disk with TensorFlow. They are written shard by shard, and TFDS learns of the shards at the end.
"""

import collections
import dataclasses
import importlib.util
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds
from tqdm import tqdm

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.prepare.builders import BuilderSpec, RecordingBuilder
from vis2sound_jax.prepare.lists import check_splits
from vis2sound_jax.prepare.shards import RECORDS, ShardFacts, cut_shards, shard_names
from vis2sound_jax.prepare.unfinished import hold_unfinished, put_in_place, unfinished_path
from vis2sound_jax.prepare.workers import Finished, Reach, Work, run_here, run_pool, worker_count
from vis2sound_jax.system_files import is_left
from vis2sound_jax.video.form import MediaForm

REPORT_NAME = "report.json"

_DEFAULT_FORM = MediaForm()


@dataclasses.dataclass(frozen=True)
class PrepareReport:
    """What a preparation did; the same is written to `report.json` in the prepared folder.

    Attributes:
      dataset: name of the builder.
      settings: split rule, rates and frame size of the records.
      recordings: number stored, by split.
      sound_sources: number stored by where their sound came from ("wav", "video").
      duration_s: length of all stored recordings in seconds.
      annotated: number of stored recordings that somebody looked for events in.
      events: number of annotated events stored.
      late_events: how many of them lie after the end of their film.
      skipped: one `{"id", "split", "reason"}` for each recording left out.
      unlisted: films in the folder that no split mentions.
      stored_bytes: size of the records.
      wall_s: time that the preparation took, in seconds; after an interruption, that of the last call.
    """

    dataset: str
    settings: dict[str, Any]
    recordings: dict[str, int]
    sound_sources: dict[str, int]
    duration_s: float
    annotated: int
    events: int
    late_events: int
    skipped: list[Mapping[str, str]]
    unlisted: list[str]
    stored_bytes: int
    wall_s: float


def prepare(
    builder_name: str,
    recordings_dir: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    *,
    split: str = "official",
    form: MediaForm = _DEFAULT_FORM,
    max_bad_share: float = 0.05,
    workers: int = 0,
    beam: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> PrepareReport:
    """Prepares every recording of a folder; an earlier preparation in `output_dir` is replaced at the end.

    However it is run, the files are the same. A call that was interrupted, or stopped because of too many bad
    recordings, leaves its finished shards in `.<output>.partial` beside the output. The same call goes on there; of
    files that were changed meanwhile the shards are written again.

    Args:
      builder_name: a folder of `datasets/`, such as "greatest_hits".
      recordings_dir: the recordings, in the layout that the builder's README describes.
      output_dir: where the records go; it appears only when all is written.
      split: the builder's rule for who is trained on and who is tested.
      form: rates and picture size of what is stored.
      max_bad_share: share of the recordings that may be missing or broken, in [0, 1].
      workers: processes to start, -1 for one a core as far as the recordings are worth it, 0 for none; see
        `workers.run_pool` for what a script must do then.
      beam: options of an Apache Beam pipeline, which then does the work; see `beam.run_beam`.
      progress: called with (done, all recordings) instead of showing a progress bar.

    Returns:
      The report.

    Raises:
      UserError: if there is no such builder or split, an id stands twice or would name a file elsewhere,
        `output_dir` holds something else or is being prepared, too
        many recordings are missing or broken, a worker was killed, or Beam is asked for and not there.
    """
    began_s, output_dir = time.monotonic(), Path(output_dir)
    held = output_dir.exists() and any(not is_left(path) for path in output_dir.iterdir())
    if held and not (output_dir / "dataset_info.json").exists():
        raise file_error(output_dir, "holds other files", "name a new folder for the prepared records")
    spec = BuilderSpec(builder_name, {"recordings_dir": os.fspath(recordings_dir), "split": split, "form": form})
    builder = spec.open(unfinished_path(output_dir))
    lists = builder.recording_ids()
    check_splits(Path(recordings_dir), lists, getattr(builder, "ID_PARTS", 1))
    work = Work(spec, unfinished_path(output_dir), cut_shards(lists))
    total = sum(len(job.ids) for job in work.jobs)
    with hold_unfinished(output_dir, spec, work.jobs) as folder:
        with tqdm(total=total, unit="film", disable=True if progress else None) as bar:
            reach = _reach(bar, progress)
            _run(work, workers, beam, reach, _limit(total, max_bad_share))
            reach(total)
        report = _describe(builder, work, max_bad_share)
        report = dataclasses.replace(report, wall_s=round(time.monotonic() - began_s, 1))
        text = json.dumps(dataclasses.asdict(report), indent=1)
        (folder / RECORDS / REPORT_NAME).write_text(text + "\n", encoding="utf-8")
        put_in_place(folder, output_dir)
    return report


def _run(work: Work, workers: int, beam: str, reach: Reach, finished: Finished) -> None:
    """Makes all shards the way that is asked for."""
    if beam:
        if importlib.util.find_spec("apache_beam") is None:
            raise UserError(
                f"config.prepare.beam is {beam!r}, but Apache Beam is not installed; run pip install -e .[beam] or "
                "set config.prepare.beam=''"
            )
        from vis2sound_jax.prepare.beam import run_beam

        run_beam(work, beam, reach=reach)
    elif count := worker_count(workers, work):
        run_pool(work, count, reach=reach, finished=finished)
    else:
        run_here(work, reach=reach, finished=finished)


def _describe(builder: RecordingBuilder, work: Work, max_bad_share: float) -> PrepareReport:
    """Reads what is known of all shards, writes what TFDS reads, and sums up."""
    facts: dict[str, list[ShardFacts]] = collections.defaultdict(list)
    limit = _limit(sum(len(job.ids) for job in work.jobs), max_bad_share)
    for job in work.jobs:
        found = ShardFacts.load(work.folder, job)
        if found is None:
            raise file_error(
                work.folder, f"shard {job.name} is not there", "let every worker see this folder under this path"
            )
        limit(found)
        facts[job.split].append(found)
    records = work.folder / RECORDS
    _write_info(builder.info, records, facts)
    every = [found for shards in facts.values() for found in shards]
    counts = {split: sum(len(found.ids) for found in shards) for split, shards in facts.items()}
    sources = sum((collections.Counter(found.sound_sources) for found in every), collections.Counter[str]())
    return PrepareReport(
        dataset=builder.info.name,
        settings=dict(builder.info.metadata),
        recordings={split: count for split, count in counts.items() if count},
        sound_sources=dict(sources),
        duration_s=round(sum(found.duration_s for found in every), 3),
        annotated=sum(found.annotated for found in every),
        events=sum(found.events for found in every),
        late_events=sum(found.late_events for found in every),
        skipped=[one for found in every for one in found.skipped],
        unlisted=builder.unlisted_ids(),
        stored_bytes=sum(path.stat().st_size for path in records.glob("*.array_record*")),
        wall_s=0.0,
    )


def _write_info(info: tfds.core.DatasetInfo, records: Path, facts: Mapping[str, Sequence[ShardFacts]]) -> None:
    """Writes what TFDS reads a folder by; it passes over shards without records."""
    splits = [
        tfds.core.SplitInfo(
            name=split,
            shard_lengths=[len(found.ids) for found in shards],
            num_bytes=sum(found.record_bytes for found in shards),
            filename_template=shard_names(info.name, records, split),
        )
        for split, shards in facts.items()
        if any(found.ids for found in shards)
    ]
    info.set_splits(tfds.core.SplitDict(splits))
    info.write_to_directory(records)


def _reach(bar: tqdm, progress: Callable[[int, int], None] | None) -> Reach:
    """Makes what workers report to: the user's function or the bar, never backwards."""

    def reach(done: int) -> None:
        if done > bar.n:
            bar.n = done
            bar.refresh()
            if progress:
                progress(done, bar.total)

    return reach


def _limit(total: int, max_bad_share: float) -> Finished:
    """Makes a function that counts what shards left out and raises beyond the share that is allowed."""
    skipped: list[Mapping[str, str]] = []

    def check(facts: ShardFacts) -> None:
        skipped.extend(facts.skipped)
        if len(skipped) > max_bad_share * total or len(skipped) == total:
            raise UserError(
                f"{len(skipped)} of {total} recordings cannot be used (max_bad_share={max_bad_share:g}), so "
                f"nothing was prepared; repair them or allow more, beginning with {skipped[0]['reason']}"
            )

    return check

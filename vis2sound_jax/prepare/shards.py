"""One shard of prepared records: neighbours in a split's list, written whole or not at all.

Where a shard begins depends on the list alone, also where recordings are left out, so that shards can be made in any
order, by any worker and more than once, and are the same bytes.
"""

import collections
import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter

from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.builders import RecordingBuilder
from vis2sound_jax.whole import move

RECORDINGS_PER_SHARD = 16
"""Also what an interrupted worker loses at most."""

RECORDS, FACTS, WRITING = "records", "facts", "writing"
"""Folders of a preparation: finished shards, what is known of each, and shards being written."""


@dataclasses.dataclass(frozen=True)
class ShardJob:
    """A shard to make.

    Attributes:
      split: name of the split.
      number: of the shard in its split.
      ids: the recordings.
    """

    split: str
    number: int
    ids: tuple[str, ...]

    @property
    def name(self) -> str:
        """A file name for what belongs to the shard."""
        return f"{self.split}-{self.number:05d}"


@dataclasses.dataclass(frozen=True)
class ShardFacts:
    """What is known of a finished shard; kept beside it as JSON.

    Attributes:
      sources: digest of the names, sizes and times of change of the files it was made from.
      sha256: of the shard.
      ids: recordings it holds.
      skipped: one `{"id", "split", "reason"}` for each recording left out.
      sound_sources: number of recordings by where their sound came from ("wav", "video").
      duration_s: length of its recordings in seconds.
      annotated: number of recordings that somebody looked for events in.
      events: number of annotated events.
      late_events: number of events after the end of their film.
      record_bytes: size of its records, without the file's own structure.
    """

    sources: str
    sha256: str
    ids: Sequence[str]
    skipped: Sequence[Mapping[str, str]]
    sound_sources: Mapping[str, int]
    duration_s: float
    annotated: int
    events: int
    late_events: int
    record_bytes: int

    @classmethod
    def load(cls, folder: Path, job: ShardJob) -> Self | None:
        """Reads the facts of a shard from the folder of a preparation; None where it is not finished.

        A file that a power cut left empty or half written counts as not there: the shard is then written again.

        Args:
          folder: of the preparation.
          job: the shard.
        """
        try:
            return cls(**json.loads(_facts_path(folder, job).read_text(encoding="utf-8")))
        except (FileNotFoundError, RecursionError, TypeError, ValueError):
            return None

    def save(self, folder: Path, job: ShardJob) -> None:
        """Writes the facts of a shard into the folder of a preparation.

        Args:
          folder: of the preparation.
          job: the shard.
        """
        path = _facts_path(folder, job)
        with tempfile.TemporaryDirectory(dir=folder / WRITING) as scratch:
            temporary = Path(scratch) / path.name
            temporary.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")
            move(temporary, path)


def cut_shards(recording_ids: Mapping[str, Sequence[str]]) -> list[ShardJob]:
    """Cuts the lists of all splits into shards of `RECORDINGS_PER_SHARD` recordings; the last one may be shorter."""
    size = RECORDINGS_PER_SHARD
    return [
        ShardJob(split, first // size, tuple(ids[first : first + size]))
        for split, ids in recording_ids.items()
        for first in range(0, len(ids), size)
    ]


def shard_names(dataset: str, folder: Path, split: str) -> tfds.core.ShardedFileTemplate:
    """Says how the shards of a split are called, in the form that TFDS keeps.

    Args:
      dataset: name of the builder.
      folder: of the shards.
      split: name of the split.

    Returns:
      The template of their paths.
    """
    return tfds.core.ShardedFileTemplate(
        dataset_name=dataset,
        data_dir=folder,
        split=split,
        filetype_suffix="array_record",
        template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_INDEX}",
    )


def make_shard(
    builder: RecordingBuilder, folder: Path, job: ShardJob, tick: Callable[[], Any], *, threads: int = 1
) -> ShardFacts:
    """Makes a shard, or finds it finished: whole, and from files that have not changed since.

    A shard of which every recording is left out is a file without records.

    Args:
      builder: encodes the recordings.
      folder: of the preparation.
      job: which shard.
      tick: called after each recording.
      threads: recordings to encode at once; at most one more is in memory.

    Returns:
      What is known of the shard.
    """
    path = Path(
        shard_names(builder.info.name, folder / RECORDS, job.split).sharded_filepath(
            shard_index=job.number, num_shards=None
        )
    )
    sources, kept = sources_digest(builder, job.ids), ShardFacts.load(folder, job)
    if kept is not None and kept.sources == sources and path.exists() and _sha256(path) == kept.sha256:
        for _ in job.ids:
            tick()
        return kept
    with tempfile.TemporaryDirectory(dir=folder / WRITING) as scratch:
        temporary = Path(scratch) / path.name
        found = _write(builder, temporary, job, tick, threads)
        facts = ShardFacts(sources=sources, sha256=_sha256(temporary), **found)
        move(temporary, path)
    facts.save(folder, job)
    return facts


def _write(
    builder: RecordingBuilder, path: Path, job: ShardJob, tick: Callable[[], Any], threads: int
) -> dict[str, Any]:
    """Writes the records as TFDS reads them and counts what they hold."""
    features = builder.info.features
    serializer = tfds.core.ExampleSerializer(features.get_serialized_info())
    ids: list[str] = []
    skipped: list[dict[str, str]] = []
    sound_sources: collections.Counter[str] = collections.Counter()
    counts = dict.fromkeys(("annotated", "events", "late_events", "record_bytes"), 0)
    duration_s = 0.0
    writer = ArrayRecordWriter(os.fspath(path), "group_size:1")
    with contextlib.closing(writer), contextlib.closing(_encoded(builder, job.ids, threads)) as encoded:
        for name, record in encoded:
            if isinstance(record, UserError):
                skipped.append({"id": name, "split": job.split, "reason": str(record)})
            else:
                example = serializer.get_tf_example(features.encode_example(record))
                # The order of a message's fields is otherwise that of hashes, which differ from process to process.
                data = example.SerializeToString(deterministic=True)
                writer.write(data)
                ids.append(name)
                sound_sources[record["sound_source"]] += 1
                duration_s += record["duration_s"]
                times_s = np.asarray(record.get("event_time_s", ()))
                counts["annotated"] += bool(record["annotated"])
                counts["events"] += len(times_s)
                counts["late_events"] += int(np.count_nonzero(times_s > record["duration_s"]))
                counts["record_bytes"] += len(data)
            tick()
    return {
        "ids": ids,
        "skipped": skipped,
        "sound_sources": dict(sound_sources),
        "duration_s": duration_s,
        **counts,
    }


def _encoded(
    builder: RecordingBuilder, ids: Sequence[str], threads: int
) -> Generator[tuple[str, dict[str, Any] | UserError], None, None]:
    """Encodes recordings on threads, never far ahead of the writer, and yields them in order."""
    with ThreadPoolExecutor(threads) as pool:
        ahead: collections.deque[tuple[str, Future[dict[str, Any]]]] = collections.deque()
        for name in ids:
            ahead.append((name, pool.submit(builder.encode, name)))
            if len(ahead) > threads:
                yield _finished(*ahead.popleft())
        while ahead:
            yield _finished(*ahead.popleft())


def _finished(name: str, future: Future[dict[str, Any]]) -> tuple[str, dict[str, Any] | UserError]:
    try:
        return name, future.result()
    except UserError as error:
        return name, error


def _facts_path(folder: Path, job: ShardJob) -> Path:
    return folder / FACTS / f"{job.name}.json"


def sources_digest(builder: RecordingBuilder, ids: Sequence[str]) -> str:
    """Digests the names, sizes and times of change of the files that recordings are made from.

    Args:
      builder: knows the files.
      ids: the recordings.

    Returns:
      SHA-256 in hexadecimal.
    """
    digest = hashlib.sha256()
    for path in (path for name in ids for path in builder.source_files(name)):
        found = path.stat() if path.exists() else None
        digest.update(repr((path.name, found and (found.st_size, found.st_mtime_ns))).encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Turns a folder of recordings into prepared records, through the data set's own TFDS builder.

The records go through `tfds.core.SequentialWriter` and not through `download_and_prepare`: the latter
shuffles, and beyond 1000 MiB a split its shuffle spills to disk with TensorFlow.
"""

import collections
import contextlib
import dataclasses
import functools
import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import tensorflow_datasets as tfds
from tqdm import tqdm

import vis2sound_jax
from vis2sound_jax.errors import UserError, file_error

# Video decoding releases the interpreter lock; two films at once also bound the memory.
_DECODERS = 2
_RECORDINGS_PER_SHARD = 64


class RecordingBuilder(Protocol):
    """What `prepare` asks of a builder in `datasets/`."""

    info: tfds.core.DatasetInfo
    data_dir: str

    def recording_ids(self) -> dict[str, list[str]]:
        """Lists the recordings of each split in storage order."""

    def unlisted_ids(self) -> list[str]:
        """Names the films that belong to no split."""

    def encode(self, recording_id: str) -> dict[str, Any]:
        """Reads and encodes one recording; raises UserError where it is missing or broken."""


@dataclasses.dataclass(frozen=True)
class PrepareReport:
    """What a preparation did; the same is written to `report.json` in the prepared folder.

    Attributes:
      dataset: name of the builder.
      settings: split rule, rates and frame size of the records.
      recordings: number stored, by split.
      sound_sources: number stored by where their sound came from ("wav", "video").
      duration_s: length of all stored recordings in seconds.
      events: number of annotated events stored.
      skipped: one `{"id", "split", "reason"}` for each recording left out.
      unlisted: films in the folder that no split mentions.
      stored_bytes: size of the records.
      wall_s: time that the preparation took, in seconds.
    """

    dataset: str
    settings: dict[str, Any]
    recordings: dict[str, int]
    sound_sources: dict[str, int]
    duration_s: float
    events: int
    skipped: list[dict[str, str]]
    unlisted: list[str]
    stored_bytes: int
    wall_s: float


@functools.cache
def load_builder_module(builder_name: str) -> ModuleType:
    """Loads a builder from the `datasets/` folder that stands beside the package.

    It is loaded by path because a package called `datasets` would shadow the one of Hugging Face.

    Args:
      builder_name: name of a folder there, such as "greatest_hits".

    Returns:
      Its module, with `Builder` and `Config`.

    Raises:
      UserError: if there is none of that name.
    """
    folder = Path(vis2sound_jax.__file__).parent.parent / "datasets"
    path = folder / builder_name / f"{builder_name}_dataset_builder.py"
    spec = importlib.util.spec_from_file_location(f"{builder_name}_dataset_builder", path)
    if not path.exists() or spec is None or spec.loader is None:
        known = sorted(found.parent.name for found in folder.glob("*/*_dataset_builder.py"))
        remedy = f"name one of {', '.join(known)}" if known else "run from a checkout of the repository"
        raise file_error(path, "there is no such builder", remedy)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prepare(
    builder_name: str,
    recordings_dir: str | os.PathLike[str],
    output_dir: str | os.PathLike[str],
    *,
    split: str = "official",
    rate_hz: int = 22050,
    fps: float = 15.0,
    height: int = 128,
    width: int = 128,
    max_bad_share: float = 0.05,
    progress: Callable[[int, int], None] | None = None,
) -> PrepareReport:
    """Prepares every recording of a folder; an earlier preparation in `output_dir` is replaced at the end.

    Args:
      builder_name: a folder of `datasets/`, such as "greatest_hits".
      recordings_dir: the recordings, in the layout that the builder's README describes.
      output_dir: where the records go; it appears only when all is written.
      split: the builder's rule for who is trained on and who is tested.
      rate_hz: rate of the stored sound.
      fps: rate of the stored frames.
      height: rows of a stored frame.
      width: columns of a stored frame.
      max_bad_share: share of the recordings that may be missing or broken, in [0, 1].
      progress: called with (done, all recordings) instead of showing a progress bar.

    Returns:
      The report.

    Raises:
      UserError: if there is no such builder or split, `output_dir` holds something else, or too many
        recordings are missing or broken.
    """
    began_s = time.monotonic()
    output_dir = Path(output_dir)
    if output_dir.exists() and any(output_dir.iterdir()) and not (output_dir / "dataset_info.json").exists():
        raise file_error(output_dir, "holds other files", "name a new folder for the prepared records")
    module = load_builder_module(builder_name)
    config = module.Config(
        recordings_dir=os.fspath(recordings_dir),
        split=split,
        rate_hz=rate_hz,
        fps=fps,
        height=height,
        width=width,
    )
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output_dir.parent, prefix=f".{output_dir.name}.") as scratch:
        builder = module.Builder(data_dir=scratch, config=config)
        report = _write_records(builder, max_bad_share, progress)
        report = dataclasses.replace(report, wall_s=round(time.monotonic() - began_s, 1))
        text = json.dumps(dataclasses.asdict(report), indent=1)
        (Path(builder.data_dir) / "report.json").write_text(text + "\n", encoding="utf-8")
        if output_dir.exists():
            os.replace(output_dir, Path(scratch) / "replaced")
        os.replace(builder.data_dir, output_dir)
    return report


def _write_records(
    builder: RecordingBuilder, max_bad_share: float, progress: Callable[[int, int], None] | None
) -> PrepareReport:
    """Writes the records in the order of the split lists, so that two runs write the same files."""
    jobs = [(split, name) for split, names in builder.recording_ids().items() for name in names]
    directory = Path(builder.data_dir)
    directory.mkdir(parents=True)
    writer = tfds.core.SequentialWriter(builder.info, _RECORDINGS_PER_SHARD, file_format="array_record")
    recordings: collections.Counter[str] = collections.Counter()
    sources: collections.Counter[str] = collections.Counter()
    skipped: list[dict[str, str]] = []
    duration_s, events = 0.0, 0
    with contextlib.closing(_encoded(builder, jobs)) as encoded:
        bar = tqdm(encoded, total=len(jobs), unit="film", disable=True if progress else None)
        for done, (split, name, record) in enumerate(bar, start=1):
            if isinstance(record, UserError):
                skipped.append({"id": name, "split": split, "reason": str(record)})
                _check_share(skipped, len(jobs), max_bad_share)
            else:
                writer.initialize_splits([split], fail_if_exists=False)
                writer.add_examples({split: [record]})
                recordings[split] += 1
                sources[record["sound_source"]] += 1
                duration_s += record["duration_s"]
                events += len(record["event_time_s"])
            if progress:
                progress(done, len(jobs))
    writer.close_all()
    return PrepareReport(
        dataset=builder.info.name,
        settings=dict(builder.info.metadata),
        recordings=dict(recordings),
        sound_sources=dict(sources),
        duration_s=round(duration_s, 3),
        events=events,
        skipped=skipped,
        unlisted=builder.unlisted_ids(),
        stored_bytes=sum(path.stat().st_size for path in directory.glob("*.array_record*")),
        wall_s=0.0,
    )


def _encoded(
    builder: RecordingBuilder, jobs: Sequence[tuple[str, str]]
) -> Generator[tuple[str, str, dict[str, Any] | UserError], None, None]:
    """Encodes recordings on a few threads, never far ahead of the writer, and yields them in order."""
    with ThreadPoolExecutor(_DECODERS) as pool:
        ahead: collections.deque[tuple[str, str, Future[dict[str, Any]]]] = collections.deque()
        for split, name in jobs:
            ahead.append((split, name, pool.submit(builder.encode, name)))
            if len(ahead) > _DECODERS:
                yield _finished(*ahead.popleft())
        while ahead:
            yield _finished(*ahead.popleft())


def _finished(split: str, name: str, future: Future[dict[str, Any]]) -> tuple[str, str, dict[str, Any] | UserError]:
    try:
        return split, name, future.result()
    except UserError as error:
        return split, name, error


def _check_share(skipped: Sequence[dict[str, str]], total: int, max_bad_share: float) -> None:
    if len(skipped) > max_bad_share * total or len(skipped) == total:
        raise UserError(
            f"{len(skipped)} of {total} recordings cannot be used (max_bad_share={max_bad_share:g}), so "
            f"nothing was prepared; mend them or allow more, beginning with {skipped[0]['reason']}"
        )

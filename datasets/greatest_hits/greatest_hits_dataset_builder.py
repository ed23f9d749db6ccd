"""Greatest Hits: 977 films of a drumstick striking and scratching things (Owens et al., CVPR 2016).

Reads any folder in the data set's own layout, so the procedural recordings and a user's own annotated films
go the same way. One record is one recording: its frames, its sound, its annotated events.
"""

import collections
import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from vis2sound_jax.errors import UserError, file_error
from vis2sound_jax.prepare.film_builder import FilmBuilder, FilmConfig, event_features
from vis2sound_jax.video.files import probe

FOLDER = Path(__file__).parent
SPLITS = ("official", "session_disjoint", "condfoley")
FILM_SUFFIX = "_denoised.mp4"
SOUND_SUFFIX = "_denoised.wav"
TIMES_SUFFIX = "_times.txt"
SPANS_NAME = "manifest.json"


@dataclasses.dataclass(kw_only=True)
class Config(FilmConfig):
    """What to read: `recordings_dir` holds `<id>_denoised.mp4` and perhaps `<id>_times.txt`, `<id>_denoised.wav`.

    A recording without times is one that nobody annotated; empty times say that it has no events. Beside
    them may lie `train.txt`, `test.txt` and `manifest.json`.

    Attributes:
      validation_share: share of the training recordings that become the validation split.
    """

    validation_share: float = 0.1


class Builder(FilmBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Builds the records; `vis2sound_jax.prepare.dataset` drives it over large folders."""

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {"1.1.0": "`channels` and `annotated`."}
    pkg_dir_path = tfds.core.Path(FOLDER)
    homepage = "https://andrewowens.com/vis"

    def features(self) -> dict[str, Any]:
        """Names the fields of a record: those of all films and its events."""
        return {**super().features(), **event_features()}

    def recording_ids(self) -> dict[str, list[str]]:
        """Lists the recordings of each split, in the order in which they are stored.

        Returns:
          `{"train": ids, "validation": ids, "test": ids}`; a split may be empty.

        Raises:
          UserError: if the folder or the split name is not usable.
        """
        config = self.builder_config
        if config.split not in SPLITS:
            raise UserError(f"split is {config.split!r}, but greatest_hits has {', '.join(SPLITS)}; name one")
        if not self._film_ids:
            raise file_error(
                self.recordings_dir,
                f"holds no <id>{FILM_SUFFIX}",
                "name the folder that holds the films themselves (README of datasets/greatest_hits)",
            )
        train, test = split_lists(self.recordings_dir, config.split)
        train, validation = cut_validation(train, config.validation_share)
        return {"train": train, "validation": validation, "test": sorted(test)}

    def unlisted_ids(self) -> list[str]:
        """Names the films of the folder that no split mentions and that are therefore left out."""
        listed = set().union(*self.recording_ids().values())
        return sorted(self._film_ids - listed)

    def source_files(self, recording_id: str) -> list[Path]:
        """Names the files that `encode` reads, whether they are there or not."""
        endings = (FILM_SUFFIX, SOUND_SUFFIX, TIMES_SUFFIX)
        files = [self.recordings_dir / f"{recording_id}{ending}" for ending in endings]
        return [*files, self.recordings_dir / SPANS_NAME]

    def encode(self, recording_id: str) -> dict[str, Any]:
        """Reads one recording and encodes it as a record.

        Args:
          recording_id: an entry of `recording_ids`.

        Returns:
          The record; see `prepare.records.Record`.

        Raises:
          UserError: if the film or its sound is missing or broken, or its times are broken.
        """
        film = self.recordings_dir / f"{recording_id}{FILM_SUFFIX}"
        if not film.exists():
            raise file_error(film, "is missing", "copy it there or take it off the split list")
        times = self.recordings_dir / f"{recording_id}{TIMES_SUFFIX}"
        events = read_times(times) if times.exists() else []
        sound = self.recordings_dir / f"{recording_id}{SOUND_SUFFIX}"
        if not sound.exists() and not probe(film).has_sound:
            raise file_error(film, "has no sound", f"put {sound.name} beside it")
        media = self.encode_media(recording_id, film, sound if sound.exists() else None)
        check_times(times, [event[0] for event in events], media["duration_s"])
        begin_s, end_s = self._spans.get(recording_id, (0.0, media["duration_s"]))
        return {
            **media,
            "annotated": times.exists(),
            "event_time_s": np.array([event[0] for event in events], np.float32),
            "event_material": [event[1] for event in events],
            "event_action": [event[2] for event in events],
            "event_reaction": [event[3] for event in events],
            "span_s": np.array([begin_s, min(end_s, media["duration_s"])], np.float32),
        }

    @functools.cached_property
    def _film_ids(self) -> set[str]:
        return {path.name.removesuffix(FILM_SUFFIX) for path in self.recordings_dir.glob(f"*{FILM_SUFFIX}")}

    @functools.cached_property
    def _spans(self) -> Mapping[str, tuple[float, float]]:
        return read_spans(self.recordings_dir / SPANS_NAME)


def read_times(path: Path) -> list[tuple[float, str, str, str]]:
    """Reads the events of a recording.

    Args:
      path: a `_times.txt` file of lines `<seconds> <material> <action> <reaction>`.

    Returns:
      `(time in s, material, action, reaction)` by rising time; an unlabelled property is "None".

    Raises:
      UserError: if the file is missing or a line is malformed.
    """
    if not path.exists():
        raise file_error(path, "is missing", "write one line per event; an empty file says that there is none")
    events = []
    # Bytes that are no text become a line that is no event, and are named like one.
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = line.split()
        if not tokens:
            continue
        try:
            time_s = float(tokens[0])
        except ValueError:
            time_s = float("nan")
        if len(tokens) != 4 or not 0 <= time_s < float("inf"):
            raise file_error(
                path, f"line {number} is {line.strip()!r}", "write <seconds> <material> <action> <reaction>"
            )
        events.append((time_s, tokens[1], tokens[2], tokens[3]))
    return sorted(events)


def check_times(path: Path, times_s: Sequence[float], duration_s: float) -> None:
    """Refuses times that cannot be seconds of the film: milliseconds, or numbers of frames.

    A few events after the end are left as they are; the report of the preparation counts them.

    Args:
      path: the file of the times.
      times_s: the times of all events, in seconds.
      duration_s: length of the film in seconds.

    Raises:
      UserError: if more than half of the events lie after the end of the film.
    """
    late = sum(time_s > duration_s for time_s in times_s)
    if 2 * late > len(times_s):
        problem = f"{late} of {len(times_s)} events lie after the end of the film ({duration_s:.2f} s)"
        raise file_error(path, problem, "write times in seconds")


def read_spans(path: Path) -> dict[str, tuple[float, float]]:
    """Reads which part of each recording was annotated.

    Args:
      path: `manifest.json`, a list of entries with "video" and "annotated" `[begin, end]` in seconds; it may
        be absent.

    Returns:
      `{id: (begin_s, end_s)}` of the recordings it names.

    Raises:
      UserError: if the file is not of that form.
    """
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise TypeError(f"it holds a {type(entries).__name__}")
        spans = {entry["video"]: entry["annotated"] for entry in entries if "annotated" in entry}
        return {name: (float(begin), float(end)) for name, (begin, end) in spans.items()}
    except (KeyError, TypeError, ValueError) as error:
        raise file_error(
            path, f"is no list of recordings ({error!r})", 'give each a "video" and "annotated": [begin, end]'
        ) from error


def split_lists(recordings_dir: Path, split: str) -> tuple[list[str], list[str]]:
    """Finds the training and the test recordings.

    The folder's own `train.txt` and `test.txt` are the official split; without them the shipped lists are.

    Args:
      recordings_dir: the folder of recordings.
      split: one of `SPLITS`.

    Returns:
      The ids for training (validation included) and for testing.

    Raises:
      UserError: if only one list is there, an id is in both, stands twice or cannot be part of a file name, or
        nothing is left to train on.
    """
    paths = [recordings_dir / "train.txt", recordings_dir / "test.txt"]
    missing = [path for path in paths if not path.exists()]
    if len(missing) == 1:
        raise file_error(missing[0], "is missing", "write one id a line, or remove the other list as well")
    if split == "condfoley" or missing:
        name = "condfoley" if split == "condfoley" else "official"
        paths = [FOLDER / "splits" / f"{name}_{side}.txt" for side in ("train", "test")]
    train, test = ([line.strip() for line in p.read_text().splitlines() if line.strip()] for p in paths)
    check_ids(paths[0], train)
    check_ids(paths[1], test)
    both = sorted(set(train) & set(test))
    if both:
        raise file_error(paths[0], f"shares {both[0]} with {paths[1].name}", "keep each id in one list")
    if split == "session_disjoint":
        train, test = part_sessions(train, test)
    if not train:
        raise file_error(paths[0], "leaves nothing to train on", "add ids to it")
    return train, test


def check_ids(path: Path, ids: Sequence[str]) -> None:
    """Refuses ids that would name a file elsewhere, and doubles, which would be stored and scored twice.

    Args:
      path: the list that the ids come from.
      ids: one a recording.

    Raises:
      UserError: if an id holds a slash, a backslash or a control character, or stands twice.
    """
    for recording_id, count in collections.Counter(ids).items():
        if set(recording_id) & {"/", "\\"} or not recording_id.isprintable():
            raise file_error(path, f"{recording_id!r} is no id", "write the name of a recording of this folder")
        if count > 1:
            raise file_error(path, f"lists {recording_id} {count} times", "keep each id once")


def session_of(recording_id: str) -> str:
    """Names the sitting in which a recording was made.

    Args:
      recording_id: `YYYY-MM-DD-HH-MM-SS`, perhaps with a take behind it (`-595`, `-at10s`), or any name.

    Returns:
      The time stamp, or the whole id where it has none.
    """
    stamp = re.match(r"\d{4}(-\d{2}){5}(?=-|$)", recording_id)
    return stamp.group() if stamp else recording_id


def part_sessions(train: Sequence[str], test: Sequence[str]) -> tuple[list[str], list[str]]:
    """Moves every session wholly to the side that holds more of its recordings (on a tie, to training).

    Args:
      train: ids for training.
      test: ids for testing.

    Returns:
      The two lists with no session in both.
    """
    balance: dict[str, int] = {}
    for ids, weight in ((train, 1), (test, -1)):
        for recording_id in ids:
            balance[session_of(recording_id)] = balance.get(session_of(recording_id), 0) + weight
    everything = sorted([*train, *test])
    return (
        [name for name in everything if balance[session_of(name)] >= 0],
        [name for name in everything if balance[session_of(name)] < 0],
    )


def cut_validation(train: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """Cuts whole sessions off the training list, chosen by the hash of their name.

    With a single session recordings stand for sessions, since otherwise nothing would be left to train on.

    Args:
      train: ids for training.
      share: how much of them to cut, in [0, 1); at least one recording where there are four.

    Returns:
      The ids for training and for validation, both sorted.
    """
    wanted = max(round(share * len(train)), 1) if share > 0 and len(train) >= 4 else 0
    groups: dict[str, list[str]] = {}
    one_session = len({session_of(name) for name in train}) == 1
    for name in train:
        groups.setdefault(name if one_session else session_of(name), []).append(name)
    order = sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest())
    validation: list[str] = []
    for group in order:
        if len(validation) + len(groups[group]) <= wanted:
            validation += groups[group]
    if wanted and not validation:
        validation = min((groups[group] for group in order), key=len)
    return sorted(set(train) - set(validation)), sorted(validation)

"""Answers of the listening study: the CSV that its page gives out, read back with errors that teach."""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from vis2sound_jax.errors import UserError, file_error

SIDES = ("left", "right")


class Answer(NamedTuple):
    """One choice of one person, a line of the CSV; the fields are its columns.

    Attributes:
      participant: the code that the person gave.
      item: name of the clip.
      recording: the recording that it is from; nobody answers twice for one.
      algorithm: what made the other sound.
      material: label of the clip, "None" where unlabelled.
      action: label of the clip.
      reaction: label of the clip.
      side: where the real film was, "left" or "right".
      answer: which was taken for real, "left" or "right".
      correct: whether the two agree; 1 or 0 in the file.
      ms: from the films' appearance to the answer, in milliseconds.
    """

    participant: str
    item: str
    recording: str
    algorithm: str
    material: str
    action: str
    reaction: str
    side: str
    answer: str
    correct: bool
    ms: float


COLUMNS = Answer._fields


def read_answers(paths: Sequence[str | os.PathLike[str]]) -> list[Answer]:
    """Reads and checks the files of all participants.

    Args:
      paths: CSV files, one or more participants in each.

    Returns:
      The answers in the order of the files.

    Raises:
      UserError: for a missing or empty file, missing columns, values that cannot be, and a person who
        answers twice for one recording, such as a file given twice.
    """
    answers: list[Answer] = []
    seen: dict[tuple[str, str], str] = {}
    for path in paths:
        for line, answer in _read(path):
            key = (answer.participant, answer.recording)
            if key in seen:
                raise file_error(
                    f"{os.fspath(path)}:{line}",
                    f"participant {answer.participant!r} answers for recording {answer.recording!r} again, after "
                    f"{seen[key]}",
                    "give each file once, and each person a code of their own",
                )
            seen[key] = f"{os.fspath(path)}:{line}"
            answers.append(answer)
    if not answers:
        raise UserError("no answers to analyse: no CSV file was given; give the files that the study's page saved")
    return answers


def _read(path: str | os.PathLike[str]) -> Iterator[tuple[int, Answer]]:
    remedy = "give a file that the study's page saved"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise file_error(path, "no such file", remedy) from error
    except (OSError, UnicodeDecodeError) as error:
        raise file_error(path, f"cannot be read as text ({type(error).__name__})", remedy) from error
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise file_error(path, f"has no column {', '.join(missing)}", f"{remedy}, with the columns {','.join(COLUMNS)}")
    line = None
    for row in reader:
        line = reader.line_num
        yield line, _parse(f"{os.fspath(path)}:{line}", row)
    if line is None:
        raise file_error(path, "has no answers", "leave it out, or save it again when the study is finished")


def _parse(place: str, row: dict[str, str | None]) -> Answer:
    values = {name: (row[name] or "").strip() for name in COLUMNS}
    for name in ("participant", "item", "recording", "algorithm"):
        if not values[name]:
            raise file_error(place, f"{name} is empty", "every answer needs one; save the file from the page again")
    for name in ("side", "answer"):
        if values[name] not in SIDES:
            raise file_error(place, f"{name} is {values[name]!r}", "allowed are left and right; do not edit the file")
    right = values["side"] == values["answer"]
    if values["correct"] != str(int(right)):
        raise file_error(
            place,
            f"correct is {values['correct']!r}, but side is {values['side']} and answer {values['answer']}",
            "it must be 1 where they agree and 0 elsewhere; do not edit the file",
        )
    try:
        ms = float(values["ms"])
    except ValueError as error:
        raise file_error(place, f"ms is {values['ms']!r}", "it must be a number; do not edit the file") from error
    texts = {name: values[name] for name in COLUMNS if name not in ("correct", "ms")}
    return Answer(**texts, correct=right, ms=ms)

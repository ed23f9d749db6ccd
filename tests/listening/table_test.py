"""Laws of the file of answers: what was written is read back, and what cannot be is refused with its place."""

from pathlib import Path

import pytest

from tests.listening.made_up_answers import answer, write
from vis2sound_jax.errors import UserError
from vis2sound_jax.listening.table import COLUMNS, SIDES, Answer, read_answers

GOOD = answer("p", "r", "full system", True)


def test_answers_are_read_back_in_the_order_of_the_files(tmp_path: Path) -> None:
    first = write(tmp_path / "b.csv", [GOOD, answer("p", "other", "random", False, reaction='a "b", c')])
    second = write(tmp_path / "a.csv", [answer("q", "r", "random", True, ms=12.5)])
    answers = read_answers([first, second])
    assert answers[0] == Answer("p", "clip of r", "r", "full system", "None", "None", "None", *SIDES[:1] * 2, True, 900)
    assert answers[1].reaction == 'a "b", c' and not answers[1].correct
    assert [(found.participant, found.ms) for found in answers] == [("p", 900.0), ("p", 900.0), ("q", 12.5)]


def test_a_spreadsheets_mark_at_the_beginning_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [GOOD])
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert read_answers([path])[0].participant == "p"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, GOOD], r"a\.csv:3: participant 'p' answers for recording 'r' again, after .*a\.csv:2"),
        ([GOOD | {"side": "top"}], r"side is 'top'; allowed are left and right"),
        ([GOOD | {"answer": ""}], r"answer is ''; allowed are left and right"),
        ([GOOD | {"correct": 0}], "correct is '0', but side is left and answer left"),
        ([GOOD | {"ms": "soon"}], r"a\.csv:2: ms is 'soon'"),
        ([GOOD | {"participant": ""}], "participant is empty"),
        ([], "has no answers"),
    ],
)
def test_impossible_answers(rows, message, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_answers([write(tmp_path / "a.csv", rows)])


def test_files_that_are_no_answers(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no column correct, ms; .*participant,item"):
        read_answers([write(tmp_path / "a.csv", [GOOD], COLUMNS[:-2])])
    with pytest.raises(UserError, match="no such file"):
        read_answers([tmp_path / "none.csv"])
    (tmp_path / "film.csv").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UserError, match=r"film\.csv: cannot be read as text"):
        read_answers([tmp_path / "film.csv"])
    with pytest.raises(UserError, match="no answers to analyse"):
        read_answers([])

"""Laws of the study's result: shares with three intervals, every answer counted once, few answers claim little."""

import json
from pathlib import Path

import pytest

from tests.listening.made_up_answers import ALGORITHMS, few_answers, many_answers
from vis2sound_jax.listening.answers import LABELS, analyse_answers


def test_shares_and_intervals(tmp_path: Path) -> None:
    table = analyse_answers(many_answers(tmp_path))
    full, random = (table.algorithms[name] for name in ALGORITHMS)
    assert list(table.algorithms) == list(ALGORITHMS) and table.n_answers == 400 and table.n_participants == 10
    assert full.percent == 40.0 and random.percent == 20.0 and full.n_answers == 200
    assert full.margin == pytest.approx(196.0 * (0.24 / 200) ** 0.5, rel=1e-4)
    assert (full.low, full.high) == (pytest.approx(33.46, abs=0.01), pytest.approx(46.92, abs=0.01))
    assert full.participants.value == 40.0 and full.participants.low < 40.0 < full.participants.high
    assert table.p_values[ALGORITHMS] < 1e-4


def test_every_kind_of_label_counts_every_answer(tmp_path: Path) -> None:
    table = analyse_answers(many_answers(tmp_path))
    assert set(table.by_label) == set(LABELS) and set(table.by_label["material"]) == {"w", "d"}
    for labels in table.by_label.values():
        assert sum(share.n_answers for shares in labels.values() for share in shares.values()) == 400


def test_few_answers_claim_little(tmp_path: Path) -> None:
    table = analyse_answers(few_answers(tmp_path))
    share = table.algorithms["random"]
    assert share.percent == share.margin == share.low == 0.0 and share.high > 50.0
    assert share.participants.as_dict() == {"value": 0.0, "low": None, "high": None}


@pytest.mark.parametrize("answers", [many_answers, few_answers])
def test_seeded_and_json_ready(answers, tmp_path: Path) -> None:
    paths = answers(tmp_path)
    found = json.loads(json.dumps(analyse_answers(paths, seed=1).as_dict(), allow_nan=False))
    assert found == json.loads(json.dumps(analyse_answers(paths, seed=1).as_dict()))
    assert [test["algorithms"] for test in found["t_tests"]] == [list(ALGORITHMS)]
    assert set(found["labelled_real"]) == set(ALGORITHMS)

"""Laws of the tables as text: every row with its interval, the paper's number under it, lines that fit."""

import re

import numpy as np
import pytest

from tests.systems.vis.scoring.impact_worlds import made_up_impacts
from vis2sound_jax.evaluation.detection import Detections, Thresholds
from vis2sound_jax.systems.vis.scoring.detection import evaluate_detection
from vis2sound_jax.systems.vis.scoring.tables import evaluate_impacts
from vis2sound_jax.systems.vis.scoring.text import number_text, scores_text

TEST = made_up_impacts(1)
ROWS = {"full system": 0.8 * TEST.features, "ridge": np.where(np.arange(96)[:, None, None] < 5, np.nan, TEST.features)}


@pytest.fixture(scope="module")
def scores():
    return evaluate_impacts(made_up_impacts(0), TEST, ROWS)


@pytest.fixture(scope="module")
def detection():
    times = [np.array([1.0, 2.0, 3.0])] * 4
    found = [(t[:2], np.array([0.5, 0.9])) for t in times]
    films = Detections(list("abcd"), times, [(0.0, 4.0)] * 4, {"full system": found})
    return evaluate_detection(films, Thresholds({"full system": 0.6}, 5, 15))


def test_text_has_every_row_and_the_papers_numbers(scores, detection):
    text = scores_text(scores, detection)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    for row in ("full system", "ridge", "real sound", "chance", "random times, true count"):
        assert any(line.startswith(row) for line in lines)
    first = next(i for i, line in enumerate(lines) if line.startswith("full system"))
    assert lines[first + 1].split() == ["paper", "0.21", "0.44", "3.85", "0.47"]
    assert re.search(r"full system\s+0\.67 \[0\.67, 0\.67\]\n\s+paper\s+0\.44", text)
    assert "reaction" not in text  # nothing to tell apart in these sounds


def test_without_films_there_is_no_table_of_films(scores):
    assert "Whole films" not in scores_text(scores)


def test_numbers_have_two_decimals_and_zero_no_sign():
    assert [number_text(value) for value in (1.0, -0.001, -0.25, float("nan"))] == ["1.00", "0.00", "-0.25", "–"]

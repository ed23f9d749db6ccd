"""Laws of the report of single impacts: every row with its interval and the paper's number, films beside the page."""

import base64
import re

import numpy as np
import pytest

from tests.systems.vis.scoring.impact_worlds import made_up_impacts
from vis2sound_jax.evaluation.detection import Detections, Thresholds
from vis2sound_jax.systems.vis.scoring.detection import evaluate_detection
from vis2sound_jax.systems.vis.scoring.report import Film, write_vis_report
from vis2sound_jax.systems.vis.scoring.tables import evaluate_impacts

PNG = b"\x89PNG\r\n\x1a\n"
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


def test_report_is_whole(scores, detection, tmp_path):
    path = tmp_path / "report.html"
    films = [Film("wood & metal", "films/a b.mp4", "as heard")]
    write_vis_report(path, scores, TEST, ROWS, title="VIS", data="procedural", detection=detection, films=films)
    page = path.read_text(encoding="utf-8")
    assert "Data: procedural: 12 held-out recordings, 96 impacts" in page
    assert 'src="films/a%20b.mp4"' in page and "media-src data: 'self' file:;" in page and "<script" not in page
    assert "paper 3.85" in page and "paper 0.44" in page
    assert "validation recordings (5, with 15 events)" in page and "(threshold of the test films)" in page
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(images) >= 10 and all(base64.b64decode(image).startswith(PNG) for image in images)
    assert len(images) == page.count("<img alt=") and 'alt=""' not in page

"""Laws of the report of single impacts: every row with its interval and the paper's number, films beside the page."""

import base64
import re

import numpy as np
import pytest

from tests.systems.vis.scoring.impact_worlds import made_up_impacts
from vis2sound_jax.report.page import report_html
from vis2sound_jax.report.parts import Example, Report
from vis2sound_jax.systems.vis.scoring.detection import evaluate_detection
from vis2sound_jax.systems.vis.scoring.pictures import (
    cochleagrams_picture,
    mean_cochleagrams_picture,
    soft_confusion_picture,
)
from vis2sound_jax.systems.vis.scoring.report import Film, write_vis_report
from vis2sound_jax.systems.vis.scoring.tables import evaluate_impacts
from vis2sound_jax.systems.vis.scoring.text import scores_text

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
    return evaluate_detection(times, [(0.0, 4.0)] * 4, list("abcd"), {"full system": found})


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


def test_report_is_whole(scores, detection, tmp_path):
    path = tmp_path / "report.html"
    films = [Film("wood & metal", "films/a b.mp4", "as heard")]
    write_vis_report(path, scores, TEST, ROWS, title="VIS", data="procedural", detection=detection, films=films)
    page = path.read_text(encoding="utf-8")
    assert "Data: procedural: 12 held-out recordings, 96 impacts" in page
    assert 'src="films/a%20b.mp4"' in page and "media-src data: 'self' file:;" in page and "<script" not in page
    assert "paper 3.85" in page and "paper 0.44" in page
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(images) >= 10 and all(base64.b64decode(image).startswith(PNG) for image in images)
    assert len(images) == page.count("<img alt=") and 'alt=""' not in page


def test_page_without_films_beside_it_lets_nothing_in():
    inside = report_html(Report("VIS", "procedural", examples=[Example("film", "", 1, {}, film=b"mp4")]))
    assert "media-src data:;" in inside and 'src="data:video/mp4' in inside


def test_pictures_are_reproducible():
    made = [mean_cochleagrams_picture(TEST.features, TEST.material, "material") for _ in range(2)]
    assert made[0] == made[1] and made[0].startswith(PNG)
    assert mean_cochleagrams_picture(TEST.features, ["None"] * 96, "material").startswith(PNG)
    clips = [
        ("a", {"real sound": TEST.features[0], "ridge": TEST.features[1]}),
        ("b", {"real sound": TEST.features[2]}),
    ]
    assert cochleagrams_picture(clips).startswith(PNG)
    with pytest.raises(ValueError, match="no clip"):
        cochleagrams_picture([])


def test_confusion_is_drawn_in_the_order_given():
    soft = {"real": np.eye(3) * 0.5 + 0.1}
    straight, turned = (
        soft_confusion_picture(soft, list("abc"), order, "material") for order in ([0, 1, 2], [2, 0, 1])
    )
    assert straight.startswith(PNG) and straight != turned

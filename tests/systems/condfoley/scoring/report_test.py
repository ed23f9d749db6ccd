"""Laws of the evaluation's page: claims with their bounds, every row, examples to hear, further tables at the end."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from tests.systems.condfoley.scoring.foley_worlds import RATE_HZ, toy_classifiers, toy_items
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.evaluation.detection import RANDOM_ROW, Thresholds
from vis2sound_jax.report.parts import Table
from vis2sound_jax.systems.condfoley.scoring.items import add_best_take
from vis2sound_jax.systems.condfoley.scoring.published import PROTOCOL
from vis2sound_jax.systems.condfoley.scoring.report import Seen, write_evaluation_report
from vis2sound_jax.systems.condfoley.scoring.soundtracks import evaluate_condfoley

NOTE = Thresholds({"video encoder": 0.3}, 7, 40).note


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    config = SimpleNamespace(
        name="smoke", data=SimpleNamespace(recordings="procedural"), evaluate=SimpleNamespace(takes=2)
    )
    items = add_best_take(toy_items()[:4], RATE_HZ, "takes", "best of 2")
    scores = evaluate_condfoley(items, RATE_HZ, toy_classifiers())
    detection = {
        row: {"onset_ap_100ms": Estimate(value, value, value)}
        for row, value in (("video encoder", 0.61), ("real sound", 0.97), (RANDOM_ROW, 0.13))
    }
    foley: Any = SimpleNamespace(rate_hz=RATE_HZ)
    path = tmp_path_factory.mktemp("page") / "report.html"
    further = [
        Table("In step", "a further table", {"scorer": {"share": Estimate(0.7, 0.6, 0.8)}}, columns={"share": "s"})
    ]
    seen = Seen(detection, NOTE)
    write_evaluation_report(path, config, foley, seen, scores, {"nats_all": 2.5}, items, further)
    return path.read_text(encoding="utf-8")


def test_claims_never_stand_without_their_bounds(page: str) -> None:
    assert "Events seen in whole films" in page and "<strong>0.61</strong>" in page
    claims = re.findall(r"<strong>.*?</li>", page, re.S)
    assert len(claims) == 3 and all("real sound" in claim and "chance" in claim for claim in claims)


def test_all_tables_are_there_in_their_order(page: str) -> None:
    titles = re.findall(r'<h2 id="table\d+">(.*?)</h2>', page)
    known = ["Events seen in whole films", "Soundtracks", "Soundtracks, published protocol"]
    assert titles == [*known, "In step"]
    assert "procedural recordings: 2 held-out recordings, 4 pairs, 12 events" in page
    assert "all 2.500" in page and PROTOCOL.split(":")[0] in page


def test_every_pair_can_be_heard(page: str) -> None:
    assert page.count('<article class="example">') == 4
    assert page.count("<audio") == 4 * 3 == page.count('src="data:audio/flac;base64,')
    assert page.count("<img") == page.count('src="data:image/png;base64,') == 3 + 2 + 4


def test_the_page_says_on_what_thresholds_were_chosen(page: str) -> None:
    assert NOTE in page and "validation recordings (7, with 40 events)" in page
    assert "All rows have one listener" in page and "best F1, ±0.1 s (threshold of the test films)" in page

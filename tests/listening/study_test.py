"""Laws of the listening study: the page holds all it needs, shares trials out fairly, and its answers are read back."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.listening.made_up_answers import ALGORITHMS
from vis2sound_jax.errors import UserError
from vis2sound_jax.listening.study import StudyItem, build_study
from vis2sound_jax.listening.table import COLUMNS, read_answers

NODE = shutil.which("node")
SCRIPT = Path(__file__).parents[2] / "vis2sound_jax/listening/templates/study.js"


@pytest.fixture
def items(tmp_path: Path) -> list[StudyItem]:
    films = tmp_path / "films"
    films.mkdir()
    items = []
    for k in range(24):
        paths = {name: films / f"{k} {name}.mp4" for name in ("real", *ALGORITHMS)}
        for name, path in paths.items():
            path.write_bytes(f"film {k} {name}".encode())
        real = paths.pop("real")
        items.append(StudyItem(f"clip {k}", f"rec{k // 2}", real, paths, "wood", "hit", 'a "b", c </script>'))
    return items


def study_of(path: Path) -> tuple[str, Any]:
    page = path.read_text(encoding="utf-8")
    data = re.search(r'id="study">(.*?)</script>', page, re.S)
    assert data is not None
    return page, json.loads(data[1])


def test_page_holds_its_films(items: list[StudyItem], tmp_path: Path) -> None:
    path = tmp_path / "study.html"
    build_study(items, path, 3)
    page, study = study_of(path)
    assert "http://" not in page and "https://" not in page and "media-src data:;" in page
    assert page.startswith("<!DOCTYPE html>") and not re.search("{[{%#]", page)
    assert len(study["practice"]) == 5 and len(study["recordings"]) == 12 - 5
    trained = {clip["recording"] for clip in study["practice"]}
    assert len(trained) == 5 and not trained & {clip["recording"] for r in study["recordings"] for clip in r}
    assert study["practice"][0]["real"].startswith("data:video/mp4;base64,")
    assert study["practice"][0]["reaction"] == 'a "b", c </script>' and tuple(study["columns"]) == COLUMNS
    again = tmp_path / "again.html"
    build_study(items, again, 3)
    assert again.read_text() == page


def test_the_page_has_the_look_and_the_script_that_stand_in_files(items: list[StudyItem], tmp_path: Path) -> None:
    build_study(items, tmp_path / "study.html", title="<Which> & 'why'?")
    page, _ = study_of(tmp_path / "study.html")
    for name in ("study.js", "study.css"):
        assert (SCRIPT.parent / name).read_text(encoding="utf-8") in page
    assert page.count("<h1>&lt;Which&gt; &amp; &#39;why&#39;?</h1>") == 1
    assert page.count("<script") == 2 and page.count("<style>") == 1


def test_algorithms_stay_in_the_order_given(items: list[StudyItem], tmp_path: Path) -> None:
    # The script draws an algorithm by its place; another order would draw other trials for the same code.
    turned = [item._replace(synthesised=dict(reversed(item.synthesised.items()))) for item in items]
    build_study(turned, tmp_path / "study.html", practice=0)
    _, study = study_of(tmp_path / "study.html")
    assert {tuple(clip["films"]) for clips in study["recordings"] for clip in clips} == {ALGORITHMS[::-1]}


def test_films_beside_the_page(items: list[StudyItem], tmp_path: Path) -> None:
    build_study(items, tmp_path / "study.html", embed=False, practice=0)
    page, study = study_of(tmp_path / "study.html")
    assert study["practice"] == [] and "for practice" not in page and "media-src 'self' file:;" in page
    assert study["recordings"][0][0]["films"]["full system"] == "films/0%20full%20system.mp4"


def test_mistakes_in_a_study(items: list[StudyItem], tmp_path: Path) -> None:
    out = tmp_path / "study.html"
    for wrong, message in (
        (items[:8], "4 recordings, but 5 go to practice"),
        ([*items, items[0]], "two items of the study are named 'clip 0'"),
        ([items[0]._replace(synthesised={}), *items[1:]], "no synthesised film"),
        ([items[0]._replace(real=tmp_path / "none.mp4"), *items[1:]], r"none\.mp4: no such film"),
        ([items[0]._replace(real=tmp_path / "a.avi"), *items[1:]], r"give \.mp4 or \.webm files"),
    ):
        with pytest.raises(UserError, match=message):
            build_study(wrong, out)
    assert not out.exists()


@pytest.mark.skipif(NODE is None, reason="node, which runs the page's script outside a browser, is not installed")
def test_trials_are_shared_out_fairly_and_read_back(items: list[StudyItem], tmp_path: Path) -> None:
    build_study(items, tmp_path / "study.html", trials=6)
    study = study_of(tmp_path / "study.html")[1]
    script = f"""{SCRIPT.read_text(encoding="utf-8")}
    const study = {json.dumps(study)};
    const people = Array.from({{length: 200}}, (_, k) => "p" + k);
    const plans = people.map((p) => plan(study, p));
    const rows = plans.flatMap((t, k) => t.filter((x) => !x.practice)
      .map((x, i) => record(people[k], x, i % 2 ? "left" : "right", 1000 + i)));
    const same = JSON.stringify(plan(study, "p7")) === JSON.stringify(plans[7]);
    console.log(JSON.stringify({{same, practice: plans[0].filter((x) => x.practice).length,
      text: table(study.columns, rows)}}));"""
    assert NODE is not None
    run = subprocess.run([NODE, "-"], input=script, capture_output=True, text=True, check=True)
    out = json.loads(run.stdout)
    (tmp_path / "answers.csv").write_text(out["text"])
    answers = read_answers([tmp_path / "answers.csv"])  # refuses a second impact of a recording
    assert out["same"] and out["practice"] == 5 and len(answers) == 200 * 6
    assert answers[0].reaction == 'a "b", c </script>'
    for values in ([a.side for a in answers], [a.algorithm for a in answers], [a.item for a in answers]):
        counts = [values.count(value) for value in set(values)]
        assert len(counts) in (2, 14) and max(counts) < 1.4 * len(answers) / len(counts)

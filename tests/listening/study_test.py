"""Laws of the listening study: the page holds all it needs, shares trials out fairly, and its answers are read back."""

import csv
import io
import json
import re
import shutil
import subprocess

import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.listening.answers import analyse_answers
from vis2sound_jax.listening.page import SCRIPT
from vis2sound_jax.listening.study import StudyItem, build_study
from vis2sound_jax.listening.table import COLUMNS, read_answers
from vis2sound_jax.systems.vis.scoring.listening_text import answers_text

NODE = shutil.which("node")
ALGORITHMS = ("full system", "random")


@pytest.fixture
def items(tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    made = []
    for k in range(24):
        paths = {name: films / f"{k} {name}.mp4" for name in ("real", *ALGORITHMS)}
        for name, path in paths.items():
            path.write_bytes(f"film {k} {name}".encode())
        real = paths.pop("real")
        made.append(StudyItem(f"clip {k}", f"rec{k // 2}", real, paths, "wood", "hit", 'a "b", c </script>'))
    return made


def study_of(path):
    page = path.read_text(encoding="utf-8")
    return page, json.loads(re.search(r'id="study">(.*?)</script>', page, re.S)[1])


def answer(participant, recording, algorithm, correct, **other):
    row = dict.fromkeys(("material", "action", "reaction"), "None") | {"item": f"clip of {recording}", "ms": 900}
    row |= {"participant": participant, "recording": recording, "algorithm": algorithm, "side": "left"}
    return row | {"answer": "left" if correct else "right", "correct": int(correct)} | other


def write(path, rows, columns=COLUMNS):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())
    return path


def test_page_holds_its_films(items, tmp_path):
    path = tmp_path / "study.html"
    build_study(items, path, 3)
    page, study = study_of(path)
    assert "http://" not in page and "https://" not in page and "media-src data:;" in page
    assert not set(re.findall(r"\b[A-Z]{5,}\b", re.sub(r"<script.*", "", page, flags=re.S))) - {"DOCTYPE"}
    assert len(study["practice"]) == 5 and len(study["recordings"]) == 12 - 5
    trained = {clip["recording"] for clip in study["practice"]}
    assert len(trained) == 5 and not trained & {clip["recording"] for r in study["recordings"] for clip in r}
    assert study["practice"][0]["real"].startswith("data:video/mp4;base64,")
    assert study["practice"][0]["reaction"] == 'a "b", c </script>' and tuple(study["columns"]) == COLUMNS
    again = tmp_path / "again.html"
    build_study(items, again, 3)
    assert again.read_text() == page


def test_films_beside_the_page(items, tmp_path):
    build_study(items, tmp_path / "study.html", embed=False, practice=0)
    page, study = study_of(tmp_path / "study.html")
    assert study["practice"] == [] and "for practice" not in page and "media-src 'self' file:;" in page
    assert study["recordings"][0][0]["films"]["full system"] == "films/0%20full%20system.mp4"


def test_mistakes_in_a_study(items, tmp_path):
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
def test_trials_are_shared_out_fairly_and_read_back(items, tmp_path):
    build_study(items, tmp_path / "study.html", trials=6)
    study = study_of(tmp_path / "study.html")[1]
    script = f"""{SCRIPT}
    const study = {json.dumps(study)};
    const people = Array.from({{length: 200}}, (_, k) => "p" + k);
    const plans = people.map((p) => plan(study, p));
    const rows = plans.flatMap((t, k) => t.filter((x) => !x.practice)
      .map((x, i) => record(people[k], x, i % 2 ? "left" : "right", 1000 + i)));
    const same = JSON.stringify(plan(study, "p7")) === JSON.stringify(plans[7]);
    console.log(JSON.stringify({{same, practice: plans[0].filter((x) => x.practice).length,
      text: table(study.columns, rows)}}));"""
    run = subprocess.run([NODE, "-"], input=script, capture_output=True, text=True, check=True)
    out = json.loads(run.stdout)
    (tmp_path / "answers.csv").write_text(out["text"])
    answers = read_answers([tmp_path / "answers.csv"])  # refuses a second impact of a recording
    assert out["same"] and out["practice"] == 5 and len(answers) == 200 * 6
    assert answers[0].reaction == 'a "b", c </script>'
    for values in ([a.side for a in answers], [a.algorithm for a in answers], [a.item for a in answers]):
        counts = [values.count(value) for value in set(values)]
        assert len(counts) in (2, 14) and max(counts) < 1.4 * len(answers) / len(counts)


def test_shares_and_intervals(tmp_path):
    fooled = {"full system": (4, 12), "random": (4, 4)}  # of 20, by participants of even and odd number
    rows = [
        answer(f"p{p}", f"r{i}", name, i // 2 >= fooled[name][p % 2], material="wd"[i // 20])
        for p in range(10)
        for i, name in enumerate(ALGORITHMS * 20)
    ]
    files = [write(tmp_path / "a.csv", rows[:160]), write(tmp_path / "b.csv", rows[160:])]
    table = analyse_answers(files)
    full, random = (table.algorithms[name] for name in ALGORITHMS)
    assert list(table.algorithms) == list(ALGORITHMS) and table.n_answers == 400 and table.n_participants == 10
    assert full.percent == 40.0 and random.percent == 20.0 and full.n_answers == 200
    assert full.margin == pytest.approx(196.0 * (0.24 / 200) ** 0.5, rel=1e-4)
    assert (full.low, full.high) == (pytest.approx(33.46, abs=0.01), pytest.approx(46.92, abs=0.01))
    assert full.participants.value == 40.0 and full.participants.low < 40.0 < full.participants.high
    assert table.p_values[ALGORITHMS] < 1e-4
    assert sum(s.n_answers for found in table.by_label["material"].values() for s in found.values()) == 400
    text = answers_text(table)
    assert text.splitlines()[3].split()[-3:] == ["40.01", "±", "1.66"]  # the paper's
    assert "full system  40.00 ± 6.79" in text and "By material:" in text and "full system – random: p < 0.0001" in text
    json.dumps(table.as_dict(), allow_nan=False)


def test_few_answers_claim_little(tmp_path):
    rows = [answer("one", f"r{i}", ALGORITHMS[i % 2], correct=True) for i in range(6)]
    table = analyse_answers([write(tmp_path / "a.csv", rows)])
    share = table.algorithms["random"]
    assert share.percent == share.margin == share.low == 0.0 and share.high > 50.0
    assert share.participants.as_dict() == {"value": 0.0, "low": None, "high": None}
    assert "full system – random: –" in answers_text(table)
    json.dumps(table.as_dict(), allow_nan=False)


def test_mistakes_in_answers(tmp_path):
    good = answer("p", "r", "full system", True)
    for rows, message in (
        ([good, good], r"a\.csv:3: participant 'p' answers for recording 'r' again, after .*a\.csv:2"),
        ([good | {"side": "top"}], r"side is 'top'; allowed are left and right"),
        ([good | {"correct": 0}], "correct is '0', but side is left and answer left"),
        ([good | {"ms": "soon"}], r"a\.csv:2: ms is 'soon'"),
        ([good | {"participant": ""}], "participant is empty"),
        ([], "has no answers"),
    ):
        with pytest.raises(UserError, match=message):
            analyse_answers([write(tmp_path / "a.csv", rows)])
    with pytest.raises(UserError, match="has no column correct, ms; .*participant,item"):
        analyse_answers([write(tmp_path / "a.csv", [good], COLUMNS[:-2])])
    with pytest.raises(UserError, match="no such file"):
        analyse_answers([tmp_path / "none.csv"])
    with pytest.raises(UserError, match="no answers to analyse"):
        analyse_answers([])

"""Laws of the report: everything in it, nothing from outside, bounds beside every number, readable by all."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.report.page import report_html, write_report
from vis2sound_jax.report.parts import Claim, Example, Picture, Report, Table
from vis2sound_jax.report.pictures import MelPanel, mel_picture

RATE_HZ = 22_050
VOID = {"meta", "img", "br", "link", "input", "hr"}
NAN = float("nan")


def scores(value):
    return {
        "onset_ap_100ms": Estimate(value, value - 0.05, value + 0.05),
        "material": Estimate(NAN, NAN, NAN),
        "loudness_r": Estimate(value - 0.5, value - 0.6, value - 0.4),
    }


@pytest.fixture(scope="module")
def wav():
    return (0.1 * np.random.default_rng(0).standard_normal(RATE_HZ)).astype(np.float32)


@pytest.fixture(scope="module")
def report(wav):
    rows = {"best of 4 <takes>": scores(0.5), "onset transfer": scores(0.25), "real sound": scores(0.9)}
    rows["chance"] = scores(0.1)
    picture = Picture(
        mel_picture(
            [MelPanel("real", wav, np.array([0.5])), MelPanel("silence", np.zeros(RATE_HZ), np.zeros(0))],
            RATE_HZ,
            annotated_s=np.array([0.5]),
            video_curve=(np.linspace(0, 1, 15), np.linspace(0, 1, 15)),
        ),
        "mel & marks",
        "two sounds",
    )
    claim = Claim(
        "takes come on time",
        scores(0.5)["onset_ap_100ms"],
        *(rows[r]["onset_ap_100ms"] for r in ("real sound", "chance")),
    )
    return Report(
        "Conditional Foley",
        "procedural recordings, 12 held-out worlds",
        [claim],
        [Table("Takes", "all rows", rows, "real sound", "chance")],
        [picture],
        [Example("pair 1", "a note", RATE_HZ, {"take": wav, "real": wav}, picture, b"mp4 bytes")],
    )


class Checker(HTMLParser):
    """Checks nesting and collects tags."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style" and data.strip():
            self.words.append(data.strip())


def checked(page):
    checker = Checker()
    checker.feed(page)
    assert not checker.open
    return checker


def test_self_contained(report):
    page = report_html(report)
    assert "http://" not in page and "https://" not in page and "<script" not in page and "url(" not in page
    for tag, attributes in checked(page).seen:
        for name in ("src", "href"):
            if name in attributes:
                assert attributes[name].startswith(("data:", "#")), (tag, attributes[name][:40])


def test_first_words_say_what_data_it_is(report):
    words = checked(report_html(report)).words
    assert words[1] == "Data: procedural recordings, 12 held-out worlds"  # words[0] is the window's title


def test_all_rows_with_bounds(report):
    checker = checked(report_html(report))
    headers = [attributes.get("scope") for tag, attributes in checker.seen if tag == "th"]
    assert headers.count("row") == 4 and headers.count("col") == 1 + 3
    for row in ("best of 4 <takes>", "onset transfer", "real sound", "chance"):
        assert row in checker.words
    assert "[0.45, 0.55]" in checker.words and "−0.25" in checker.words
    assert "real sound 0.90, chance 0.10" in checker.words
    assert checker.words.count("–") == 4  # a material that nobody labelled
    meters = [a["style"] for t, a in checker.seen if t == "i"]
    assert {"width:50%", "width:100%", "width:0%"} <= set(meters)


def test_everything_has_words(report):
    for tag, attributes in checked(report_html(report)).seen:
        if tag == "img":
            assert attributes["alt"]
        if tag in ("audio", "video"):
            assert attributes["aria-label"] and "controls" in attributes


def test_players_hold_the_sound(report, wav):
    sources = re.findall(r'src="data:audio/flac;base64,([^"]+)"', report_html(report))
    assert len(sources) == 2
    heard, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(sources[0])))
    assert rate_hz == RATE_HZ and np.abs(heard - wav).max() < 1e-4


def test_written_whole_or_not_at_all(report, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, report)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(UserError, match=r"report\.html: its folder .*none does not exist; create the folder first"):
        write_report(tmp_path / "none" / "report.html", report)


def test_what_could_not_be_used_is_listed():
    page = report_html(Report("Sheet", "films", left_out=["a <b>.mp4: is empty; give another"]))
    assert "a <b>.mp4: is empty; give another" in checked(page).words


def test_empty_report_is_valid():
    checked(report_html(Report("Nothing", "none")))


def test_page_without_films_beside_it_lets_nothing_in():
    policies = {film: policy_of([Example("film", "", 1, {}, film=film)]) for film in (b"mp4", "films/a b.mp4", None)}
    assert "media-src data:;" in policies[b"mp4"] and policies[b"mp4"] == policies[None]
    assert "media-src data: 'self' file:;" in policies["films/a b.mp4"]


def policy_of(examples):
    metas = [a for tag, a in checked(report_html(Report("t", "d", examples=examples))).seen if tag == "meta"]
    return next(a["content"] for a in metas if a.get("http-equiv") == "Content-Security-Policy")


def test_links_lead_to_the_sections_that_are_there(report):
    seen = checked(report_html(report)).seen
    anchors = [a["id"] for tag, a in seen if tag == "h2"]
    assert anchors == ["claims", "table0", "pictures", "examples"]
    assert [a["href"] for tag, a in seen if tag == "a"] == [f"#{anchor}" for anchor in anchors]
    assert [a["aria-labelledby"] for tag, a in seen if tag == "section"] == anchors


@pytest.mark.parametrize("ends", [(0.9, 0.1), (0.5, 0.5), (NAN, 1.0), None])
def test_no_meter_without_a_ceiling_above_its_floor(ends):
    rows = {"row": {"material": Estimate(0.5, NAN, NAN)}}
    if ends:
        rows |= {name: {"material": Estimate(end, NAN, NAN)} for name, end in zip(("low", "high"), ends, strict=True)}
    table = Table("t", "n", rows, "high", "low", published={"row": {"material": -0.25}})
    checker = checked(report_html(Report("t", "d", tables=[table])))
    assert not any(a.get("class") == "meter" for _, a in checker.seen)
    assert "paper −0.25" in checker.words and "no interval" in checker.words

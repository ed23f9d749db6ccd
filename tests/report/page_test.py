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
from vis2sound_jax.report.pictures import MelPanel, bar_picture, confusion_picture, mel_picture

RATE_HZ = 22_050
PNG = b"\x89PNG\r\n\x1a\n"
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


def test_pictures_are_reproducible_png(wav):
    bars = [
        bar_picture(
            "AP",
            {"a": Estimate(0.4, 0.3, 0.5), "b": Estimate(NAN, NAN, NAN)},
            ceiling=Estimate(0.9, NAN, NAN),
        )
        for _ in range(2)
    ]
    assert bars[0] == bars[1] and bars[0].startswith(PNG)
    assert confusion_picture(np.array([[3, 1], [0, 0]]), ["metal", "wood"], "material").startswith(PNG)
    assert mel_picture([MelPanel("x", wav, np.zeros(0))], RATE_HZ, annotated_s=np.zeros(0)).startswith(PNG)

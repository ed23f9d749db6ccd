"""Laws of a report's parts: plain values that stay as they are, with headings for every metric."""

import dataclasses

import pytest

from vis2sound_jax.evaluation.bootstrap import Estimate
from vis2sound_jax.report.parts import METRICS, Claim, Example, Picture, Report, Table

SCORE = Estimate(0.5, 0.4, 0.6)


def test_what_is_not_given_is_empty() -> None:
    report = Report("title", "data")
    assert not any(getattr(report, part.name) for part in dataclasses.fields(report)[2:])
    assert Claim("text", SCORE).ceiling is None and Picture(b"", "words").caption == ""
    example = Example("title", "", 22_050, {})
    assert example.film is None and example.picture is None


def test_a_table_shows_the_metrics_of_every_system_unless_others_are_named() -> None:
    table = Table("title", "note", {"row": {"onset_ap_100ms": SCORE}})
    assert table.columns is METRICS and table.published == {} and table.ceiling_row is table.floor_row is None
    assert len(set(METRICS.values())) == len(METRICS)


@pytest.mark.parametrize("part", [Claim("text", SCORE), Picture(b"", "words"), Report("title", "data")])
def test_parts_do_not_change(part) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.title = "another"

"""Suggestions: the nearest word, some word whatever was written, and silence where there is no choice."""

import pytest

from vis2sound_jax.run.nearest import nearest

JOBS = ("prepare", "encoder", "generate")


@pytest.mark.parametrize(("word", "meant"), [("prepar", "prepare"), ("encodre", "encoder"), ("gen", "generate")])
def test_a_typo_finds_what_was_meant(word: str, meant: str) -> None:
    assert nearest(word, JOBS) == f"; did you mean {meant!r}?"


def test_without_a_choice_nothing_is_suggested() -> None:
    assert nearest("prepare", ()) == ""
    assert nearest("", JOBS) != ""

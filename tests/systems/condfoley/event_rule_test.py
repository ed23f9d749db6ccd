"""Laws of the rule for events: the threshold of best F1, in the middle of its plateau; written and read back."""

from pathlib import Path

import numpy as np
import pytest

from vis2sound_jax.errors import UserError
from vis2sound_jax.evaluation.onset_matching import OnsetClip
from vis2sound_jax.retrieval.sound_kind import SoundKind
from vis2sound_jax.systems.condfoley.event_rule import EventRule, best_doubt, best_threshold


def clip(right: float, wrong: float) -> OnsetClip:
    """Ten events seen with one probability, and ten that are none with another."""
    true = np.arange(10.0)
    seen = np.concatenate([true, true + 0.5])
    confidence = np.concatenate([np.full(10, right), np.full(10, wrong)])
    order = np.argsort(seen)
    return OnsetClip(true, seen[order], confidence[order], (0.0, 10.0))


def test_the_threshold_is_the_middle_of_those_that_tell_events_from_others() -> None:
    assert best_threshold([clip(0.8, 0.3)]) == pytest.approx(0.575, abs=0.03)
    assert best_threshold([clip(0.3, 0.1)]) == pytest.approx(0.225, abs=0.03)
    assert best_threshold([clip(0.8, 0.3)] * 3) == best_threshold([clip(0.8, 0.3)])


def test_without_annotations_it_is_the_usual_one() -> None:
    none = OnsetClip(np.zeros(0), np.array([1.0]), np.array([0.9]), (0.0, 2.0))
    assert best_threshold([]) == best_threshold([none]) == EventRule().threshold == 0.4


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    rule = EventRule(0.31, SoundKind((1.0,), (2.0,), (0.5,), -0.25), doubt=1.5)
    rule.save(tmp_path)
    assert EventRule.load(tmp_path) == rule
    (tmp_path / "rule.json").write_text("{}")
    with pytest.raises(UserError, match="rule.json: cannot be read .*; run the stage again with --job=events"):
        EventRule.load(tmp_path)


def test_kinds_are_doubted_as_far_as_they_are_wrong() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 2, 4000)
    scratch = rng.random(4000) < 1 / (1 + np.exp(-true))
    assert best_doubt(true, scratch) == pytest.approx(1.0, abs=0.1)
    assert best_doubt(3 * true, scratch) == pytest.approx(3.0, rel=0.1)
    assert best_doubt(true[:5], scratch[:5]) == 1.0
    rule = EventRule(doubt=2.0)
    assert (
        rule.doubted(0.5) == 0.5
        and 0.5 < rule.doubted(0.9) < 0.9
        and rule.doubted(0.1) == pytest.approx(1 - rule.doubted(0.9))
    )
    assert EventRule().doubted(0.7) == pytest.approx(0.7)


def test_what_is_less_sure_is_softer() -> None:
    rule = EventRule(threshold=0.3)
    gains = [rule.gain(confidence) for confidence in np.linspace(rule.least, 1, 20)]
    assert gains == sorted(gains) and gains[0] == pytest.approx(0.35 / 1.5) and gains[-1] == 1.0

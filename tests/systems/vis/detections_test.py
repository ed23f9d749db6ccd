"""Laws of the calibration: the threshold is that of validation recordings, and it is learned once a step."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.systems.vis.soundtrack_test import STEPS_HZ, bank, film, heard
from vis2sound_jax.data.impacts import FilmNotes
from vis2sound_jax.systems.vis import detections
from vis2sound_jax.systems.vis.detections import Found, calibrate

STRUCK = {"low": 0.5, "high": 1.4, "broad": 2.2}


def notes() -> FilmNotes:
    unlabelled = ["None"] * 3
    times = list(STRUCK.values())
    return FilmNotes("film", 90, 30.0, 3.0, times, *[unlabelled] * 3, (0.0, 3.0), times, [1.0] * 3)


def found(quiet: float) -> Found:
    """Three true impacts, and between them three that are none, quieter."""
    times = np.sort(np.concatenate([list(STRUCK.values()), np.array([0.9, 1.8, 2.7])]))
    return Found(notes(), times, np.where(np.isin(times, list(STRUCK.values())), 0.5, quiet), heard(film(**STRUCK)))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A run whose model finds what the test says, and how often it was asked."""
    state = SimpleNamespace(workdir=tmp_path, step=7, quiet=0.1, asked=[])

    def detect(config: Any, workdir: Path, predictor: Any, split: str) -> list[Found]:
        state.asked.append(split)
        return [found(state.quiet)]

    (tmp_path / "detection").mkdir()
    monkeypatch.setattr(detections, "detect", detect)
    monkeypatch.setattr(detections, "load_meta", lambda folder: {"step": state.step})
    monkeypatch.setattr(detections, "has_split", lambda workdir, split: True)
    monkeypatch.setattr(detections, "erb_spec", lambda config: SimpleNamespace(envelope_hz=STEPS_HZ))
    return state


def test_the_threshold_lies_between_impacts_and_what_is_none(run: SimpleNamespace) -> None:
    found = calibrate(None, run.workdir, None, bank())
    assert 0.1 < found.least <= 0.5 and run.asked == ["validation"]
    assert found.colouring is not None and found.colouring.matrix.shape == (14, 14)


def test_it_is_learned_once_a_step_and_kept(run: SimpleNamespace) -> None:
    first = calibrate(None, run.workdir, None, bank())
    again = calibrate(None, run.workdir, None, bank())
    assert len(run.asked) == 1 and again.least == first.least
    np.testing.assert_array_equal(again.colouring.matrix, first.colouring.matrix)
    run.step, run.quiet = 8, 0.4
    assert calibrate(None, run.workdir, None, bank()).least > 0.4 and len(run.asked) == 2
    with np.load(run.workdir / "detection" / "calibration.npz") as kept:
        assert json.loads(str(kept["notes"]))["step"] == 8


def test_too_few_peaks_have_no_colours(run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    lone = Found(notes(), np.array([0.5]), np.array([0.5]), heard(film(low=0.5)))
    monkeypatch.setattr(detections, "detect", lambda *given: [lone])
    assert calibrate(None, run.workdir, None, bank()).colouring is None
    assert calibrate(None, run.workdir, None, bank()).colouring is None

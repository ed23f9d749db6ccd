"""A minute of the fuzz harness with a fixed seed, and laws of the harness itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given

from tests.fuzz.bytes_changed import HOWS, Change, changed
from tests.fuzz.kinds import KINDS
from tests.fuzz.verdict import judged
from tests.fuzz.worker import DOOR, keep, seed_of
from vis2sound_jax.errors import UserError

ROOT = Path(__file__).parents[2]
MINUTES = 0.7
"""Of inputs; the process begins and compiles before that."""


def test_no_input_does_anything_but_work_or_be_refused(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.fuzz", f"--minutes={MINUTES}", "--seed=0", f"--keep={tmp_path}"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    counts = json.loads((tmp_path / "progress.json").read_text())["counts"]
    assert set(counts) == set(KINDS) and sum(count["inputs"] for count in counts.values()) > 20


def _verdict(tmp_path: Path, *, left: bool = False, said: int = 1, error: Exception | None = None):
    def command() -> None:
        if left:
            (tmp_path / "a.wav").touch()
        for _ in range(said - 1):
            print("a line too many", file=sys.stderr)
        if error is not None:
            raise error

    def check() -> None:
        assert (tmp_path / "a.wav").exists(), "nothing is there"

    def check_refused() -> None:
        assert not (tmp_path / "a.wav").exists(), "left behind: a.wav"

    return judged(command, check, check_refused)


def test_success_needs_its_outputs_and_a_refusal_one_line_and_none(tmp_path: Path) -> None:
    refusal = UserError("a.wav: is bad; give another")
    assert _verdict(tmp_path).wrong and _verdict(tmp_path, error=refusal).wrong == ""
    assert "not one line but 2" in _verdict(tmp_path, said=2, error=refusal).wrong
    traced = _verdict(tmp_path, error=ZeroDivisionError("x"))
    assert traced.code == 1 and traced.where.startswith("ZeroDivisionError") and "Traceback" in traced.wrong
    assert _verdict(tmp_path, left=True).wrong == ""
    assert "left behind" in _verdict(tmp_path, left=True, error=refusal).wrong


def test_a_batch_is_the_same_again_and_others_are_others() -> None:
    def drawn(number: int) -> list[str]:
        found: list[str] = []

        @hypothesis.seed(number)
        @hypothesis.settings(
            max_examples=8,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(KINDS["film"].plans)
        def one(plan: object) -> None:
            found.append(repr(plan))

        one()
        return found

    first, second = seed_of(0, "film", 0), seed_of(0, "film", 1)
    assert drawn(first) == drawn(first) != drawn(second)
    assert len({seed_of(seed, kind, batch) for seed in range(3) for kind in KINDS for batch in range(3)}) == 9 * len(
        KINDS
    )


@pytest.mark.parametrize("how", HOWS)
def test_bytes_are_changed_and_nothing_is_too_small_for_it(how: str) -> None:
    data = bytes(range(100))
    assert changed(data, [Change(how, 0.5, 10, 7)]) != data
    assert len(changed(b"", [Change(how, 1.0, 3, 7)])) <= 3


def test_inputs_that_go_wrong_are_kept_three_of_each(tmp_path: Path) -> None:
    now = tmp_path / "now"
    (now / "in").mkdir(parents=True)
    (now / "in" / "a.wav").write_bytes(b"x")
    (now / DOOR).write_text(json.dumps({"kind": "wav", "arguments": {}}))
    places = [keep(now, "ValueError audio/tracks.py:read", tmp_path / "kept") for _ in range(5)]
    assert len(set(places)) == 3 and len(list((tmp_path / "kept").iterdir())) == 3
    assert (Path(places[0]) / "in" / "a.wav").read_bytes() == b"x"

"""The check as it is called: what it refuses, what it writes, and how it ends."""

import json
import sys
from pathlib import Path

import pytest

from vis2sound_jax.accelerator import __main__ as program
from vis2sound_jax.accelerator import networks
from vis2sound_jax.accelerator.checks import Case
from vis2sound_jax.errors import UserError


def run(*words: str) -> bool:
    return program.check(program.read_flags(words))


def test_an_accelerator_is_needed_unless_the_check_itself_is_tried(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="jax sees no accelerator here; install .* or add --small to try the check"):
        run(f"--output={tmp_path / 'a.json'}")


def test_mistakes_are_told_before_anything_is_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no check 'speed'; there are limits, networks, decoder, laptop steps"):
        run("--small", "--only=networks,speed", f"--output={tmp_path / 'a.json'}")
    with pytest.raises(UserError, match="has the ending .txt; name a file that ends in .json"):
        run("--small", f"--output={tmp_path / 'a.txt'}")


def test_chosen_checks_are_run_after_the_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "accelerator.json"
    assert run("--small", "--only=decoder", f"--output={output}")
    checks = json.loads(output.read_text())["checks"]
    assert [(name, len(rows)) for name, rows in checks.items()] == [("limits", 3), ("decoder", 4)]
    assert all(row["status"] == "done" and row["share"] > 0 for row in checks["decoder"])
    told = capsys.readouterr().out
    assert "decoder: 16 takes, bfloat16: done" in told and "accelerator.md are written" in told
    assert "**The paper's decoder**" in output.with_suffix(".md").read_text()


@pytest.mark.parametrize(("status", "code"), [("done", 0), ("not here", 0), ("differs", 1), ("failed", 1)])
def test_the_exit_code_says_how_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, code: int
) -> None:
    case = Case("MelGAN", lambda: {"status": status, "outputs": 1.0})
    monkeypatch.setattr(networks, "network_cases", lambda device, small: [case])
    monkeypatch.setattr(program, "settle", lambda: None)
    words = ["--small", "--only=networks", f"--output={tmp_path / 'a.json'}"]
    monkeypatch.setattr(sys, "argv", ["accelerator", *words])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == code


def test_a_mistake_ends_with_two_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "settle", lambda: None)
    monkeypatch.setattr(sys, "argv", ["accelerator", "--output=nowhere/a.json"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.startswith("vis2sound: error: ") and error.count("\n") == 1

"""Laws of the lock: one holder at a time, free when the file is closed, one line where the system has none."""

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vis2sound_jax import file_lock
from vis2sound_jax.errors import UserError

ROOT = Path(__file__).parents[1]


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as first, (tmp_path / "lock").open("a+") as second:
        assert file_lock.take(first)
        assert not file_lock.take(second)
        first.close()
        assert file_lock.take(second)


def test_different_files_do_not_meet(tmp_path: Path) -> None:
    with (tmp_path / "one").open("w") as one, (tmp_path / "two").open("w") as two:
        assert file_lock.take(one) and file_lock.take(two)


def test_a_system_without_locks_is_named_with_what_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_fcntl(name: str, *rest: Any) -> Any:
        if name == "fcntl":
            raise ModuleNotFoundError("No module named 'fcntl'", name="fcntl")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_fcntl)
    with (tmp_path / "lock").open("w") as file, pytest.raises(UserError, match="Subsystem for Linux") as refused:
        file_lock.take(file)
    assert "\n" not in str(refused.value)


def test_without_the_module_a_run_ends_with_one_line_and_help_is_printed(tmp_path: Path) -> None:
    start = "import sys; sys.modules['fcntl'] = None; from vis2sound_jax.cli import main; main()"
    environment = {"PYTHONPATH": str(ROOT), "GLIBC_TUNABLES": "", "HOME": str(tmp_path)}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", start, *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    assert run("train", "--help").returncode == 0
    refused = run("train", "condfoley:smoke")
    assert refused.returncode == 2
    assert (
        refused.stderr.startswith("vis2sound: error: this system cannot lock files") and refused.stderr.count("\n") == 1
    )

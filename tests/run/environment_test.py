"""The process begins anew once, on large pages, with the same arguments; what a user has set stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vis2sound_jax.run import environment

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, sys
print(os.getpid(), sys.argv[1:], os.environ.get("GLIBC_TUNABLES"), flush=True)
from vis2sound_jax.run import environment
environment.take_large_pages()
print("goes on", flush=True)
"""


def _printed(**settings: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    command = [sys.executable, "-c", PROGRAM, "--an argument"]
    result = subprocess.run(command, cwd=ROOT, env=kept | settings, capture_output=True, text=True, check=True)
    return result.stdout.splitlines()


@pytest.mark.skipif(sys.platform != "linux", reason="large pages are asked for on Linux alone")
def test_a_process_begins_anew_once_with_its_arguments() -> None:
    first, again, last = _printed()
    (process, _, rest), (same, _, more) = first.partition(" "), again.partition(" ")
    assert process == same and rest == "['--an argument'] None"
    assert more == "['--an argument'] glibc.malloc.hugetlb=1" and last == "goes on"


def test_what_is_set_stays() -> None:
    (first, last) = _printed(GLIBC_TUNABLES="")
    assert first.endswith("['--an argument'] ") and last == "goes on"


def test_a_users_own_cache_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = {"XDG_CACHE_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "0"}
    monkeypatch.setattr(environment.os, "environ", settings)
    environment.settle()
    assert settings["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "vis2sound_jax" / "xla")
    assert settings["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_without_a_home_or_a_place_to_write_nothing_is_cached_and_the_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    (tmp_path / "file").touch()
    for settings in ({}, {"XDG_CACHE_HOME": str(tmp_path / "file")}):
        monkeypatch.setattr(environment.os, "environ", settings)
        monkeypatch.setattr(Path, "home", unknown)
        environment.settle()
        assert "JAX_COMPILATION_CACHE_DIR" not in settings and settings["TF_CPP_MIN_LOG_LEVEL"] == "2"


def test_any_name_can_be_printed_whatever_the_terminal_takes() -> None:
    program = "from vis2sound_jax.run import environment; environment.settle(); print('\\udce9 \\U0001f941')"
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert (printed.returncode, printed.stdout) == (0, b"\\udce9 \\U0001f941\n")


def test_a_python_that_does_not_know_its_own_file_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    monkeypatch.setattr(environment.sys, "executable", "")
    monkeypatch.setattr(environment.os, "execv", lambda *_: pytest.fail("it began anew"))
    environment.take_large_pages()

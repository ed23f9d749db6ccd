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

"""Every shell script is clean."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.machine import ROOT


def test_shellcheck() -> None:
    binary = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    if binary is None:
        pytest.skip("there is no shellcheck; the extra `dev` brings it")
    scripts = sorted((ROOT / "launch").rglob("*.sh"))
    assert len(scripts) > 5
    found = subprocess.run([binary, *map(str, scripts)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout

"""The machine of the launch scripts' tests."""

from pathlib import Path

import pytest

from tests.launch.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)

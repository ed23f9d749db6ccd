"""What one machine of a slice does."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.launch.machine import Machine

SCRIPT = "worker.sh"
# Runs until it is told to stop, and then saves.
PYTHON = "echo asked $*; trap 'echo saved; exit 0' TERM; while :; do sleep 0.05; done"


@pytest.fixture
def installed(machine: Machine) -> Iterator[Machine]:
    machine.stub("python", PYTHON, path=machine.checkout / ".venv/bin/python")
    yield machine
    machine.does(SCRIPT, "stop")


def _wait_for(path: Path, text: str) -> None:
    for _ in range(200):
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{text!r} did not come: {path.read_text()}")


def test_a_run_outlives_its_start_and_goes_on_after_a_stop(installed: Machine) -> None:
    log = installed.checkout / "runs/worker/log"
    installed.does(SCRIPT, "start", "--multihost", "--workdir=gs://b/r")
    _wait_for(log, "asked -m vis2sound_jax.main --multihost --workdir=gs://b/r")
    assert "a run is going on (process " in installed.refuses(SCRIPT, "start", "--multihost")
    assert "runs, process" in installed.does(SCRIPT, "log")
    assert "stopped" in installed.does(SCRIPT, "stop")
    assert "saved" in log.read_text() and "does not run" in installed.does(SCRIPT, "log")
    installed.does(SCRIPT, "start", "--multihost", "--again")
    _wait_for(log, "--again")
    assert "saved" in log.read_text(), "what was said before stays"


def test_before_anything_was_done(machine: Machine) -> None:
    assert machine.refuses(SCRIPT, "start").endswith("nothing is installed; run tpu_pod.sh install first")
    assert "nothing was started" in machine.does(SCRIPT, "log")
    assert machine.refuses(SCRIPT, "pause") == "'pause' is not a task; there are install, start, log, stop"


def test_a_number_that_another_program_has_now_is_no_run(machine: Machine) -> None:
    (machine.checkout / "runs/worker").mkdir(parents=True)
    (machine.checkout / "runs/worker/pid").write_text("1\n")
    assert "does not run" in machine.does(SCRIPT, "log")


def test_an_old_machine_gets_a_python(machine: Machine) -> None:
    machine.stub("python3", '[ "$1" != -c ]')
    answer = machine.launch(SCRIPT, "install")
    pip, uv = [call[2:] for call in machine.calls if call[1] == "-m"]
    assert (pip[0], pip[-1]) == ("pip", "uv>=0.8") and (uv[0], uv[-1]) == ("uv", "3.12")
    assert answer.returncode == 2 and "there is no Python 3.11 or newer" in answer.stderr

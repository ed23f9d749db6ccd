"""What a scheduler learns of how a run ended."""

import signal
import time

import pytest

from tests.launch.machine import Machine, spawn

# Says when it hears, goes on until the file `go` is there, and ends with the status it was given.
CHILD = "trap 'echo told' TERM; echo ready; until [ -e go ]; do sleep 0.05; done; exit $0"


@pytest.mark.parametrize("status", [0, 1, 2, 75, 137])
def test_a_run_that_nobody_stopped_keeps_its_status(machine: Machine, status: int) -> None:
    assert machine.launch("attempt.sh", "bash", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize(("status", "seen"), [(0, 75), (1, 75), (143, 75), (2, 2)])
def test_a_run_that_was_told_to_stop_is_to_be_tried_again(machine: Machine, status: int, seen: int) -> None:
    run = spawn(machine, machine.checkout / "launch/attempt.sh", "bash", "-c", CHILD, str(status))
    assert run.stdout is not None and run.stdout.readline() == "ready\n"
    run.send_signal(signal.SIGTERM)
    assert run.stdout.readline() == "told\n", "only the first process of a container hears"
    (machine.home / "go").touch()
    assert run.wait(timeout=30) == seen
    run.stdout.close()


def test_under_slurm_a_run_is_told_by_slurm_alone(machine: Machine) -> None:
    run = spawn(machine, machine.checkout / "launch/attempt.sh", "bash", "-c", CHILD, "0", SLURM_JOB_ID="7")
    assert run.stdout is not None and run.stdout.readline() == "ready\n"
    run.send_signal(signal.SIGTERM)
    time.sleep(0.3)  # in which a second telling would arrive
    (machine.home / "go").touch()
    assert "told\n" not in run.stdout.readlines()
    assert run.wait(timeout=30) == 75
    run.stdout.close()
